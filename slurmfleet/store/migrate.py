"""Brings a database to the schema of this code: numbered plain SQL files, forward only.

A file is `0007_words.sql`. Its lines may say:

    -- transaction: off               before the first statement: run outside of a transaction,
                                      statement by statement, split at lines `-- statement`
    -- edition: community, apache     before the first statement: only on these editions
    -- if edition: community          the lines until `-- end if`: only on these editions

A file that an edition leaves out is recorded as applied, so that numbers stay in step.
Checksums are of the whole file, whatever the edition: a merged file never changes.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

import psycopg
from psycopg.rows import TupleRow, class_row

from slurmfleet.store.edition import Edition, has_timescale, prepare_edition
from slurmfleet.store.errors import SchemaOutdatedError
from slurmfleet.store.pool import Connection, translated
from slurmfleet.store.statements import shipped_sql, statement
from slurmfleet.timing.budget import Budget

Progress = Callable[["Migration", int, int], None]
"""Told before each migration: which, its place among those to do, and how many those are."""

_FILE = re.compile(r"(?P<version>\d{4})_(?P<words>[a-z0-9_]+)\.sql")
_FLAG = re.compile(r"^-- (?P<name>transaction|edition): *(?P<value>.+?) *$", re.MULTILINE)
_BLOCK = re.compile(
    r"^-- if edition: *(?P<editions>.+?) *\n(?P<body>.*?)^-- end if *$", re.MULTILINE | re.DOTALL
)
_SPLIT = re.compile(r"^-- statement *$", re.MULTILINE)
_LOCK_KEY = 0x736C_666C_6D69_6772
"""Our own key among the server's advisory locks: "slflmigr"."""

_CONNECT_TIMEOUT_S = 10
_MIGRATE_TIMEOUT_S = 3_600.0


class MalformedMigrationError(ValueError):
    """A migration file that breaks the rules of this module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file of `migrations/`."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def transactional(self) -> bool:
        """Whether all of it happens or nothing."""
        return self._flag("transaction") != "off"

    def scripts_for(self, edition: Edition) -> Sequence[LiteralString]:
        """Give what is to run on an edition, in order; several where no transaction holds it."""
        wanted = self._flag("edition")
        if wanted and edition not in _editions(wanted):
            return ()
        text = _BLOCK.sub(lambda block: _kept(block, edition), self.text)
        parts = [text] if self.transactional else _SPLIT.split(text)
        return [shipped_sql(part) for part in parts if _has_sql(part)]

    def _flag(self, name: str) -> str:
        head = "\n".join(_leading_comments(self.text))
        return next((one["value"] for one in _FLAG.finditer(head) if one["name"] == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """What a run did."""

    edition: Edition
    version: int
    """The schema's version now."""

    applied: tuple[str, ...]
    """Names of the migrations that were applied in this run, in order."""

    leaves_timescale_unused: bool = False
    """The server has TimescaleDB, and this database was made without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applied:
    version: int
    name: str
    checksum: str


def shipped_migrations() -> Sequence[Migration]:
    """Read every migration that is shipped, by number.

    Raises:
        MalformedMigrationError: A file's name is no migration's, or a number is missing or twice.
    """
    found: list[Migration] = []
    for file in files("slurmfleet.store").joinpath("migrations").iterdir():
        match = _FILE.fullmatch(file.name)
        if match is None:
            raise MalformedMigrationError(f"{file.name} is not a migration's file name")
        text = file.read_text(encoding="utf-8")
        found.append(Migration(version=int(match["version"]), name=file.name, text=text))
    found.sort(key=lambda one: one.version)
    if [one.version for one in found] != list(range(1, len(found) + 1)):
        raise MalformedMigrationError("the migrations are not numbered 1, 2, 3 without a gap")
    return found


def _no_progress(_migration: Migration, _place: int, _total: int) -> None:
    return


async def migrate(
    dsn: str,
    *,
    migrations: Sequence[Migration] | None = None,
    on_progress: Progress = _no_progress,
) -> Migrated:
    """Apply what is missing; two runs at once wait for each other.

    Args:
        dsn: A role that owns the database, and may make roles and extensions.
        migrations: By number; those that are shipped if not given.
        on_progress: Told before each migration.

    Raises:
        SchemaOutdatedError: The database has migrations that this code does not know, or knows
            otherwise.
        StoreError: In every other kind of its tree.
    """
    wanted = shipped_migrations() if migrations is None else migrations
    budget = Budget(operation="migrate", limit_s=_MIGRATE_TIMEOUT_S)
    with translated(budget.operation):
        async with budget.enforce(), await _connect(dsn) as connection:
            edition = await prepare_edition(connection)
            await connection.execute(statement("lock_migrations").text, {"key": _LOCK_KEY})
            unused = not edition.has_hypertables and await has_timescale(connection)
            applied = await _apply_missing(connection, wanted, edition, on_progress)
            await connection.execute(statement("unlock_migrations").text, {"key": _LOCK_KEY})
    version = wanted[-1].version if wanted else 0
    return Migrated(
        edition=edition, version=version, applied=applied, leaves_timescale_unused=unused
    )


async def _connect(dsn: str) -> Connection:
    return await psycopg.AsyncConnection[TupleRow].connect(
        dsn,
        autocommit=True,
        connect_timeout=_CONNECT_TIMEOUT_S,
        application_name="slurmfleet migrator",
        options="-c client_min_messages=warning",
    )


async def _apply_missing(
    connection: Connection, wanted: Sequence[Migration], edition: Edition, on_progress: Progress
) -> tuple[str, ...]:
    await connection.execute(statement("create_schema_migrations").text)
    await connection.execute(statement("comment_schema_migrations").text)
    cursor = connection.cursor(row_factory=class_row(_Applied))
    await cursor.execute(statement("list_schema_migrations").text)
    missing = _missing(wanted, await cursor.fetchall())
    for place, migration in enumerate(missing, start=1):
        on_progress(migration, place, len(missing))
        await _apply(connection, migration, edition)
    return tuple(migration.name for migration in missing)


async def _apply(connection: Connection, migration: Migration, edition: Edition) -> None:
    record = {
        "version": migration.version,
        "name": migration.name,
        "checksum": migration.checksum,
        "edition": edition,
    }
    if migration.transactional:
        async with connection.transaction():
            for script in migration.scripts_for(edition):
                await connection.execute(script)
            await connection.execute(statement("record_schema_migration").text, record)
        return
    for script in migration.scripts_for(edition):
        await connection.execute(script)
    await connection.execute(statement("record_schema_migration").text, record)


def _missing(wanted: Sequence[Migration], applied: Sequence[_Applied]) -> Sequence[Migration]:
    known = {migration.version: migration for migration in wanted}
    for row in applied:
        migration = known.get(row.version)
        if migration is None:
            raise SchemaOutdatedError(
                "migrate",
                f"the database has migration {row.name}, which this version of slurmfleet does not"
                " know; start the newer version that made it",
            )
        if migration.checksum != row.checksum:
            raise SchemaOutdatedError(
                "migrate", f"migration {row.name} has changed since it was applied"
            )
    done = {row.version for row in applied}
    return [migration for migration in wanted if migration.version not in done]


def _kept(block: re.Match[str], edition: Edition) -> str:
    return block["body"] if edition in _editions(block["editions"]) else ""


def _editions(text: str) -> frozenset[Edition]:
    try:
        return frozenset(Edition(word.strip()) for word in text.split(","))
    except ValueError as exc:
        raise MalformedMigrationError(f"{text!r} does not name editions") from exc


def _leading_comments(text: str) -> list[str]:
    lines = text.strip().splitlines()
    count = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return lines[:count]


def _has_sql(text: str) -> bool:
    return any(line.strip() and not line.startswith("--") for line in text.splitlines())
