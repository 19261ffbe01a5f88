"""Rows of sshare, sacctmgr and sreport, which part fields by a bar and know no other separator.

An account's name is the only text here that a person chooses freely, so it is asked last and
keeps its bars.

Source: sshare(1), sacctmgr(1), sreport(1), option -P; their --delimiter does not exist (sacct has
it). Seen on Slurm 22.05.8, 24.11.5 and 26.05.5.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from slurmfleet.slurm.errors import MalformedRowError, MalformedValueError, SlurmParseError
from slurmfleet.slurm.quantities import parse_duration_s
from slurmfleet.slurm.records import BadRow, BadRows, bad_row

Row = TypeVar("Row")

BAR = "|"
_UNTOLD = frozenset({"", "N/A", "(null)", "None"})
_PARENT = "parent"
_MINUTE_S = 60


def read_rows(text: str, read: Callable[[str], Row]) -> tuple[tuple[Row, ...], tuple[BadRow, ...]]:
    """Read each line that is not empty; give the rows, and the lines that are none.

    Args:
        text: What was printed, without heading.
        read: Makes a row of a line; a SlurmParseError costs that line alone.
    """
    rows: list[Row] = []
    bad = BadRows()
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            rows.append(read(line))
        except SlurmParseError as exc:
            bad.append(bad_row(line, exc))
    return tuple(rows), tuple(bad)


def split_row(line: str, columns: Sequence[str]) -> dict[str, str]:
    """Give a row's fields by column; the last takes all that is left.

    Raises:
        MalformedRowError: It has fewer fields than columns.
    """
    values = line.split(BAR, len(columns) - 1)
    if len(values) != len(columns):
        problem = f"{len(values)} fields in place of {len(columns)}"
        raise MalformedRowError(problem, line)
    return dict(zip(columns, values, strict=True))


def parse_names(text: str) -> tuple[str, ...]:
    """Give a list of names as `capped,normal`; none where nothing is told."""
    return () if text in _UNTOLD else tuple(name for name in text.split(",") if name)


def parse_limit(text: str) -> int | None:
    """Give a limit that is a whole number; None where there is none.

    Raises:
        MalformedValueError: It is something else.
    """
    if text in _UNTOLD or text in {"-1", "UNLIMITED", "INFINITE"}:
        return None
    if text.isascii() and text.isdigit():
        return int(text[:19])
    raise MalformedValueError("not a limit", text)


def parse_raw_shares(text: str) -> int | None:
    """Give an association's raw shares; None for `parent`: it uses those of its parent.

    Raises:
        MalformedValueError: It is something else.
    """
    return None if text == _PARENT else parse_limit(text)


def parse_limit_minutes(text: str) -> int | None:
    """Give the minutes of a limit on time as `41-16:00:00`; None where there is none.

    Raises:
        MalformedValueError: It is something else.
    """
    seconds = parse_duration_s(text)
    return None if seconds is None else seconds // _MINUTE_S


def parse_ratio(text: str) -> float | None:
    """Give a number as `0.396040` or `inf`; None where nothing, or no number, is told.

    Raises:
        MalformedValueError: It is something else.
    """
    if text in _UNTOLD or text.lstrip("-").lower() == "nan":
        return None
    try:
        return float(text)
    except ValueError as exc:
        raise MalformedValueError("not a number", text) from exc
