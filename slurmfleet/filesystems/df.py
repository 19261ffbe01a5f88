"""What `df` tells of the file system under a path: its type, its mount point, what is used.

Source: df(1) of GNU coreutils 8.21 and later (--output); recordings in
tests/fixtures/filesystems/df-9.1.
"""

from collections.abc import Callable
from dataclasses import dataclass

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.errors import MalformedUsageError
from slurmfleet.filesystems.usage import LARGEST, UNTOLD, Side, Usage, bytes_of, count_of

COLUMNS = ("fstype", "size", "used", "avail", "itotal", "iused", "iavail", "source", "target")
"""Device and mount point last: they alone may hold spaces."""

_NUMBERS = 7
_LAST_HEADING = "Mounted on"
_UNTOLD = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """The file system under a path."""

    type: str
    """As the kernel calls it: `lustre`, `gpfs`, `nfs4`, `xfs`."""

    device: str
    mount_point: str
    usage: Usage
    """The hard limit is what users have and can have: the rest is kept for the superuser."""


def parse_df(text: str) -> Mount:
    """Read what `df` printed for one path.

    Raises:
        MalformedUsageError: It is not a heading and one row.
    """
    lines = text.rstrip("\n").split("\n")
    if len(lines) != 2:  # noqa: PLR2004
        raise MalformedUsageError("not a heading and one row", text)
    heading, row = lines
    words = row.split(None, _NUMBERS)
    if len(words) <= _NUMBERS:
        raise MalformedUsageError("too few columns", row)
    device, mount_point = _names(heading, row, words[_NUMBERS])
    _, _, used, available, _, files_used, files_available = words[:_NUMBERS]
    return Mount(
        type=words[0],
        device=device,
        mount_point=mount_point,
        usage=Usage(
            file_system=mount_point,
            kind=QuotaKind.FILE_SYSTEM,
            space=_side(used, available, bytes_of),
            files=_side(files_used, files_available, count_of),
        ),
    )


def _names(heading: str, row: str, rest: str) -> tuple[str, str]:
    """Tell device and mount point apart, by the heading's place where they hold spaces."""
    device, _, mount_point = rest.partition(" ")
    mount_point = mount_point.strip()
    place = heading.find(_LAST_HEADING)
    if " " in mount_point and place > 0 and row[place - 1 : place] == " ":
        device, mount_point = (
            row[: place - 1].split(None, _NUMBERS)[-1].strip(),
            row[place:].strip(),
        )
    if not mount_point.startswith("/"):
        raise MalformedUsageError("no mount point", row)
    return device, mount_point


def _side(used: str, available: str, amount_of: Callable[[str], int]) -> Side:
    """Sort out one half; a file system that counts nothing says `-` or has 0 of everything."""
    if _UNTOLD in {used, available}:
        return UNTOLD
    taken, free = amount_of(used), amount_of(available)
    if not taken + free:
        return UNTOLD
    return Side(used=taken, hard_limit=min(taken + free, LARGEST))
