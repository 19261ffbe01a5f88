"""Made-up rows for every table, from the catalog alone, and all rows of every table to compare."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

Rows = dict[str, list[str]]
Connection = psycopg.AsyncConnection[TupleRow]

ROWS = 3
_START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_FITTING = {
    ("logbook_images", "size_bytes"): lambda _: 32,
    ("project_assignment", "only_row"): lambda _: True,
}
"""Where a CHECK ties a column to another one, or to one value."""

_ONE_ROW = {"project_assignment"}

_TABLES = """
    SELECT cl.relname::text, ARRAY(
        SELECT DISTINCT re.relname::text
        FROM pg_constraint AS fk JOIN pg_class AS re ON re.oid = fk.confrelid
        WHERE fk.conrelid = cl.oid AND fk.contype = 'f'
    )
    FROM pg_class AS cl
    WHERE cl.relnamespace = 'public'::regnamespace AND cl.relkind IN ('r', 'p')
        AND NOT cl.relispartition AND cl.relname <> 'schema_migrations'
    ORDER BY cl.relname
"""
_COLUMNS = """
    SELECT co.attname::text, format_type(co.atttypid, NULL)
    FROM pg_attribute AS co
    WHERE co.attrelid = %s::regclass AND co.attnum > 0 AND NOT co.attisdropped
        AND co.attgenerated = ''
    ORDER BY co.attnum
"""


async def fill_every_table(dsn: str) -> None:
    """Put a few rows into each table that has none; equal columns get equal values, so keys fit."""
    async with await psycopg.AsyncConnection[TupleRow].connect(dsn) as connection:
        cursor = await connection.execute(_TABLES)
        waiting = {str(name): set(needs) for name, needs in await cursor.fetchall()}
        done = set[str]()
        while waiting:
            name = next(name for name, needs in waiting.items() if needs - {name} <= done)
            await _fill(connection, name)
            done.add(name)
            del waiting[name]


async def all_rows(dsn: str, *, without: tuple[str, ...] = ()) -> Rows:
    """Give every row of every table as text, in an order that depends on nothing but the rows.

    Args:
        dsn: A superuser.
        without: Columns that are left out.
    """
    found: Rows = {}
    async with await psycopg.AsyncConnection[TupleRow].connect(dsn) as connection:
        cursor = await connection.execute(_TABLES)
        for name, _ in await cursor.fetchall():
            query = sql.SQL("SELECT to_jsonb(tb) - %s::text[] FROM {} AS tb").format(
                sql.Identifier("public", name)
            )
            rows = await (await connection.execute(query, [list(without)])).fetchall()
            found[name] = sorted(json.dumps(row, sort_keys=True) for (row,) in rows)
    return found


async def _fill(connection: Connection, table: str) -> None:
    named = sql.Identifier("public", table)
    there = await connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(named))
    if await there.fetchone():
        return
    cursor = await connection.execute(_COLUMNS, [f"public.{table}"])
    columns = [(str(name), str(kind)) for name, kind in await cursor.fetchall()]
    insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        named,
        sql.SQL(", ").join([sql.Identifier(name) for name, _ in columns]),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )
    for number in range(1, 2 if table in _ONE_ROW else ROWS + 1):
        await connection.execute(
            insert, [_fitting(table, name, kind, number) for name, kind in columns]
        )


def _fitting(table: str, column: str, kind: str, number: int) -> object:
    special = _FITTING.get((table, column))
    return special(number) if special else _value(kind, number)


def _value(kind: str, number: int) -> object:
    """Give a value that copying badly would spoil."""
    text = f'tab\t new\n quote" slash\\N é € {{}} {number}'
    moment = _START + timedelta(days=11 * number, microseconds=number)
    return {
        "text": text,
        "text[]": [text, "", "NULL"],
        "boolean": number % 2 == 0,
        "double precision": [0.1, float("inf"), -1e300][number % 3],
        "real": 0.5,
        "timestamp with time zone": moment,
        "date": moment.date(),
        "interval": timedelta(seconds=number),
        "jsonb": json.dumps({"text": text, "list": [1, None, 0.1]}),
        "bytea": bytes([number, 0, 10, 92]) + b"x" * 28,
        "uuid": f"00000000-0000-0000-0000-00000000000{number}",
        **dict.fromkeys(("bigint", "integer", "smallint", "numeric"), number),
    }[kind]
