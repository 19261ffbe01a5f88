"""Named SQL statements, read from `sql/**/*.sql`.

A file holds statements, each under a header: `-- name: list_jobs`, then at least one comment line
that says what a row is and in what order. This is the one place where text becomes SQL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import LiteralString, cast

_HEADER = re.compile(r"^-- name: *(?P<name>\S*) *$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class MalformedStatementError(ValueError):
    """A `.sql` file that breaks the rules of this module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One named statement."""

    name: str
    sentence: str
    """What a row is and in what order."""

    text: LiteralString
    room: str
    """The folder under `sql` that it lies in: admin, read or write."""


def statement(name: str) -> Statement:
    """Give the statement of that name."""
    return all_statements()[name]


@cache
def all_statements() -> Mapping[str, Statement]:
    """Read every statement that is shipped, by name."""
    found: dict[str, Statement] = {}
    for room in sorted(_folders(), key=lambda folder: folder.name):
        for file in sorted(room.iterdir(), key=lambda entry: entry.name):
            for one in parse_statements(file.read_text(encoding="utf-8"), room=room.name):
                if one.name in found:
                    raise MalformedStatementError(f"two statements are named {one.name}")
                found[one.name] = one
    return found


def parse_statements(text: str, *, room: str) -> list[Statement]:
    """Take a file's text apart.

    Raises:
        MalformedStatementError: A statement has no name, no sentence or no SQL.
    """
    preamble, *parts = _HEADER.split(text)
    if preamble.strip():
        raise MalformedStatementError(f"SQL before the first name: {preamble.strip()[:80]!r}")
    return [_parse(name, body, room) for name, body in zip(parts[::2], parts[1::2], strict=True)]


def shipped_sql(text: str) -> LiteralString:
    """Vouch that a text is SQL of our own files and never a user's: the one cast of this kind."""
    return cast("LiteralString", text)


def _parse(name: str, body: str, room: str) -> Statement:
    if not _NAME.fullmatch(name):
        raise MalformedStatementError(f"{name!r} is not a statement's name")
    lines = body.strip().splitlines()
    count = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
    sentence = " ".join(line.removeprefix("--").strip() for line in lines[:count])
    sql = "\n".join(lines[count:]).strip().removesuffix(";")
    if not sentence or not sql:
        raise MalformedStatementError(f"{name} lacks its {'SQL' if sentence else 'sentence'}")
    return Statement(name=name, sentence=sentence, text=shipped_sql(sql), room=room)


def _folders() -> list[Traversable]:
    return [
        entry for entry in files("slurmfleet.store").joinpath("sql").iterdir() if entry.is_dir()
    ]
