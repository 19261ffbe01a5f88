"""Records of `Key=value` words on one line each, as `scontrol -o show` writes them.

Values are not quoted, so some hold spaces: `OS=Linux 6.1.0 #1 SMP`, `Reason=fan replaced
[root@1795647022]`, `Comment=`. Those are people's words and nobody here needs them; what matters is
that they cannot pass for another field. Slurm writes the fields that count before them, so the
first word of a key holds and later ones are ignored.

Source: scontrol(1), -o; src/api/node_info.c, partition_info.c, reservation_info.c (20.11 to 26.05);
recordings `nodes`, `partitions` and `reservations` of 22.05.8, 24.11.5 and 26.05.5.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import methodcaller
from typing import Generic, TypeVar

from slurmfleet.contracts.remembering import remembers_short_texts
from slurmfleet.slurm.errors import MalformedRowError, SlurmParseError
from slurmfleet.slurm.records import BadRow, BadRows, bad_row

Record = TypeVar("Record")

_PARTED = methodcaller("partition", "=")
_NOTHING_TO_SHOW = "No "
"""As in `No reservations in the system`, on stdout with exit status 0."""

_NO_LIST = frozenset({"", "(null)", "N/A", "None", "NONE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Records(Generic[Record]):
    """What one `scontrol -o show` listed, and what could not be read."""

    rows: tuple[Record, ...]
    bad: tuple[BadRow, ...]


def read_records(text: str, first_key: str, read: Callable[[str], Record]) -> Records[Record]:
    """Read each line that begins with `first_key`; any other line is a bad row.

    Args:
        text: What scontrol printed.
        first_key: `NodeName`, `PartitionName` or `ReservationName`.
        read: Makes a record of a line; a SlurmParseError costs that line alone.
    """
    rows: list[Record] = []
    bad = BadRows()
    start = f"{first_key}="
    for line in text.split("\n"):
        if not line.strip() or line.startswith(_NOTHING_TO_SHOW):
            continue
        try:
            if not line.startswith(start):
                raise MalformedRowError(f"a line without {first_key}", line)
            rows.append(read(line))
        except SlurmParseError as exc:
            bad.append(bad_row(line, exc))
    return Records(rows=tuple(rows), bad=tuple(bad))


def words_of(line: str) -> dict[str, str]:
    """Give the value of each key, of several words the first; the first of equal keys holds."""
    words = line.split()
    words.reverse()
    return {key: value for key, equals, value in map(_PARTED, words) if equals}


@remembers_short_texts(1024)
def listed(text: str) -> tuple[str, ...]:
    """Give the names of a comma list; none where Slurm says that there is no list."""
    return () if text in _NO_LIST else tuple(name for name in text.split(",") if name)


def needed_word(words: Mapping[str, str], key: str, line: str) -> str:
    """Give the value of a key without which the record is of no use.

    Raises:
        MalformedRowError: It is missing or empty.
    """
    value = words.get(key, "")
    if not value:
        raise MalformedRowError(f"no {key}", line)
    return value
