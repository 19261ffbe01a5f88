"""How records are kept apart in Slurm's output, and what becomes of lines that make no sense.

Job names, comments and paths are chosen by users and may hold any byte, newlines and fixed
separators included. Separators therefore have a part that is random per call.

Source: docs/slurm-output.md, "Separators"; seen on Slurm 22.05.8 and 24.11.5.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

from slurmfleet.contracts.jobs import Job
from slurmfleet.slurm.errors import LINE_LIMIT, SlurmParseError, UnsafeArgumentError

BAD_ROWS_LIMIT = 1_000
"""Of one answer; that so many are counted means that there may be more."""

Buffer = bytes | memoryview
"""Bytes, or a part of them that is not copied."""

_WINDOW_BYTES = 2**20
_NONCE = re.compile(r"[0-9a-f]{16,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Separators:
    """What ends a field and what ends a record."""

    field: str
    record: str
    """squeue adds a newline after it; sacct has no such thing."""

    inner: str = ""
    """What ends a squeue field that no user can write into; empty: `field` does.

    Eight bytes less for each of 35 fields make the answer a third shorter.
    """


PLAIN = Separators(field="\x1f", record="\x1e")
"""Fixed separators: for recordings, never for text that others may forge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A record that could not be understood; it costs only itself."""

    line: str
    """At most 500 characters of it."""

    error: str


class BadRows(list[BadRow]):
    """The first thousand bad rows of an answer; more of them tell nothing new.

    An answer of many megabytes that is all garbage would otherwise take hundreds of times its size.
    """

    def append(self, row: BadRow, /) -> None:
        """Keep a row, if there is room."""
        if len(self) < BAD_ROWS_LIMIT:
            super().append(row)

    def extend(self, rows: Iterable[BadRow], /) -> None:
        """Keep rows, as many as there is room for."""
        super().extend(islice(rows, BAD_ROWS_LIMIT - len(self)))


Records = Mapping[bytes, Job]
"""The jobs that one look showed, each under a digest of its record.

A record that comes again gives the same job again, unread: most records at most looks. A digest
takes a tenth of what the text takes, and with 128 bits no two records share one.
"""

NO_RECORDS: Records = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRows:
    """The jobs of one section, and what could not be read."""

    jobs: tuple[Job, ...]
    bad: tuple[BadRow, ...]
    records: Records = field(default_factory=lambda: NO_RECORDS, compare=False)
    """What was read, for the next look at the same queue; empty where it is not kept."""


def checked_nonce(nonce: str) -> str:
    """Give the nonce back.

    Raises:
        UnsafeArgumentError: It is not 16 to 64 lower-case hexadecimal digits.
    """
    if not _NONCE.fullmatch(nonce):
        raise UnsafeArgumentError("a nonce of 16 to 64 hexadecimal digits", nonce)
    return nonce


def separators_for(nonce: str) -> Separators:
    """Give this call's separators.

    They are derived from the nonce by a hash: they stand on squeue's command line, which others
    on the login node may see, and must not tell them how frames are marked.

    Source: docs/slurm-output.md: a suffix may have several bytes, must not begin with a digit or
    a dot, and must not hold a comma.
    """
    token = hashlib.sha256(f"separators {checked_nonce(nonce)}".encode()).hexdigest()[:8]
    return Separators(field=f"\x1f{token}", record=f"\x1e{token}", inner="\x1f")


def pieces(output: Buffer, end: bytes) -> Iterator[tuple[bytes, bool]]:
    """Give what each `end` ends, and then what is left without one, which is not ended.

    A window at a time, so that a listing of many megabytes is never there a second time.
    """
    rest = b""
    for begin in range(0, len(output), _WINDOW_BYTES):
        *ended, rest = (rest + bytes(output[begin : begin + _WINDOW_BYTES])).split(end)
        for piece in ended:
            yield piece, True
    yield rest, False


def bad_row(line: str, error: SlurmParseError) -> BadRow:
    """Keep a record that could not be understood."""
    return BadRow(line=line[:LINE_LIMIT], error=str(error)[:LINE_LIMIT])


def told(text: str) -> str:
    """Give a text field, empty where Slurm says that there is nothing."""
    return "" if text in _NOTHING else text


_NOTHING = frozenset({"(null)", "N/A", "None", "None assigned"})
