"""The cluster's Lustre under /lustre: `lfs quota`, `lfs project` and `df` for paths on it.

Homes are real folders and on no quota; there the machine's own `df` answers.

Source: lustre/utils/lfs.c (print_quota_title, print_quota) of Lustre 2.14; df(1) of coreutils 9.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.simulator.calls import Answer, Call, refused
from services.simulator.cluster import Cluster
from services.simulator.model import Job

MOUNT = "/lustre"
DEVICE = "10.0.0.1@tcp:/big"
PROJECT = 4711
TIB_KIB = 2**30
SIZE_KIB = 4_000 * TIB_KIB
FILES_LIMIT = 10_000_000
KIB_PER_RUN_S = 2_048
"""How fast running jobs write: what is used grows while one looks."""

_KINDS = {"-u": "usr", "-g": "grp", "-p": "prj"}
_NAME_WIDTH = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Use and limits of one owner, in KiB and files."""

    used: int
    soft: int
    hard: int
    files: int


def quota_of(cluster: Cluster, kind: str, owner: str) -> Quota:
    """Give an owner's quota: it holds more for each second that jobs have run."""
    jobs = [job for job in cluster.jobs.values() if kind != "usr" or job.request.user == owner]
    written = sum(_run_s(job, cluster.now) for job in jobs) * KIB_PER_RUN_S
    soft = (10 if kind == "usr" else 100) * TIB_KIB
    base = sum(owner.encode()) % 80 * soft // 100
    used = min(base + written, soft + soft // 20)
    return Quota(used=used, soft=soft, hard=soft + soft // 10, files=used // 700)


def _run_s(job: Job, now: int) -> int:
    if job.started_at is None:
        return 0
    return (job.ended_at or now) - job.started_at


def lfs(cluster: Cluster, call: Call) -> Answer:
    """Answer `lfs quota -u|-g|-p OWNER PATH` and `lfs project -d PATH`."""
    match call.argv:
        case ("project", "-d", path) if on_lustre(path):
            return Answer(stdout=f"{PROJECT:5d} P {path}\n")
        case ("quota", flag, owner, path) if on_lustre(path) and flag in _KINDS:
            return _quota(cluster, _KINDS[flag], owner, path)
        case (verb, *_, path) if not on_lustre(path):
            return refused(f"lfs {verb}: '{path}' not on a mounted Lustre filesystem", status=19)
        case _:
            return refused("lfs: unrecognized option", status=255)


def on_lustre(path: str) -> bool:
    """Say whether a path is on the cluster's Lustre."""
    return path == MOUNT or path.startswith(f"{MOUNT}/")


def _quota(cluster: Cluster, kind: str, owner: str, path: str) -> Answer:
    user = cluster.spec.user(owner)
    if kind == "usr" and user is None and not owner.isdigit():
        return refused(f"lfs quota: invalid id '{owner}'", status=1)
    quota = quota_of(cluster, kind, owner)
    number = user.uid if user else int(owner) if owner.isdigit() else 100
    is_over = quota.used > quota.soft
    headings = (
        "Filesystem",
        "kbytes",
        "quota",
        "limit",
        "grace",
        "files",
        "quota",
        "limit",
        "grace",
    )
    name = f"{path}\n{'':>{_NAME_WIDTH}}" if len(path) > _NAME_WIDTH else f"{path:>{_NAME_WIDTH}}"
    return Answer(
        stdout=f"Disk quotas for {kind} {owner} ({kind[0]}id {number}):\n"
        + "{:>15}{:>8} {:>7}{:>8}{:>8}{:>8} {:>7}{:>8}{:>8}\n".format(*headings)
        + f"{name} {quota.used:>7}{'*' if is_over else ' '} {quota.soft:>6} {quota.hard:>7}"
        + f" {'6d23h59m58s' if is_over else '-':>7}"
        + f" {quota.files:>7}  {0:>6} {FILES_LIMIT:>7} {'-':>7}\n"
    )


def df(cluster: Cluster, call: Call) -> Answer:
    """Answer `df` for a path on Lustre, in the columns that were asked for."""
    listed = next((word for word in call.argv if word.startswith("--output=")), "")
    cells = _cells(cluster)
    names = listed.removeprefix("--output=").split(",") if listed else list(cells)
    if unknown := [name for name in names if name not in cells]:
        return refused(f"df: option --output: field '{unknown[0]}' unknown")
    columns = [cells[name] for name in names]
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    lines = (
        " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )
    return Answer(stdout="".join(f"{line.rstrip()}\n" for line in lines))


def _cells(cluster: Cluster) -> Mapping[str, tuple[str, str]]:
    """Give heading and value by the name of a column."""
    used = quota_of(cluster, "all", "").used + SIZE_KIB // 2
    files = used // 700
    return {
        "source": ("Filesystem", DEVICE),
        "fstype": ("Type", "lustre"),
        "size": ("1K-blocks", str(SIZE_KIB)),
        "used": ("Used", str(used)),
        "avail": ("Avail", str(SIZE_KIB - used)),
        "itotal": ("Inodes", str(files * 4)),
        "iused": ("IUsed", str(files)),
        "iavail": ("IFree", str(files * 3)),
        "target": ("Mounted on", MOUNT),
    }
