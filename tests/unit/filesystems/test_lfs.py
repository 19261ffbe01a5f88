"""`lfs` as Lustre's source prints it: print_quota and print_quota_title in lustre/utils/lfs.c."""

import pytest

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.errors import MalformedUsageError
from slurmfleet.filesystems.lfs import parse_lfs_project, parse_lfs_quota
from slurmfleet.filesystems.usage import Report, Side, Usage

KIB = 1024
INACCURATE = (
    "Some errors happened when getting quota info. Some devices may be not working or "
    'deactivated. The data in "[]" is inaccurate.\n'
)


def title(kind: str = "usr", owner: str = "alice", number: int = 2001) -> str:
    """As print_quota_title does."""
    columns = ("kbytes", "quota", "limit", "grace", "files", "quota", "limit", "grace")
    return (
        f"Disk quotas for {kind} {owner} ({kind[0]}id {number}):\n"
        + "{:>15}{:>8} {:>7}{:>8}{:>8}{:>8} {:>7}{:>8}{:>8}\n".format("Filesystem", *columns)
    )


def row(mount: str, *columns: str) -> str:
    """As print_quota does: a star or a space after what is used, long names on their own line."""
    used, soft, hard, grace, files, files_soft, files_hard, files_grace = columns
    begin = f"{mount}\n{'':>15}" if len(mount) > 15 else f"{mount:>15}"
    halves = ((used, soft, hard, grace), (files, files_soft, files_hard, files_grace))
    for taken, quota, limit, left in halves:
        number, star = taken.rstrip("*"), "*" if taken.endswith("*") else " "
        begin += f" {number:>7}{star} {quota:>6} {limit:>7} {left:>7}"
    return begin + "\n"


WITHIN = ("734003200", "1073741824", "1181116006", "-", "482113", "1000000", "1100000", "-")


def usage(file_system: str = "/scratch", **changes: object) -> Usage:
    whole = Usage(
        file_system=file_system,
        kind=QuotaKind.USER,
        owner="alice",
        space=Side(used=734_003_200 * KIB, soft_limit=2**40, hard_limit=1_181_116_006 * KIB),
        files=Side(used=482_113, soft_limit=1_000_000, hard_limit=1_100_000),
    )
    return Usage(**{**{name: getattr(whole, name) for name in Usage.__slots__}, **changes})


@pytest.mark.parametrize("mount", ["/scratch", "/lustre/a-long/mount/point", "/my data", "/2024"])
def test_a_quota_is_read_whatever_its_file_system_is_called(mount: str):
    report = parse_lfs_quota(title() + row(mount, *WITHIN))

    assert report == Report(usages=(usage(mount),))


def test_a_passed_limit_has_a_star_and_the_time_that_is_left():
    over = ("1100000000*", "1073741824", "1181116006", "6d23h59m58s")
    text = title() + row("/scratch", *over, "1050000*", "1000000", "1100000", "none")

    (read,) = parse_lfs_quota(text).usages

    assert (read.space.is_over, read.space.grace_s) == (True, 7 * 86_400 - 2)
    assert (read.files.is_over, read.files.grace_s) == (True, 0)


def test_zero_is_no_limit_and_defaults_are_only_remarked():
    text = title("prj", "3773301", 3773301) + row("/work", "0", *"00-", "9", *"00-")
    text += "pid 3773301 is using default block quota setting\n"
    text += "pid 3773301 is using default file quota setting\n"

    report = parse_lfs_quota(text)

    nothing = Side(used=0)
    assert report == Report(
        usages=(
            usage(
                "/work",
                kind=QuotaKind.PROJECT,
                owner="3773301",
                space=nothing,
                files=Side(used=9),
            ),
        )
    )


def test_use_that_a_server_could_not_tell_is_not_zero():
    text = title() + row("/scratch", "[0]", "1073741824", "1181116006", "-", "[17]", *"00-")

    (read,) = parse_lfs_quota(text + INACCURATE).usages

    assert (read.space.used, read.files.used) == (None, None)
    assert read.space.soft_limit == 2**40


def test_limits_that_a_server_could_not_tell_are_not_taken_for_none():
    text = title() + row("/scratch", "[0]", "[0]", "[0]", "-", "[0]", "[0]", "[0]", "-")

    report = parse_lfs_quota(text + INACCURATE)

    assert report.usages == ()
    assert [one.problem for one in report.bad] == ["limits that no server told"]


def test_parts_of_servers_and_pools_are_left_out():
    part = ("367001600", "-", "536870912", "-", "-", "-", "-", "-")
    text = title() + "Quotas for pool: flash\n" + row("/scratch", "5", *"00-", "1", *"00-")
    text += row("/scratch", *WITHIN)
    text += row("lustre-MDT0000_UUID", "0", "-", "0", "-", "482113", "-", "500000", "-")
    text += row("lustre-OST0000_UUID", *part) + row("lustre-OST0001_UUID[inact]", *part)
    text += "Total allocated inode limit: 500000, total allocated block limit: 1073741824\n"

    assert parse_lfs_quota(text) == Report(usages=(usage(),))


def test_output_for_people_is_read_with_its_units():
    text = (
        "Disk quotas for grp lab (gid 11905):\n"
        "     Filesystem    used  bquota  blimit  bgrace   files  iquota  ilimit  igrace\n"
        "          /home   2.42G      0k     50G       -     511       0 1000000       -\n"
    )

    (read,) = parse_lfs_quota(text).usages

    assert (read.kind, read.owner) == (QuotaKind.GROUP, "lab")
    assert (read.space.used, read.space.hard_limit) == (2_598_455_215, 50 * 2**30)


def test_quiet_output_says_neither_kind_nor_owner():
    (read,) = parse_lfs_quota(row("/scratch", *WITHIN)).usages

    assert (read.kind, read.owner) == (QuotaKind.UNKNOWN, "")


@pytest.mark.parametrize(
    "text",
    [
        title() + "/scratch\n",
        title() + row("", *WITHIN),
        title() + row("/scratch", "many", *WITHIN[1:]),
        title() + row("/scratch", *WITHIN[:3], "soon", *WITHIN[4:]),
        "something else\n",
    ],
)
def test_what_makes_no_sense_is_kept_as_bad(text: str):
    report = parse_lfs_quota(text)

    assert (report.usages, len(report.bad)) == ((), 1)


@pytest.mark.parametrize(
    ("text", "project"),
    [("200020 P /hpc/projects/lab\n", 200020), ("    0 - /home/alice\n", None)],
)
def test_the_project_of_a_folder_is_read(text: str, project: int | None):
    assert parse_lfs_project(text) == project


@pytest.mark.parametrize("text", ["", "/home/alice", "12345678901 P /x\n", "12 X /x\n"])
def test_what_is_no_project_is_refused(text: str):
    with pytest.raises(MalformedUsageError):
        parse_lfs_project(text)
