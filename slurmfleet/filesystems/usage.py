"""What every program tells of one owner on one file system, and the words that they share.

Source: lustre/utils/lfs.c (print_quota, kbytes2str, __sec2str) of Lustre 2.14; quota.c and
difftime2str of Linux DiskQuota 4.06; mmlsquota of IBM Storage Scale 5 and 6.
"""

import re
from dataclasses import dataclass
from math import ceil

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.errors import MalformedUsageError

KIB = 1024
BAD_LINES_LIMIT = 100
LARGEST = 2**63 - 1
"""More bytes or files than this no field of a fact can hold; no file system has so many."""

_DIGITS = re.compile(r"[0-9]{1,19}")
_AMOUNT = re.compile(r"([0-9]{1,19})(\.[0-9]{1,9})?([kKMGTPE])?")
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_SPANS = re.compile(
    r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?", re.ASCII
)
_WORDS = re.compile(r"(\d{1,6}) ?(day|hour|minute|min|second|sec)s?", re.ASCII)
_HOURS = re.compile(r"(\d{1,6}):(\d{2})", re.ASCII)
_SECONDS = (604_800, 86_400, 3_600, 60, 1)
_SECONDS_OF = {"day": 86_400, "hour": 3_600, "minute": 60, "min": 60, "second": 1, "sec": 1}
_PASSED = frozenset({"none", "expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One half of a quota: its bytes, or its files."""

    used: int | None = None
    """None when the program could not tell."""

    soft_limit: int | None = None
    """None: no limit."""

    hard_limit: int | None = None
    grace_s: int | None = None
    """Time left above the soft limit; 0 when it has passed, None when it does not run."""

    is_over: bool = False


UNTOLD = Side()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Use and limits of one owner on one file system."""

    file_system: str
    """Device or mount point, as the program names it."""

    kind: QuotaKind = QuotaKind.UNKNOWN
    """UNKNOWN where the output does not say: then it is what was asked for."""

    owner: str = ""
    space: Side
    """In bytes."""

    files: Side


class BadLines(list[MalformedUsageError]):
    """The first hundred lines that could not be understood; more of them tell nothing new."""

    def add(self, problem: str, line: str) -> None:
        """Keep what is wrong with a line, if there is room."""
        if len(self) < BAD_LINES_LIMIT:
            self.append(MalformedUsageError(problem, line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one program told."""

    usages: tuple[Usage, ...]
    bad: tuple[MalformedUsageError, ...] = ()
    """Lines that could not be understood; they cost only themselves."""


def bytes_of(text: str) -> int:
    """Give the bytes of an amount in KiB: `7`, or `5.915G` and `0k` as people are shown it.

    Raises:
        MalformedUsageError: It is no amount, or more than any file system holds.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise MalformedUsageError("not an amount of space", text)
    unit = KIB ** _POWERS[(match[3] or "K").upper()]
    size = int(match[1]) * unit
    if match[2]:
        size = ceil(float(match[1] + match[2]) * unit)
    return _bounded(size, text)


def count_of(text: str) -> int:
    """Give a number of files.

    Raises:
        MalformedUsageError: It is none, or more than any file system holds.
    """
    if not _DIGITS.fullmatch(text):
        raise MalformedUsageError("not a number of files", text)
    return _bounded(int(text), text)


def _bounded(size: int, text: str) -> int:
    if size > LARGEST:
        raise MalformedUsageError("more than any file system holds", text)
    return size


def limit_of(size: int) -> int | None:
    """Give a limit; all these programs write 0 for none."""
    return size or None


def grace_s(text: str) -> int | None:
    """Give the seconds left above a soft limit; 0 when they have passed.

    `6d23h59m58s` (lfs), `6days` and `23:59` (quota), `6 days` (mmlsquota); `none` (lfs, quota) and
    `expired` (mmlsquota) have passed. None for `-` and for nothing at all: no grace runs.

    Raises:
        MalformedUsageError: It is something else.
    """
    if text in {"", "-"}:
        return None
    if text in _PASSED:
        return 0
    if match := _HOURS.fullmatch(text):
        return int(match[1]) * 3_600 + int(match[2]) * 60
    if match := _WORDS.fullmatch(text):
        return int(match[1]) * _SECONDS_OF[match[2]]
    if match := _SPANS.fullmatch(text):
        return sum(
            int(part or 0) * each for part, each in zip(match.groups(), _SECONDS, strict=True)
        )
    raise MalformedUsageError("not a grace time", text)
