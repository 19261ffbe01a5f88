"""What Lustre's `lfs quota` and `lfs project` print.

A mount point of more than 15 characters stands on a line of its own. A star after what is used
says that a limit is passed; a grace time of `none` then says that it has run out. Numbers in
`[brackets]` could not be had from a server that is down, and are as good as untold.

Source: lfs-quota(1), lfs-project(1); lustre/utils/lfs.c (print_quota_title, print_quota,
print_obd_quota, do_quota_op) and lfs_project.c (project_list_one), Lustre 2.5 to 2.16.
"""

import re
from collections.abc import Sequence

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.errors import MalformedUsageError
from slurmfleet.filesystems.usage import (
    BadLines,
    Report,
    Side,
    Usage,
    bytes_of,
    count_of,
    grace_s,
    limit_of,
)

_COLUMNS = 8
_TITLE = re.compile(r"Disk quotas for (usr|user|grp|group|prj|project) (.+) \([ugp]id [0-9]+\): *")
_HEADINGS = re.compile(r" *Filesystem +(?:kbytes|used|space|bquota) ")
_REMARKS = re.compile(
    r"[ugp]id \d+ is using default |Some errors happened |Total allocated |Disk default "
)
_POOL = re.compile(r"Quotas for pool: ")
_TARGETS = ("-OST", "-MDT")
_PROJECT = re.compile(r" *([0-9]{1,10}) [P-] ")
_KINDS = {"u": QuotaKind.USER, "g": QuotaKind.GROUP, "p": QuotaKind.PROJECT}


def parse_lfs_quota(text: str) -> Report:
    """Read what `lfs quota` printed for one owner; parts of a pool or of a server are left out.

    A row whose limits are in brackets is bad: it would look as if there were none.
    """
    usages: list[Usage] = []
    bad = BadLines()
    kind, owner = QuotaKind.UNKNOWN, ""
    name = ""
    of_pool = False
    for line in text.split("\n"):
        if match := _TITLE.fullmatch(line):
            kind, owner = _KINDS[match[1][0]], match[2]
        elif _POOL.match(line):
            of_pool = True
        elif line.strip() and not _HEADINGS.match(line) and not _REMARKS.match(line):
            words = line.rsplit(None, _COLUMNS)
            if len(words) < _COLUMNS or not _is_number(words[-_COLUMNS]):
                name = line.strip()  # too long for its column: the numbers follow
                continue
            name = words[0].strip() if len(words) > _COLUMNS else name
            try:
                if not of_pool and not _is_target(name):
                    usages.append(_usage(name, kind, owner, words[-_COLUMNS:]))
            except MalformedUsageError as exc:
                bad.add(exc.problem, line)
            name, of_pool = "", False
    if name and not usages:
        bad.add("no numbers follow", name)
    return Report(usages=tuple(usages), bad=tuple(bad))


def _is_number(word: str) -> bool:
    return word.lstrip("[")[:1].isdigit()


def _is_target(name: str) -> bool:
    """Whether a row is about one server's part: `lustre-OST0000_UUID`."""
    return not name.startswith("/") and any(one in name for one in _TARGETS)


def _usage(name: str, kind: QuotaKind, owner: str, words: Sequence[str]) -> Usage:
    used, soft, hard, grace, files, files_soft, files_hard, files_grace = words
    if any("[" in limit for limit in (soft, hard, files_soft, files_hard)):
        raise MalformedUsageError("limits that no server told", name)
    if not name:
        raise MalformedUsageError("numbers without a file system", " ".join(words))
    return Usage(
        file_system=name,
        kind=kind,
        owner=owner,
        space=Side(
            used=None if "[" in used else bytes_of(used.rstrip("*")),
            soft_limit=limit_of(bytes_of(soft)),
            hard_limit=limit_of(bytes_of(hard)),
            grace_s=grace_s(grace),
            is_over=used.endswith("*"),
        ),
        files=Side(
            used=None if "[" in files else count_of(files.rstrip("*")),
            soft_limit=limit_of(count_of(files_soft)),
            hard_limit=limit_of(count_of(files_hard)),
            grace_s=grace_s(files_grace),
            is_over=files.endswith("*"),
        ),
    )


def parse_lfs_project(text: str) -> int | None:
    """Give the project id of the folder that `lfs project -d` was asked about; None for none.

    Raises:
        MalformedUsageError: It printed something else.
    """
    match = _PROJECT.match(text)
    if match is None:
        raise MalformedUsageError("not a project of a folder", text)
    return int(match[1]) or None
