"""Tables made anew from facts, beside the ones that are read, and then compared with them.

The new ones are temporary tables under the same names: PostgreSQL looks there first, so the writing
statements fill them unchanged, and they go with the session whatever ends it (ADR-0020).
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow, class_row

from slurmfleet.analysis.projects import OWN_PROJECTS, ProjectOf
from slurmfleet.contracts.events import JobFact
from slurmfleet.store.errors import StoreConflictError
from slurmfleet.store.pool import Connection, StorePool, conninfo, translated
from slurmfleet.store.statements import statement
from slurmfleet.store.write.facts import LOCK_KEY, write_job_facts

_REBUILD_KEY = 0x736C_666C_7265_6264
"""Our own key among the server's advisory locks: "slflrebd"."""

_CHUNK_ROWS = 2_000
"""Rows that are compared in one transaction: it holds up the ingest for some 50 ms."""

_LOCK_WAIT_MS = 2_000

_PATIENCE_MS = 600_000
"""For statements over whole tables: two anti-joins of five million rows take a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltTable:
    """A table that can be rebuilt, and how its rows are told apart."""

    name: str
    key: tuple[str, ...]
    ours: tuple[str, ...]
    """Columns that the database fills, which no fact tells."""

    newest_by: str = ""
    """Column by which the live row may be newer than the stream was when it was read."""

    least: str = ""
    """Column of which the smaller value is kept: the live row may know older facts."""


JOBS = RebuiltTable(
    name="jobs",
    key=("cluster", "job_id", "submitted_at"),
    ours=("is_live", "put_away_run"),
    newest_by="revision",
    least="first_observed_at",
)
JOB_EVENTS = RebuiltTable(name="job_events", key=("event_id",), ours=("event_seq", "recorded_at"))
ENDED_RUNS = RebuiltTable(
    name="ended_runs",
    key=("cluster", "job_id", "submitted_at", "restart_count"),
    ours=(),
    newest_by="revision",
)
REBUILT = (JOBS, JOB_EVENTS, ENDED_RUNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwritten:
    """What one chunk did."""

    checked: int
    mended: int
    added: int


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One rebuild's session."""

    _connection: Connection
    _project_of: ProjectOf
    _columns: Mapping[str, Sequence[str]]

    async def write(self, facts: Sequence[JobFact]) -> None:
        """Write facts into the new tables, all of them or none.

        Raises:
            StoreError: In every kind of its tree; StatementError blames a fact.
        """
        with translated("write facts again"):
            async with self._connection.transaction():
                await write_job_facts(self._connection, facts, self._project_of)

    async def overwrite(self, table: RebuiltTable) -> AsyncGenerator[Overwritten]:
        """Bring the live rows to what the new ones say, chunk by chunk, each in one transaction.

        Raises:
            StoreError: In every kind of its tree; chunks before it are done.
        """
        place = 0
        while True:
            with translated(f"correct {table.name}"):
                done = await self._overwrite(table, place)
            if not done.checked:
                return
            yield done
            place += _CHUNK_ROWS

    async def suspect(self, table: RebuiltTable, since: datetime) -> int:
        """Note live rows that are not in the new table though they should; give how many are older.

        Args:
            table: Which.
            since: The stream tells everything that was observed from here on.
        """
        with translated(f"look for what {table.name} has too much"):
            # The server takes no parameters in CREATE TABLE AS, so they are quoted on this side.
            await psycopg.AsyncClientCursor(self._connection).execute(
                statement(f"make_suspect_{table.name}").text, {"since": since}
            )
            cursor = await self._connection.execute(
                statement(f"count_old_{table.name}").text, {"since": since}
            )
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def judge(self, table: RebuiltTable, *, prune: bool) -> tuple[int, int]:
        """Look at the suspects again, after the stream was read on.

        Returns:
            How many are still unexplained, and how many of them were removed.
        """
        with translated(f"judge what {table.name} has too much"):
            async with self._connection.transaction():
                await self._connection.execute(statement("lock_writing").text, {"key": LOCK_KEY})
                await self._connection.execute(statement(f"clear_suspect_{table.name}").text)
                count = sql.SQL("SELECT count(*) FROM {}").format(
                    sql.Identifier("pg_temp", f"suspect_{table.name}")
                )
                row = await (await self._connection.execute(count)).fetchone()
                unexplained = int(row[0]) if row else 0
                if not prune or not unexplained:
                    return unexplained, 0
                gone = await self._connection.execute(statement(f"prune_suspect_{table.name}").text)
                return unexplained, gone.rowcount

    async def finish(self) -> None:
        """Have done anew what follows from the tables, and tell those who follow events."""
        with translated("finish a rebuild"):
            await self._connection.execute(statement("mark_rebuilt_days").text)
            # The rules for projects may have changed while the stream was read by older ones.
            await self._connection.execute(statement("forget_project_assignment").text)
            cursor = await self._connection.execute(statement("newest_event_seq").text)
            row = await cursor.fetchone()
            told = {"event_seq": row[0] if row else 0}
            await self._connection.execute(statement("notify_events").text, told)

    async def number(self, table: RebuiltTable) -> int:
        """Give the new rows places, so that chunks can be cut; tell how many there are.

        The planner is told of them too: nobody else does it for a temporary table.
        """
        key = sql.SQL(", ").join([sql.Identifier(name) for name in table.key])
        places, new = f"place_of_{table.name}", sql.Identifier("pg_temp", table.name)
        with translated(f"number {table.name}"):
            await self._connection.execute(sql.SQL("ANALYZE {}").format(new))
            await self._connection.execute(
                sql.SQL(
                    "CREATE TEMPORARY TABLE {} AS"
                    " SELECT row_number() OVER (ORDER BY {order}) AS place, {key} FROM {new}"
                ).format(
                    sql.Identifier(places),
                    order=sql.Identifier("event_seq") if table is JOB_EVENTS else key,
                    key=key,
                    new=new,
                )
            )
            await self._connection.execute(
                sql.SQL("CREATE UNIQUE INDEX ON {} (place)").format(sql.Identifier(places))
            )
            await self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(places)))
            cursor = await self._connection.execute(
                sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(places))
            )
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def _overwrite(self, table: RebuiltTable, place: int) -> Overwritten:
        async with self._connection.transaction():
            await self._connection.execute(statement("lock_writing").text, {"key": LOCK_KEY})
            cursor = self._connection.cursor(row_factory=class_row(Overwritten))
            await cursor.execute(
                _overwriting(table, self._columns[table.name]),
                {"above": place, "most": place + _CHUNK_ROWS},
            )
            (done,) = await cursor.fetchall()
            return done


@asynccontextmanager
async def open_rebuild(
    pool: StorePool, project_of: ProjectOf = OWN_PROJECTS
) -> AsyncGenerator[Rebuild]:
    """Begin a rebuild in a session of its own; its end leaves nothing behind.

    Args:
        pool: Where.
        project_of: Gives the project of a job's name.

    Raises:
        StoreConflictError: Another rebuild goes on.
        StoreError: In every other kind of its tree.
    """
    with translated("begin a rebuild"):
        async with await psycopg.AsyncConnection[TupleRow].connect(
            conninfo(pool.settings), autocommit=True
        ) as connection:
            await _require_alone(connection)
            await connection.execute(
                sql.SQL("SET statement_timeout = {}").format(sql.Literal(_PATIENCE_MS))
            )
            columns: dict[str, Sequence[str]] = {}
            for table in REBUILT:
                columns[table.name] = await _columns(connection, table)
                await connection.execute(statement(f"make_shadow_{table.name}").text)
            await connection.execute(statement("make_shadow_usage_marks").text)
            yield Rebuild(connection, project_of, columns)


async def _require_alone(connection: Connection) -> None:
    """Take the lock of rebuilds; a session that has just ended may still hold it for a moment."""
    limit = statement("limit_lock_wait").text
    await connection.execute(limit, {"limit_ms": str(_LOCK_WAIT_MS)})
    try:
        await connection.execute(statement("lock_rebuild").text, {"key": _REBUILD_KEY})
    except psycopg.errors.LockNotAvailable as exc:
        raise StoreConflictError("begin a rebuild", "another rebuild goes on") from exc
    await connection.execute(limit, {"limit_ms": "0"})


async def _columns(connection: Connection, table: RebuiltTable) -> Sequence[str]:
    """Give the columns that facts tell."""
    cursor = await connection.execute(
        sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier("public", table.name))
    )
    return [one.name for one in cursor.description or () if one.name not in table.ours]


def _overwriting(table: RebuiltTable, columns: Sequence[str]) -> sql.Composed:
    """Give the statement for one chunk: one row of counts.

    Its columns come from the catalog, so that a new one is rebuilt without a word here.
    """
    told = [name for name in columns if name not in {*table.key, table.least}]
    differs = sql.SQL("({}) IS DISTINCT FROM ({})").format(
        sql.SQL(", ").join([sql.Identifier("li", name) for name in told]),
        sql.SQL(", ").join([sql.Identifier("excluded", name) for name in told]),
    )
    sets = [sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in told]
    guard = sql.SQL("TRUE")
    if table.newest_by:
        guard = sql.SQL("EXCLUDED.{0} >= li.{0}").format(sql.Identifier(table.newest_by))
    if table.least:
        least = sql.Identifier(table.least)
        sets.append(sql.SQL("{0} = LEAST(li.{0}, EXCLUDED.{0})").format(least))
        differs = sql.SQL("({} OR EXCLUDED.{} < li.{})").format(differs, least, least)
    return sql.SQL(
        """
        WITH chunk AS (
            SELECT {columns}, pl.place
            FROM {places} AS pl
            INNER JOIN pg_temp.{table} AS sh USING ({key})
            WHERE pl.place > %(above)s AND pl.place <= %(most)s
        ),
        written AS (
            INSERT INTO public.{table} AS li ({columns})
            SELECT {columns} FROM chunk ORDER BY place
            ON CONFLICT ({key}) DO UPDATE SET {sets}
            WHERE {guard} AND {differs}
            RETURNING (xmax = 0) AS is_new
        )
        SELECT
            (SELECT count(*) FROM chunk) AS checked,
            count(*) FILTER (WHERE NOT wr.is_new) AS mended,
            count(*) FILTER (WHERE wr.is_new) AS added
        FROM written AS wr
        """
    ).format(
        columns=sql.SQL(", ").join([sql.Identifier(name) for name in columns]),
        places=sql.Identifier(f"place_of_{table.name}"),
        table=sql.Identifier(table.name),
        key=sql.SQL(", ").join([sql.Identifier(name) for name in table.key]),
        sets=sql.SQL(", ").join(sets),
        guard=guard,
        differs=differs,
    )
