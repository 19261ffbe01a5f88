"""Every table of a store as text, to compare two stores; new tables are taken in by themselves."""

import psycopg
from psycopg import sql

OWN_TO_A_STORE = {"event_seq", "recorded_at"}
"""Columns that tell when and in which order this store learnt something."""

NOT_PROJECTED = {"schema_migrations"}

_COLUMNS = """
SELECT cl.table_name, cl.column_name
FROM information_schema.columns AS cl
JOIN information_schema.tables AS tb USING (table_schema, table_name)
WHERE cl.table_schema = 'public' AND tb.table_type = 'BASE TABLE'
ORDER BY cl.table_name, cl.ordinal_position
"""


async def all_rows(dsn: str) -> dict[str, list[str]]:
    """Give the rows of every table, sorted, without what is a store's own."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        columns: dict[str, list[str]] = {}
        for table, column in await (await connection.execute(_COLUMNS)).fetchall():
            if table not in NOT_PROJECTED and column not in OWN_TO_A_STORE:
                columns.setdefault(table, []).append(column)
        found: dict[str, list[str]] = {}
        for table, names in columns.items():
            query = sql.SQL("SELECT ROW({})::text FROM {}").format(
                sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table)
            )
            rows = await (await connection.execute(query)).fetchall()
            found[table] = sorted(str(row[0]) for row in rows)
        return found
