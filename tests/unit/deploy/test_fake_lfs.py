"""The testbed's lfs prints quotas as Lustre does, so that readers may be tried on it."""

import subprocess
from pathlib import Path

LFS = Path(__file__).parents[3] / "deploy" / "testbed" / "bin" / "lfs"


def lfs(home: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [LFS, "quota", *arguments],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_what_is_over_its_soft_limit_has_a_star_and_a_grace_time(tmp_path: Path):
    (tmp_path / ".fake-quota").write_text("usr 1500 1000 2000 7 10 10\n")

    heading, columns, line = lfs(tmp_path, "-u", "root", "/usr")

    assert heading == "Disk quotas for usr root (uid 0):"
    assert columns.split() == [
        *("Filesystem", "kbytes", "quota", "limit", "grace"),
        *("files", "quota", "limit", "grace"),
    ]
    assert line.split() == ["/usr", "1500*", "1000", "2000", "6d23h59m58s", "7", "10", "10", "-"]


def test_a_long_path_takes_a_line_of_its_own(tmp_path: Path):
    path = tmp_path / "with-a-long-name"
    path.mkdir()

    name, line = lfs(tmp_path, "-q", "-h", "-p", "1001", str(path))

    assert name == str(path)
    assert line.split()[:3] == ["50G", "0k", "100G"]


def test_numbers_that_a_server_did_not_confirm_stand_in_brackets(tmp_path: Path):
    (tmp_path / ".fake-quota").write_text("grp 10 0 0 5 0 0 unsure\n")

    _, _, line, *notes = lfs(tmp_path, "-g", "root", "/usr")

    assert line.split() == ["/usr", "[10]", "0", "0", "-", "[5]", "0", "0", "-"]
    assert notes[:2] == [
        "gid 0 is using default block quota setting",
        "gid 0 is using default file quota setting",
    ]
    assert notes[2].endswith('The data in "[]" is inaccurate.')
