from dataclasses import replace

import psycopg
import pytest

from slurmfleet.store.edition import Edition
from slurmfleet.store.errors import SchemaOutdatedError, StatementError
from slurmfleet.store.migrate import Migrated, Migration, migrate, shipped_migrations
from slurmfleet.store.roles import Role
from tests.plugins.postgres import Database

EXTRA = Migration(version=len(shipped_migrations()) + 1, name="9999_extra.sql", text="SELECT 1;")


async def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute(query.encode())
        return await cursor.fetchall()


async def test_a_migrated_database_needs_nothing(database: Database, edition: Edition):
    again = await migrate(database.superuser_dsn)

    version = len(shipped_migrations())
    assert again == Migrated(edition=edition, version=version, applied=())


async def test_progress_is_told_before_each_migration(database: Database):
    told: list[tuple[str, int, int]] = []
    extra = [EXTRA, replace(EXTRA, version=EXTRA.version + 1, name="9999_last.sql")]

    await migrate(
        database.superuser_dsn,
        migrations=[*shipped_migrations(), *extra],
        on_progress=lambda one, place, total: told.append((one.name, place, total)),
    )

    assert told == [("9999_extra.sql", 1, 2), ("9999_last.sql", 2, 2)]


async def test_a_newer_schema_is_refused(database: Database):
    await migrate(database.superuser_dsn, migrations=[*shipped_migrations(), EXTRA])

    with pytest.raises(SchemaOutdatedError, match=r"9999_extra\.sql.*does not know"):
        await migrate(database.superuser_dsn)


async def test_a_changed_migration_is_refused(database: Database):
    first, *others = shipped_migrations()
    changed = replace(first, text=first.text + "\n-- changed")

    with pytest.raises(SchemaOutdatedError, match="has changed since"):
        await migrate(database.superuser_dsn, migrations=[changed, *others])


async def test_a_failing_migration_leaves_nothing(database: Database):
    bad = replace(EXTRA, text="CREATE TABLE half (one integer);\nSELECT 1 / 0;")

    with pytest.raises(StatementError, match="division by zero"):
        await migrate(database.superuser_dsn, migrations=[*shipped_migrations(), bad])

    found = await rows(database.superuser_dsn, "SELECT to_regclass('half')::text")
    assert found == [(None,)]


async def test_a_migration_without_transaction_runs_statement_by_statement(database: Database):
    text = (
        "-- transaction: off\nCREATE TABLE later (one integer);\n-- statement\n"
        "CREATE INDEX CONCURRENTLY later_one ON later (one);\n"
    )
    await migrate(
        database.superuser_dsn, migrations=[*shipped_migrations(), replace(EXTRA, text=text)]
    )

    found = await rows(database.superuser_dsn, "SELECT to_regclass('later_one')::text")
    assert found == [("later_one",)]


async def test_polls_are_a_hypertable_where_timescale_is(database: Database, edition: Edition):
    found = await rows(
        database.superuser_dsn,
        "SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = 'polls'"
        if edition.has_hypertables
        else "SELECT 1 FROM pg_class WHERE oid = 'polls'::regclass AND relkind = 'r'",
    )

    assert found == [(1,)]


async def test_every_table_and_column_says_what_it_is(database: Database):
    found = await rows(
        database.superuser_dsn,
        """
        SELECT cl.relname::text || coalesce('.' || at.attname::text, '')
        FROM pg_class AS cl
        LEFT JOIN pg_attribute AS at
            ON at.attrelid = cl.oid AND at.attnum > 0 AND NOT at.attisdropped
        WHERE cl.relnamespace = 'public'::regnamespace AND cl.relkind = 'r'
            AND (
                col_description(cl.oid, at.attnum) IS NULL
                OR obj_description(cl.oid) NOT LIKE '%Written by: %.'
            )
        """,
    )

    assert found == []


async def test_the_reader_reads_every_table_but_outboxes_and_writes_none(database: Database):
    found = await rows(
        database.superuser_dsn,
        """
        SELECT cl.relname::text
        FROM pg_class AS cl
        WHERE cl.relnamespace = 'public'::regnamespace AND cl.relkind = 'r'
            AND (
                has_table_privilege('slurmfleet_reader', cl.oid, 'SELECT')
                    = (cl.relname LIKE '%\\_outbox')
                OR has_table_privilege(
                    'slurmfleet_reader', cl.oid, 'INSERT,UPDATE,DELETE,TRUNCATE'
                )
            )
        """,
    )

    assert found == []


async def test_grafana_sees_views_alone(database: Database):
    dsn = database.dsn(Role.GRAFANA)

    found = await rows(
        database.superuser_dsn,
        """
        SELECT ns.nspname::text || '.' || cl.relname::text, cl.relkind::text
        FROM pg_class AS cl
        JOIN pg_namespace AS ns ON ns.oid = cl.relnamespace
        WHERE ns.nspname IN ('public', 'grafana') AND cl.relkind IN ('r', 'v', 'm', 'p')
            AND has_schema_privilege('slurmfleet_grafana', ns.oid, 'USAGE')
            AND has_table_privilege('slurmfleet_grafana', cl.oid, 'SELECT')
        ORDER BY 1
        """,
    )

    assert found == [
        ("grafana.cluster_status", "v"),
        ("grafana.gpu_use_5min", "v"),
        ("grafana.job_events", "v"),
        ("grafana.job_use", "v"),
        ("grafana.job_use_hours", "v"),
        ("grafana.jobs", "v"),
        ("grafana.load_samples", "v"),
        ("grafana.occupancy_samples", "v"),
        ("grafana.partition_counts", "v"),
        ("grafana.partition_samples", "v"),
        ("grafana.polls", "v"),
        ("grafana.projects", "v"),
        ("grafana.quota_samples", "v"),
        ("grafana.share_samples", "v"),
        ("grafana.surveys", "v"),
        ("grafana.team_members", "v"),
        ("grafana.usage_daily", "v"),
        ("grafana.usage_samples", "v"),
    ]
    assert await rows(dsn, "SELECT count(*) FROM grafana.jobs") == [(0,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await rows(dsn, "SELECT count(*) FROM jobs")
