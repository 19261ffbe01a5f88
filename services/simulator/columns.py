"""The two ways in which squeue and sinfo are told what to print: `-O Name:width` and `-o %5i`.

Source: squeue(1) --Format and --format; docs/slurm-output.md.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

DEFAULT_WIDTH = 20
_SIGN = re.compile(r"%(\.?)([0-9]*)([A-Za-z])")
_NAMED = re.compile(r"(\.?)([0-9]*)(.*)", re.DOTALL)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Generic[Row]):
    """Something that can be printed of a row."""

    header: str
    value: Callable[[Row], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """A field in its place: how wide, which side, and what follows it."""

    field: Field[Row]
    width: int = 0
    """0: neither padded nor cut."""

    right: bool = False
    before: str = ""
    after: str = ""

    def show(self, text: str) -> str:
        """Give a value as it stands in the line."""
        if self.width:
            text = text[: self.width]
            text = text.rjust(self.width) if self.right else text.ljust(self.width)
        return f"{self.before}{text}{self.after}"


def named_columns(
    text: str, fields: Mapping[str, Field[Row]], *, program: str
) -> tuple[list[Column[Row]], str]:
    """Read `-O`; an unknown field prints nothing and is complained about on standard error.

    Args:
        text: `Name[:[.]width[suffix]],…`
        fields: By lower-case name.
        program: For the complaint.
    """
    columns: list[Column[Row]] = []
    complaints = ""
    nothing: Field[Row] = Field(header="", value=lambda _: "")
    for part in text.split(","):
        name, colon, how = part.partition(":")
        field = fields.get(name.strip().lower())
        if field is None:
            complaints += f"{program}: error: Invalid job format specification: {name}\n"
            field = nothing
        if not colon:
            columns.append(Column(field=field, width=DEFAULT_WIDTH))
            continue
        matched = _NAMED.fullmatch(how)
        dot, width, suffix = matched.groups() if matched else ("", "", how)
        columns.append(Column(field=field, width=int(width or 0), right=bool(dot), after=suffix))
    return columns, complaints


def lettered_columns(text: str, letters: Mapping[str, Field[Row]]) -> list[Column[Row]]:
    """Read `-o`; a letter that nobody knows prints as it stands."""
    columns: list[Column[Row]] = []
    before, place = "", 0
    for sign in _SIGN.finditer(text):
        before += text[place : sign.start()]
        place = sign.end()
        field = letters.get(sign.group(3))
        if field is None:
            before += sign.group(0)
            continue
        columns.append(
            Column(
                field=field,
                width=int(sign.group(2) or 0),
                right=bool(sign.group(1)),
                before=before,
            )
        )
        before = ""
    if columns and (tail := before + text[place:]):
        last = columns[-1]
        columns[-1] = Column(
            field=last.field, width=last.width, right=last.right, before=last.before, after=tail
        )
    return columns


def render(columns: Sequence[Column[Row]], rows: Iterable[Row], *, header: bool) -> str:
    """Print rows, one line each; every line ends in a newline, whatever the last suffix is."""
    lines: list[str] = []
    if header:
        lines.append("".join(column.show(column.field.header) for column in columns))
    lines.extend(
        "".join([column.show(column.field.value(row)) for column in columns]) for row in rows
    )
    return "".join(f"{line}\n" for line in lines)


def lettered(text: str, fields: Mapping[str, Field[Row]]) -> dict[str, Field[Row]]:
    """Give the fields of `-o` from pairs such as `i=jobarrayid`."""
    pairs = (pair.partition("=") for pair in text.split())
    return {letter: fields[name] for letter, _, name in pairs}
