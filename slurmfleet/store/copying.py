"""Whole tables out of a database and into an empty one, whatever edition either is.

Tables are found in the catalog, so a new one is copied without anybody having to think of it.
PostgreSQL's own text format of COPY is the same in every version and edition, where pg_dump of a
hypertable fits one version of TimescaleDB alone (ADR-0018).

Source: PostgreSQL 18, "COPY": in text format a row ends with the only newline that stands in it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow, class_row

from slurmfleet.store.edition import Edition, find_edition
from slurmfleet.store.errors import StatementError
from slurmfleet.store.migrate import migrate, shipped_migrations
from slurmfleet.store.pool import Connection, translated
from slurmfleet.store.statements import statement

Row = TypeVar("Row")

_CONNECT_TIMEOUT_S = 10
_SETTINGS = "-c statement_timeout=0 -c timezone=UTC -c client_min_messages=warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table as the catalog describes it."""

    name: str
    columns: list[str]
    """Those that can be written: generated ones follow from them."""

    refers_to: list[str]
    """Tables that must be there before: foreign keys."""

    expected_rows: float
    """The planner's estimate; 0 where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Where a sequence stands."""

    name: str
    last_value: int | None
    """None before its first number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A database at one moment; later changes do not show in it."""

    connection: Connection
    edition: str
    checksums: Mapping[int, str]
    """Of its migrations, by number."""

    tables: Sequence[Table]
    """In an order in which they can be filled."""

    sequences: Mapping[str, int]
    """Last numbers given; sequences that gave none are left out."""

    async def read(self, table: Table) -> AsyncGenerator[bytes]:
        """Give a table's rows as COPY writes them, in blocks of any size; to be closed."""
        columns = sql.SQL(", ").join([sql.Identifier(name) for name in table.columns])
        # A query, because COPY of the table itself leaves out the chunks of a hypertable.
        command = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
            columns, sql.Identifier("public", table.name)
        )
        with translated(f"copy {table.name}"):
            async with self.connection.cursor() as cursor, cursor.copy(command) as copy:
                async for block in copy:
                    yield bytes(block)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An empty database with the schema that is to be filled, inside one transaction."""

    connection: Connection
    tables: Mapping[str, Table]

    async def write(self, name: str, columns: Sequence[str], blocks: AsyncIterator[bytes]) -> None:
        """Fill a table.

        Raises:
            StatementError: The schema has no such table, or the rows do not fit it.
        """
        if name not in self.tables or set(columns) - set(self.tables[name].columns):
            raise StatementError(f"fill {name}", "this schema has no such table or columns")
        command = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier("public", name),
            sql.SQL(", ").join([sql.Identifier(column) for column in columns]),
        )
        with translated(f"fill {name}"):
            async with self.connection.cursor() as cursor, cursor.copy(command) as copy:
                async for block in blocks:
                    await copy.write(block)


class NotEmptyError(StatementError):
    """The database that was to be filled has tables already."""


class UnknownSchemaError(StatementError):
    """What was copied has migrations that this version does not know, or knows otherwise."""


@asynccontextmanager
async def open_source(dsn: str) -> AsyncGenerator[Source]:
    """Look at a database as it is at this moment; readers and writers go on.

    Args:
        dsn: A role that may read every table; the owner.

    Raises:
        StoreError: In every kind of its tree.
    """
    with translated("open for copying"):
        async with await _connect(dsn, "slurmfleet backup") as connection:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            await connection.set_read_only(True)
            async with connection.transaction():
                tables = await _tables(connection)
                sequences = await _rows(connection, "list_sequences", Counter)
                yield Source(
                    connection=connection,
                    edition=await find_edition(connection),
                    checksums=await _checksums(connection),
                    tables=in_order_of_filling(tables),
                    sequences={
                        one.name: one.last_value for one in sequences if one.last_value is not None
                    },
                )


async def require_empty(dsn: str) -> None:
    """Make sure that a database has no tables of anybody's.

    Raises:
        NotEmptyError: It has.
        StoreError: In every other kind of its tree.
    """
    with translated("look whether it is empty"):
        async with await _connect(dsn, "slurmfleet restore") as connection:
            cursor = await connection.execute(statement("list_user_tables").text)
            names = [str(name) for (name,) in await cursor.fetchall()]
    if names:
        raise NotEmptyError("restore", f"the database has tables already: {', '.join(names)}")


def require_known(checksums: Mapping[int, str]) -> None:
    """Make sure that this version can make the schema that was copied.

    Raises:
        UnknownSchemaError: It cannot.
    """
    known = {one.version: one.checksum for one in shipped_migrations()}
    if newer := sorted(set(checksums) - set(known)):
        raise UnknownSchemaError(
            "restore",
            f"the backup has schema version {newer[-1]}, and this version of slurmfleet knows"
            f" {max(known)}; use the version that made the backup, or a newer one",
        )
    if other := sorted(number for number, one in checksums.items() if known[number] != one):
        raise UnknownSchemaError(
            "restore", f"migration {other[0]} of the backup is not the one of this version"
        )


@asynccontextmanager
async def open_target(
    dsn: str, checksums: Mapping[int, str], sequences: Mapping[str, int]
) -> AsyncGenerator[Target]:
    """Make the schema that was copied in an empty database, have it filled, bring it up to date.

    What the body does is kept as a whole or not at all; the schema stays in any case.

    Args:
        dsn: The owner.
        checksums: Of the migrations of what was copied.
        sequences: Last numbers given.

    Raises:
        NotEmptyError, UnknownSchemaError: Nothing was changed.
        StoreError: In every other kind of its tree.
    """
    require_known(checksums)
    await require_empty(dsn)
    await migrate(dsn, migrations=shipped_migrations()[: len(checksums)])
    with translated("open for filling"):
        async with await _connect(dsn, "slurmfleet restore") as connection:
            async with connection.transaction():
                tables = {one.name: one for one in await _tables(connection)}
                yield Target(connection=connection, tables=tables)
                await _finish(connection, sequences)
            await connection.set_autocommit(True)
            await connection.execute("ANALYZE")
            if await find_edition(connection) is Edition.COMMUNITY:
                # Its own policy looks back three days, and what it never worked out would not show.
                await connection.execute(statement("refresh_gpu_use").text)
    await migrate(dsn)


def in_order_of_filling(tables: Sequence[Table]) -> list[Table]:
    """Give tables so that each comes after those that it refers to; else as they come.

    Raises:
        StatementError: They refer to each other in a circle.
    """
    waiting, ordered = list(tables), list[Table]()
    while waiting:
        there = {one.name for one in ordered}
        ready = [one for one in waiting if there.issuperset(one.refers_to)]
        if not ready:
            names = ", ".join(one.name for one in waiting)
            raise StatementError("order tables", f"they refer to each other in a circle: {names}")
        ordered += ready
        waiting = [one for one in waiting if one not in ready]
    return ordered


async def _finish(connection: Connection, sequences: Mapping[str, int]) -> None:
    for name, last_value in sequences.items():
        params = {"name": name, "last_value": last_value}
        await connection.execute(statement("set_sequence").text, params)
    # A new bucket counts its revisions from 1: what stands here would be newer for ever.
    cursor = await connection.execute(statement("list_revision_columns").text)
    for (name,) in await cursor.fetchall():
        await connection.execute(
            sql.SQL("UPDATE {} SET registry_revision = 0").format(
                sql.Identifier("public", str(name))
            )
        )


async def _connect(dsn: str, name: str) -> Connection:
    return await psycopg.AsyncConnection[TupleRow].connect(
        dsn, connect_timeout=_CONNECT_TIMEOUT_S, application_name=name, options=_SETTINGS
    )


async def _tables(connection: Connection) -> Sequence[Table]:
    return await _rows(connection, "list_tables", Table)


async def _checksums(connection: Connection) -> Mapping[int, str]:
    cursor = await connection.execute(statement("list_checksums").text)
    return {int(version): str(checksum) for version, checksum in await cursor.fetchall()}


async def _rows(connection: Connection, name: str, row: type[Row]) -> list[Row]:
    cursor = connection.cursor(row_factory=class_row(row))
    await cursor.execute(statement(name).text)
    return await cursor.fetchall()
