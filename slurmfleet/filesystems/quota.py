"""What `quota` of the Linux DiskQuota tools prints, for local file systems and NFS.

It is asked not to wrap lines (-w) and to write grace times as seconds since 1970 (-p), because
without them a grace time that does not run is an empty column. Both layouts are read. It exits
with 1 where a limit is passed: that is no failure.

Source: quota(1), quota.c and difftime2str of Linux DiskQuota 4.06; recordings in
tests/fixtures/filesystems/quota-4.06.
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

_MOST_COLUMNS = 8
_FEWEST_COLUMNS = 6
_TITLE = re.compile(r"Disk quotas for (user|group|project) (.+) \([ugp]id [0-9]+\): *(none)? *")
_HEADINGS = re.compile(r" *Filesystem +(?:blocks|space) ")
_AMOUNT = re.compile(r"[0-9]{1,19}[kKMGTPE]?\*?")
_EPOCH = re.compile(r"[0-9]{1,12}")
_KINDS = {"user": QuotaKind.USER, "group": QuotaKind.GROUP, "project": QuotaKind.PROJECT}


def parse_quota(text: str, *, now_epoch_s: int) -> Report:
    """Read what `quota` printed for one owner or for all groups of a user.

    Args:
        text: Its standard output.
        now_epoch_s: The machine's own clock when it was asked.
    """
    usages: list[Usage] = []
    bad = BadLines()
    kind, owner = QuotaKind.UNKNOWN, ""
    name = ""
    for line in text.split("\n"):
        if match := _TITLE.fullmatch(line):
            kind, owner = _KINDS[match[1]], match[2]
            name = ""
        elif line.strip() and not _HEADINGS.match(line):
            begin, words = _taken_apart(line)
            name = begin or name
            if not words:
                continue
            try:
                usages.append(_usage(name, kind, owner, words, now_epoch_s))
            except MalformedUsageError as exc:
                bad.add(exc.problem, line)
            name = ""
    if name:
        bad.add("no numbers follow", name)
    return Report(usages=tuple(usages), bad=tuple(bad))


def _taken_apart(line: str) -> tuple[str, Sequence[str]]:
    """Give the file system of a line, if it has one, and the columns after it, if it has them.

    A name may hold spaces: it is all that stands before the first amount.
    """
    pieces = line.rsplit(None, _MOST_COLUMNS)
    places = range(max(0, len(pieces) - _MOST_COLUMNS), len(pieces))
    first = next((place for place in places if _AMOUNT.fullmatch(pieces[place])), len(pieces))
    if len(pieces) - first < _FEWEST_COLUMNS:
        return line.strip(), ()
    return " ".join(pieces[:first]).strip(), pieces[first:]


def _usage(name: str, kind: QuotaKind, owner: str, words: Sequence[str], now_epoch_s: int) -> Usage:
    if not name:
        raise MalformedUsageError("numbers without a file system", " ".join(words))
    used, soft, hard, grace, files, files_soft, files_hard, files_grace = _with_graces(words)
    return Usage(
        file_system=name,
        kind=kind,
        owner=owner,
        space=Side(
            used=bytes_of(used.rstrip("*")),
            soft_limit=limit_of(bytes_of(soft)),
            hard_limit=limit_of(bytes_of(hard)),
            grace_s=_grace_left_s(grace, now_epoch_s),
            is_over=used.endswith("*"),
        ),
        files=Side(
            used=count_of(files.rstrip("*")),
            soft_limit=limit_of(count_of(files_soft)),
            hard_limit=limit_of(count_of(files_hard)),
            grace_s=_grace_left_s(files_grace, now_epoch_s),
            is_over=files.endswith("*"),
        ),
    )


def _with_graces(words: Sequence[str]) -> Sequence[str]:
    """Fill in grace times that were left empty, as they are without -p."""
    if len(words) == _MOST_COLUMNS:
        return words
    if len(words) == _FEWEST_COLUMNS:
        return (*words[:3], "", *words[3:], "")
    if _AMOUNT.fullmatch(words[3]):
        return (*words[:3], "", *words[3:])
    return (*words, "")


def _grace_left_s(text: str, now_epoch_s: int) -> int | None:
    """Give the seconds left; seconds since 1970 are when they end, 0 is no grace time at all."""
    if not _EPOCH.fullmatch(text):
        return grace_s(text)
    ends_epoch_s = int(text)
    return max(0, ends_epoch_s - now_epoch_s) if ends_epoch_s else None
