"""What is done about a damaged state file: moved aside, and what waited in it taken along.

A collector that begins afresh tells every live job again, and rolls bring it what ended meanwhile
(ADR-0015). Messages that waited for the bus are the one thing that nobody else has.

Source: SQLite, "PRAGMA quick_check", "Result and Error Codes".
"""

import json
import re
import sqlite3
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path

from slurmfleet.runtime.health import Health
from slurmfleet.telemetry.metrics import STATE_FILES_ASIDE
from slurmfleet.timing.clock import Clock

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF
"""The low byte of an extended code is the code that it extends."""

_BESIDE = ("", "-wal", "-shm")
_ASIDE = re.compile(r"(?P<cluster>.+)\.sqlite\.damaged-\d+")
_LOOK_EVERY_S = 15.0
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


def find_aside(folder: Path) -> dict[str, list[str]]:
    """Give the names of damaged files that lie in a folder, by cluster."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.sqlite.damaged-*")):
        if match := _ASIDE.fullmatch(path.name):
            found.setdefault(match["cluster"], []).append(path.name)
    return found


async def watch_aside(folder: Path, health: Health, clock: Clock) -> None:
    """Tell of damaged files for ever, until a person has seen to them and taken them away."""
    told: Collection[str] = ()
    while True:
        found = find_aside(folder)
        for cluster in {*told, *found}:
            STATE_FILES_ASIDE.labels(cluster=cluster).set(len(found.get(cluster, ())))
        told = found.keys()
        names = ", ".join(name for names in found.values() for name in names)
        detail = f"damaged, moved aside in {folder}: {names}" if names else "none was damaged"
        health.report("state-files", ok=not names, detail=detail, required=False)
        await clock.sleep(_LOOK_EVERY_S)


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
