"""A database stays the edition that it was made as."""

import psycopg
import pytest
from psycopg import sql

from slurmfleet.store.edition import Edition
from slurmfleet.store.errors import EditionLostError
from slurmfleet.store.migrate import Migrated, Migration, migrate, shipped_migrations
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.health import store_health
from slurmfleet.store.roles import Role, let_in
from slurmfleet.timing.clock import SystemClock
from tests.plugins.postgres import PASSWORDS, Database, DatabaseServer, database_on, run_alone

TELLS = Migration(
    version=len(shipped_migrations()) + 1,
    name="9999_tells.sql",
    text="-- if edition: plain\nCREATE TABLE told_plain (one integer);\n-- end if\n"
    "-- if edition: community, apache\nCREATE TABLE told_timescale (one integer);\n-- end if\n",
)


async def test_what_was_made_plain_stays_plain_on_a_server_that_gets_timescale(
    timescale_server: DatabaseServer,
):
    server = DatabaseServer(superuser_dsn=timescale_server.superuser_dsn, template="template0")
    async with database_on(server) as database:
        await _make_plain(database.superuser_dsn)
        await let_in(database.superuser_dsn, PASSWORDS)

        done = await migrate(database.superuser_dsn, migrations=[*shipped_migrations(), TELLS])

        async with StorePool(database.settings(Role.READER)) as pool:
            health = await store_health(pool, clock=SystemClock())
        tables = await _rows(
            database, "SELECT tablename FROM pg_tables WHERE tablename LIKE 'told%'"
        )
        extensions = await _rows(
            database, "SELECT extname FROM pg_extension WHERE extname = 'timescaledb'"
        )
    assert done == Migrated(
        edition=Edition.PLAIN,
        version=TELLS.version,
        applied=(TELLS.name,),
        leaves_timescale_unused=True,
    )
    assert (health.edition, tables, extensions) == (Edition.PLAIN, [("told_plain",)], [])


@pytest.mark.parametrize("made_as", [Edition.APACHE, Edition.COMMUNITY])
async def test_a_server_that_lost_timescale_is_refused(
    wheel_server: DatabaseServer, made_as: Edition
):
    async with database_on(wheel_server) as database:
        await _record_edition(database.superuser_dsn, made_as)

        with pytest.raises(EditionLostError, match=rf"{made_as} edition.*offers the plain"):
            await migrate(database.superuser_dsn)


async def test_what_was_made_under_one_licence_may_run_under_the_wider_only(
    timescale_server: DatabaseServer,
):
    async with database_on(timescale_server) as database:
        await _record_edition(database.superuser_dsn, Edition.COMMUNITY)

        with pytest.raises(EditionLostError, match=r"community edition.*offers the apache"):
            await migrate(database.superuser_dsn)


async def _make_plain(dsn: str) -> None:
    """Migrate as a server without TimescaleDB would have done it."""
    await migrate(dsn, migrations=[])
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as db:
        await db.execute("DROP EXTENSION IF EXISTS timescaledb")
    async with await psycopg.AsyncConnection.connect(dsn) as db:
        for one in shipped_migrations():
            for script in one.scripts_for(Edition.PLAIN):
                await db.execute(script)
            await db.execute(
                "INSERT INTO schema_migrations (version, name, checksum, edition)"
                " VALUES (%s, %s, %s, 'plain')",
                [one.version, one.name, one.checksum],
            )


async def _record_edition(dsn: str, edition: Edition) -> None:
    await run_alone(
        dsn, sql.SQL("UPDATE schema_migrations SET edition = {}").format(sql.Literal(str(edition)))
    )


async def _rows(database: Database, query: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as db:
        cursor = await db.execute(query.encode())
        return await cursor.fetchall()
