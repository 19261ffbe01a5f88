"""Records what `df` and `quota` print on this machine, as fixtures for the parsers.

    python -m tests.harness.record_file_systems tests/fixtures/filesystems

It needs root, gcc, e2fsprogs and quota. The programs, file systems and mounts are real and live in
a mount namespace of their own. Kernels of containers and small machines keep no quotas
(CONFIG_QFMT_V2), so a preloaded library answers the system call quotactl(2) with the numbers of
each case: the layout is the program's, the numbers are ours. Each case becomes
`<out>/<program>-<version>/<case>/` with the command, both outputs byte for byte and a `meta.json`.

Source: quotactl(2), quota(1), df(1).
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from slurmfleet.timing.clock import SystemClock

DAY_S = 86_400
COLUMNS = "fstype,size,used,avail,itotal,iused,iavail,source,target"
MIB_BLOCKS = 1024
IN_NAMESPACE = "--in-namespace"

ANSWERING = r"""
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/quota.h>

int quotactl(int command, const char *special, int id, caddr_t address)
{
    struct dqblk *block = (struct dqblk *)address;
    long long n[8] = {0};
    const char *told = getenv("QUOTA_NUMBERS");
    int i, end;
    (void)special; (void)id;
    switch ((unsigned int)command >> 8) {
    case (unsigned int)Q_GETFMT >> 0: *(int *)address = 4; return 0;
    case (unsigned int)Q_SYNC >> 0: return 0;
    case (unsigned int)Q_GETINFO >> 0: memset(address, 0, sizeof(struct dqinfo)); return 0;
    case (unsigned int)Q_GETQUOTA >> 0:
        for (i = 0; i < 8 && told && sscanf(told, "%lld%n", &n[i], &end) == 1; i++) told += end;
        memset(block, 0, sizeof *block);
        block->dqb_curspace = n[0] * 1024; block->dqb_bsoftlimit = n[1];
        block->dqb_bhardlimit = n[2]; block->dqb_btime = n[3];
        block->dqb_curinodes = n[4]; block->dqb_isoftlimit = n[5];
        block->dqb_ihardlimit = n[6]; block->dqb_itime = n[7];
        block->dqb_valid = QIF_ALL;
        return 0;
    }
    return -1;
}
"""


def quota_cases(now_epoch_s: int, short: Path, long: Path) -> Mapping[str, tuple[str, str]]:
    """Give commands and numbers by case: KiB, soft, hard, grace end, files, soft, hard, its end."""
    in_6_days, passed = now_epoch_s + 6 * DAY_S + 3_600, now_epoch_s - DAY_S
    ours = f"quota -wpvA -u -f {short}"
    within = "734003 1073741 1181116 0 4821 10000 11000 0"
    over = f"1100000 1073741 1181116 {in_6_days} 4821 10000 11000 0"
    both = f"1100000 1073741 1181116 {in_6_days} 10500 10000 11000 {passed}"
    return {
        "within": (ours, within),
        "without-limits": (ours, "734003 0 0 0 4821 0 0 0"),
        "over-soft": (ours, over),
        "over-soft-passed": (ours, both),
        "at-hard": (ours, "1181116 0 1181116 0 4821 10000 11000 0"),
        "groups": (f"setpriv --groups 0,4 quota -wpvA -g -f {short}", within),
        "wrapped": (f"quota -v -u -f {long}", both),
        "wrapped-files-over": (f"quota -v -u -f {long}", f"7 0 0 0 10500 10000 11000 {in_6_days}"),
        "human": (f"quota -ws -v -u -f {short}", over),
        "none": (f"quota -wp -u -f {short}", "0 0 0 0 0 0 0 0"),
        "not-enabled": ("quota -wpvA -u -f /proc", within),
    }


def df_cases(folder: Path, spaced: Path) -> Mapping[str, str]:
    """Give commands by case."""
    asked = f"df -k --output={COLUMNS} --"
    return {
        "ext4": f"{asked} {folder}",
        "proc": f"{asked} /proc",
        "tmpfs-spaces": f"{asked} '{spaced}'",
        "missing": f"{asked} /no/such/path",
    }


def record(out: Path, command: str, env: Mapping[str, str], facts: Mapping[str, object]) -> None:
    """Run one command and keep what it printed."""
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, check=False, env={**os.environ, **env}
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "command.txt").write_text(f"{command}\n")
    (out / "stdout").write_bytes(done.stdout)
    (out / "stderr").write_bytes(done.stderr)
    meta = {"case": out.name, "exit_status": done.returncode, **facts}
    (out / "meta.json").write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n")


def version_of(program: str) -> str:
    """Give a program's version, of the first line that it prints about itself."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"\d+\.\d+", said.stdout + said.stderr)
    return match[0] if match else "unknown"


def prepare(work: Path) -> tuple[Path, Path, Path]:
    """Build the library and make the mounts; gives one by each kind of name."""
    (work / "answering.c").write_text(ANSWERING)
    library = work / "answering.so"
    _run("gcc", "-shared", "-fPIC", "-o", library, work / "answering.c")
    short, long, spaced = Path("/mnt/home"), Path("/mnt/scratch"), Path("/mnt/with two spaces")
    _run("mount", "-t", "tmpfs", "mounts", "/mnt")
    for place in (short, long, spaced):
        place.mkdir()
    _run("mount", "-t", "tmpfs", "-o", "size=4m", "a name of a device", spaced)
    for place in (short, long):
        image = work / place.name
        image.touch()
        os.truncate(image, 16 * MIB_BLOCKS * 1024)
        _run("mkfs.ext4", "-q", image)
    _run("mount", "-o", "loop,usrquota,grpquota", work / "home", short)
    loop = subprocess.check_output(["losetup", "--find", "--show", work / "scratch"], text=True)
    alias = Path("/mnt/a-device-with-a-long-name")
    status = Path(loop.strip()).stat()
    os.mknod(alias, status.st_mode, status.st_rdev)
    _run("mount", "-o", "usrquota,grpquota", alias, long)
    _run("losetup", "--detach", loop.strip())
    return short, long, spaced


def _run(*argv: object) -> None:
    subprocess.run([str(word) for word in argv], check=True)


def main(argv: Sequence[str]) -> int:
    """Record every case; begins again in a mount namespace of its own."""
    if IN_NAMESPACE not in argv:
        again = [sys.executable, "-m", "tests.harness.record_file_systems", IN_NAMESPACE, *argv]
        return subprocess.call(["unshare", "--mount", "--propagation", "private", *again])
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(IN_NAMESPACE, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("out", type=Path)
    out = parser.parse_args(argv).out
    now = SystemClock().now()
    facts = {
        "recorded_at": now.isoformat(timespec="seconds"),
        "how": f"tests/harness/{Path(__file__).name}",
    }
    with tempfile.TemporaryDirectory(prefix="record-") as name:
        work = Path(name)
        short, long, spaced = prepare(work)
        preloaded = {"LC_ALL": "C", "LD_PRELOAD": str(work / "answering.so")}
        cases = quota_cases(int(now.timestamp()), short, long)
        for case, (command, numbers) in cases.items():
            told = {**facts, "numbers": numbers, "now_epoch_s": int(now.timestamp())}
            place = out / f"quota-{version_of('quota')}" / case
            record(place, command, {**preloaded, "QUOTA_NUMBERS": numbers}, told)
        for case, command in df_cases(short, spaced).items():
            record(out / f"df-{version_of('df')}" / case, command, {"LC_ALL": "C"}, facts)
        _run("umount", "-R", "/mnt")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
