"""Each table has one writing process, and the database holds everybody to it."""

import psycopg
import pytest
from psycopg import sql

from slurmfleet.store.roles import Role
from tests.plugins.postgres import Database

WRITERS = {
    "projector": {Role.WRITER},
    "kernels": {Role.KERNELS},
    "logbook": {Role.LOGBOOK},
    "migrator": set[Role](),
}
AUDIT_ROW = """
    INSERT INTO audit_records (
        audit_seq, record_id, action_id, phase, actor, actor_kind, token_id, via, action, cluster,
        target, reason, details, outcome, acted_at, previous_hash, record_hash
    )
    VALUES (
        1, 'r', 'a', 'tried', 'ann', 'person', '', 'cli', 'job.cancel', 'alpha', '1', '', '{}',
        'allowed', now(), sha256(''), sha256('1')
    )
"""


async def test_only_the_process_in_its_comment_writes_a_table(database: Database):
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as db:
        cursor = await db.execute(
            """
            SELECT
                cl.relname, substring(obj_description(cl.oid) FROM 'Written by: (.*)\\.$'),
                array_remove(
                    ARRAY(
                        SELECT ro.name
                        FROM unnest(%(roles)s::text[]) AS ro (name)
                        WHERE has_table_privilege(
                            ro.name, cl.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'
                        )
                    ), NULL
                )
            FROM pg_class AS cl
            WHERE cl.relnamespace = 'public'::regnamespace AND cl.relkind IN ('r', 'p')
            ORDER BY cl.relname
            """,
            {"roles": [str(role) for role in Role]},
        )
        tables = await cursor.fetchall()

    wrong = {
        name: (writer, set(roles))
        for name, writer, roles in tables
        if set(roles) != {str(role) for role in WRITERS[writer]}
    }
    assert wrong == {}
    assert {writer for _, writer, _ in tables} >= {"projector", "kernels", "logbook"}


async def test_outboxes_are_nobody_elses_to_read(database: Database):
    for role in (Role.READER, Role.GRAFANA, Role.WRITER):
        async with await psycopg.AsyncConnection.connect(database.dsn(role)) as db:
            for table in ("kernel_outbox", "logbook_outbox"):
                look = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await db.execute(look)
                await db.rollback()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_records SET actor = 'eve'",
        "DELETE FROM audit_records",
        "TRUNCATE audit_records",
    ],
)
async def test_not_even_the_owner_changes_what_was_audited(database: Database, change: str):
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn, autocommit=True) as db:
        await db.execute(AUDIT_ROW.encode())

        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            await db.execute(change.encode())

        cursor = await db.execute("SELECT actor FROM audit_records")
        assert await cursor.fetchall() == [("ann",)]


async def test_an_entry_longer_than_the_search_takes_is_kept_whole(database: Database):
    body = " ".join(f"word{number}" for number in range(150_000))

    async with await psycopg.AsyncConnection.connect(database.dsn(Role.LOGBOOK)) as db:
        await db.execute(
            """
            INSERT INTO logbook_entries (
                project, kind, title, body, author, revision, created_at, edited_at, edited_by
            )
            VALUES ('lab', 'note', 'Long', %s, 'ann', 1, now(), now(), 'ann')
            """,
            [body],
        )
        cursor = await db.execute(
            "SELECT length(body), words @@ to_tsquery('english', 'word7') FROM logbook_entries"
        )
        assert await cursor.fetchall() == [(len(body), True)]
