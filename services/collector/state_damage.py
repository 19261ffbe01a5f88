"""What is done about a damaged state file: moved aside, and what waited in it taken along.

A collector that begins afresh tells every live job again, and rolls bring it what ended meanwhile
(ADR-0015). Messages that waited for the bus are the one thing that nobody else has.

Source: SQLite, "PRAGMA quick_check", "Result and Error Codes".
"""

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF
"""The low byte of an extended code is the code that it extends."""

_BESIDE = ("", "-wal", "-shm")
OutboxRow = tuple[int, str, str, bytes]
"""Place, subject, headers, body."""


class DamagedError(sqlite3.DatabaseError):
    """The file holds what SQLite cannot have written."""


def check(db: sqlite3.Connection) -> None:
    """Read the whole file once.

    Raises:
        DamagedError: Something in it is wrong.
    """
    found = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        raise DamagedError("; ".join(found))


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file itself is damaged; a lock or a full disk does not."""
    if isinstance(error, DamagedError):
        return True
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(code, int) and code & _PRIMARY in _DAMAGED


def move_aside(path: Path) -> Path:
    """Rename a file, and what SQLite keeps beside it; give the new name. Nothing is overwritten."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for end in _BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    return aside


def salvage_outbox(path: Path) -> list[OutboxRow]:
    """Read the waiting messages of a damaged file, as many as can be read, in their order.

    They are read from both ends: a page that cannot be read hides what lies behind it.
    """
    found: dict[int, OutboxRow] = {}
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as db:
        for order in ("ASC", "DESC"):
            with suppress(sqlite3.Error, ValueError, TypeError):
                rows = db.execute(
                    f"SELECT place, subject, headers, body FROM outbox ORDER BY place {order}"  # noqa: S608 two words of ours
                )
                for place, subject, headers, body in rows:
                    if place in found:
                        break
                    json.loads(headers)
                    found[place] = (place, subject, headers, body)
    return [found[place] for place in sorted(found)]
