"""Durations, times, sizes, counts, exit codes: one reader each.

Source: docs/slurm-output.md, "Times" and "Exit codes" (Slurm 22.05.8 and 24.11.5);
squeue(1), sacct(1); src/common/slurm_protocol_defs.c for number suffixes.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil

from slurmfleet.contracts.remembering import remembers_short_texts
from slurmfleet.slurm.errors import MalformedValueError

_UNTOLD = frozenset({"", "N/A", "Unknown", "None", "NONE", "(null)", "NOT_SET", "INVALID"})
_UNBOUNDED = frozenset({"UNLIMITED", "INFINITE", "Partition_Limit"})
_DURATION = re.compile(r"(?:(\d{1,6})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2})(?:\.\d+)?", re.ASCII)
_WHOLE_DAYS = re.compile(r"(\d{1,6})-(\d{1,2})", re.ASCII)
_ISO_WITH_ZONE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII
)
_AMOUNT = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)([KMGTPE]?)", re.ASCII)
_SCOPED_AMOUNT = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)([KMGTPE]?)[cn]?", re.ASCII)
_EXIT_PAIR = re.compile(r"(\d{1,5}):(\d{1,5})", re.ASCII)
_EXIT_STATUS = re.compile(r"\d{1,10}", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_DIGITS = re.compile(r"\d{1,15}", re.ASCII)
"""Not `str.isdigit`: `int` refuses more than 4,300 digits with an error of its own."""

_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_NO_VALUES = frozenset({0, 0xFFFFFFFE, 0xFFFFFFFF})
_LATEST_EPOCH_S = 253_402_300_799

LARGEST_COUNT = 2**31 - 1
"""No cluster has more of anything that is counted, and no field of a fact holds more."""

LARGEST_AMOUNT = 2**63 - 1
"""The same for what is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitCode:
    """How a job's batch script ended; None where Slurm does not tell."""

    code: int | None
    signal: int | None
    """0 when no signal ended it; 125 is Slurm's own mark for out of memory."""


NO_EXIT_CODE = ExitCode(code=None, signal=None)


@remembers_short_texts(4096)
def parse_duration_s(text: str) -> int | None:
    """Give the seconds of `1-02:03:04`, `04:00:00` or `5:00` (minutes and seconds).

    None for `UNLIMITED`, `Partition_Limit` and words that say nothing. Fractions are dropped.

    Raises:
        MalformedValueError: It is something else; a bare number has no unit and is refused too.
    """
    if match := _DURATION.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        if match[1] is not None and match[2] is None:  # 1-02:03 is days, hours and minutes
            hours, minutes, seconds = minutes, seconds, 0
        return days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if match := _WHOLE_DAYS.fullmatch(text):
        return int(match[1]) * 86_400 + int(match[2]) * 3_600
    if text in _UNTOLD or text in _UNBOUNDED:
        return None
    raise MalformedValueError("not a duration", text)


@lru_cache(maxsize=1024)
def parse_minutes_s(text: str) -> int | None:
    """Give the seconds of a number of minutes, as sacct's TimelimitRaw; None for no limit.

    Raises:
        MalformedValueError: It is something else.
    """
    if text in _UNTOLD or text in _UNBOUNDED:
        return None
    if _DIGITS.fullmatch(text):
        return int(text) * 60
    raise MalformedValueError("not a number of minutes", text)


@lru_cache(maxsize=65_536)
def parse_time(text: str) -> datetime | None:
    """Give the moment of seconds since 1970; None for `N/A`, `Unknown`, `None` and 0.

    Raises:
        MalformedValueError: It is something else. `2026-11-20T11:05:36` is refused: it is the
            cluster's local time without its zone (SLURM_TIME_FORMAT was not obeyed).
    """
    if _DIGITS.fullmatch(text):
        epoch_s = int(text)
        if epoch_s in _NO_VALUES:
            return None
        if epoch_s <= _LATEST_EPOCH_S:
            return datetime.fromtimestamp(epoch_s, tz=UTC)
    elif text in _UNTOLD:
        return None
    elif _ISO_WITH_ZONE.fullmatch(text):
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as exc:
            raise MalformedValueError("not a time", text) from exc
    raise MalformedValueError("not a time in seconds since 1970", text)


def needed_time(text: str) -> datetime:
    """Give the moment, where a record is of no use without it.

    Raises:
        MalformedValueError: It is no time, or says that there is none.
    """
    moment = parse_time(text)
    if moment is None:
        raise MalformedValueError("a time that is not told", text)
    return moment


@lru_cache(maxsize=4096)
def parse_priority(text: str) -> int | None:
    """Give a priority; None where Slurm does not tell.

    Raises:
        MalformedValueError: It is something else.
    """
    if text in _UNTOLD:
        return None
    if _DIGITS.fullmatch(text):
        return int(text)
    raise MalformedValueError("not a priority", text)


@lru_cache(maxsize=4096)
def parse_memory_mib(text: str) -> int | None:
    """Give the MiB of `512M`, `1.5G` or `64G`, rounded up; a bare number is MiB already.

    The suffix of requests before 21.08, `c` per CPU or `n` per node, is dropped: `4000Mc`.

    Raises:
        MalformedValueError: It is something else.
    """
    if text in _UNTOLD:
        return None
    match = _SCOPED_AMOUNT.fullmatch(text)
    if match is None:
        raise MalformedValueError("not an amount of memory", text)
    power = _POWERS[match[2] or "M"] - _POWERS["M"]
    return _scaled(match[1], power)


@remembers_short_texts(4096)
def parse_count(text: str) -> int:
    """Give a count: `7`, or `2K` for 2048, as squeue writes round numbers; `1-4` is 1.

    0 where Slurm says nothing, or writes its own mark for that (4294967294).

    Raises:
        MalformedValueError: It is something else, or more than any cluster has.
    """
    count = parse_amount(text)
    if count in _NO_VALUES:
        return 0
    if count > LARGEST_COUNT:
        raise MalformedValueError("more than any cluster has", text)
    return count


def parse_amount(text: str) -> int:
    """Give what may be larger than a count of things, minutes of a limit for one.

    Raises:
        MalformedValueError: It is something else.
    """
    if text in _UNTOLD:
        return 0
    match = _AMOUNT.fullmatch(text.partition("-")[0])
    if match is None:
        raise MalformedValueError("not a count", text)
    return _scaled(match[1], _POWERS[match[2]])


@lru_cache(maxsize=1024)
def parse_number(text: str) -> int | None:
    """Give a whole number that may be negative; None where Slurm does not tell.

    Raises:
        MalformedValueError: It is something else.
    """
    if text in _UNTOLD:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    raise MalformedValueError("not a whole number", text)


def _scaled(number: str, power: int) -> int:
    """Give number * 1024**power, rounded up; whole numbers stay exact."""
    if "." in number:
        amount = ceil(float(number) * 1024.0**power)
    elif power < 0:
        amount = -(-int(number) // 1024**-power)
    else:
        amount = int(number) * 1024**power
    if amount > LARGEST_AMOUNT:
        raise MalformedValueError("more than any cluster has", number)
    return amount


@lru_cache(maxsize=4096)
def parse_exit_code(text: str) -> ExitCode:
    """Give code and signal of `3:0` (code:signal), or of a wait status such as 768.

    squeue 22.05 prints wait statuses; squeue 24.11 and every sacct print pairs.

    Raises:
        MalformedValueError: It is something else.
    """
    if match := _EXIT_PAIR.fullmatch(text):
        return ExitCode(code=int(match[1]), signal=int(match[2]))
    if _EXIT_STATUS.fullmatch(text):
        status = int(text)
        if status in (0xFFFFFFFE, 0xFFFFFFFF):
            return NO_EXIT_CODE
        return ExitCode(code=status >> 8 & 0xFF, signal=status & 0x7F)
    if text in _UNTOLD:
        return NO_EXIT_CODE
    raise MalformedValueError("not an exit code", text)
