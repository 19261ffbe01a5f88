"""What is restored is what was there, from any edition to any."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from slurmfleet.backup.restoring import NotEmptyPlaceError, restore_backup
from slurmfleet.backup.shelf import Shelf
from slurmfleet.backup.taking import Step, Taken, take_backup
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.streams import BUCKETS, REGISTRY, STREAMS
from slurmfleet.store.copying import NotEmptyError
from slurmfleet.store.edition import Edition
from slurmfleet.store.migrate import migrate, shipped_migrations
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import a_fact_of_each_kind, a_poll
from slurmfleet.testing.samples import a_sample_of_each_kind
from slurmfleet.timing.clock import SystemClock
from tests.harness.rows import all_rows, fill_every_table
from tests.plugins.postgres import Database, DatabaseServer, database_on

pytestmark = pytest.mark.timeout(60)
SERVERS = {
    Edition.PLAIN: "wheel_server",
    Edition.APACHE: "timescale_server",
    Edition.COMMUNITY: "community_server",
}
VALUES = {"cluster.alpha": b'{"name": "alpha"}', "cluster.beta": bytes(range(256))}
NOT_COPIED = ("registry_revision", "words")
"""A new bucket counts revisions from 1; words are taken from the text by each server itself."""


async def a_registry() -> MemoryBus:
    bus = MemoryBus(SystemClock())
    await bus.prepare(streams=STREAMS, buckets=BUCKETS)
    for key, value in VALUES.items():
        await bus.kv_create(REGISTRY.name, key, value)
    return bus


async def backed_up(database: Database, bus: Bus, folder: Path, *, keep: int = 7) -> Taken:
    return await take_backup(
        dsn=database.superuser_dsn,
        bus=bus,
        shelf=Shelf(folder),
        keep=keep,
        clock=SystemClock(),
        catch_up_s=0,
    )


@asynccontextmanager
async def empty_database(server: DatabaseServer) -> AsyncGenerator[Database]:
    async with database_on(replace(server, template="template0")) as database:
        yield database


@asynccontextmanager
async def full_database(server: DatabaseServer) -> AsyncGenerator[Database]:
    async with database_on(server) as database:
        settings = StoreSettings(dsn=database.superuser_dsn, application_name="fill")
        async with StorePool(settings) as pool:
            await apply_facts(pool, [*a_fact_of_each_kind(), *a_sample_of_each_kind(), a_poll()])
        await fill_every_table(database.superuser_dsn)
        yield database


async def gpu_use(dsn: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute("SELECT * FROM gpu_use_5min ORDER BY bucket_at, 1")
        return await cursor.fetchall()


@pytest.fixture(params=SERVERS)
def old_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give the server of the database that is backed up."""
    return request.getfixturevalue(SERVERS[request.param])


@pytest.fixture(params=SERVERS)
def new_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give the server of the database that it is restored to."""
    return request.getfixturevalue(SERVERS[request.param])


async def test_every_row_and_every_key_comes_back(
    old_server: DatabaseServer, new_server: DatabaseServer, tmp_path: Path
):
    old_bus, new_bus = await a_registry(), MemoryBus(SystemClock())
    async with full_database(old_server) as old, empty_database(new_server) as new:
        taken = await backed_up(old, old_bus, tmp_path)
        await restore_backup(taken.file, dsn=new.superuser_dsn, bus=new_bus)

        before = await all_rows(old.superuser_dsn, without=NOT_COPIED)
        after = await all_rows(new.superuser_dsn, without=NOT_COPIED)
        again = await migrate(new.superuser_dsn)
        used = [await gpu_use(one.superuser_dsn) for one in (old, new)]
    keys = await new_bus.kv_entries(REGISTRY.name)
    assert after == before
    assert [name for name, rows in before.items() if not rows] == []
    assert used[0] == used[1] != []
    assert {entry.key: entry.value for entry in keys} == VALUES
    assert again.applied == ()


async def test_numbers_go_on_where_they_stood(wheel_server: DatabaseServer, tmp_path: Path):
    bus = await a_registry()
    async with full_database(wheel_server) as old, empty_database(wheel_server) as new:
        async with await psycopg.AsyncConnection.connect(old.superuser_dsn) as db:
            # As after retention: the newest numbers belong to rows that are gone.
            await db.execute("SELECT setval('job_events_event_seq_seq', 5000)")
        taken = await backed_up(old, bus, tmp_path)
        await restore_backup(taken.file, dsn=new.superuser_dsn, bus=MemoryBus(SystemClock()))

        async with await psycopg.AsyncConnection.connect(new.superuser_dsn) as db:
            cursor = await db.execute("SELECT nextval('job_events_event_seq_seq')")
            assert await cursor.fetchone() == (5001,)


async def test_documents_of_a_new_bucket_are_newer_than_what_was_restored(
    wheel_server: DatabaseServer, tmp_path: Path
):
    bus = await a_registry()
    async with full_database(wheel_server) as old, empty_database(wheel_server) as new:
        taken = await backed_up(old, bus, tmp_path)
        await restore_backup(taken.file, dsn=new.superuser_dsn, bus=MemoryBus(SystemClock()))

        async with await psycopg.AsyncConnection.connect(new.superuser_dsn) as db:
            cursor = await db.execute("SELECT max(registry_revision), count(*) FROM clusters")
            assert await cursor.fetchone() == (0, 3)


async def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    wheel_server: DatabaseServer, tmp_path: Path
):
    older = shipped_migrations()[:11]
    bus = await a_registry()
    async with empty_database(wheel_server) as old, empty_database(wheel_server) as new:
        await migrate(old.superuser_dsn, migrations=older)
        await fill_every_table(old.superuser_dsn)
        taken = await backed_up(old, bus, tmp_path)

        await restore_backup(taken.file, dsn=new.superuser_dsn, bus=MemoryBus(SystemClock()))

        done = await migrate(new.superuser_dsn)
        jobs = (await all_rows(new.superuser_dsn))["jobs"]
    assert (taken.manifest.schema_version, done.version) == (11, len(shipped_migrations()))
    assert len(jobs) == 3


async def test_what_is_not_empty_is_left_alone(wheel_server: DatabaseServer, tmp_path: Path):
    bus = await a_registry()
    async with full_database(wheel_server) as old, empty_database(wheel_server) as new:
        taken = await backed_up(old, bus, tmp_path)
        before = await all_rows(old.superuser_dsn)

        with pytest.raises(NotEmptyError, match="audit_records"):
            await restore_backup(taken.file, dsn=old.superuser_dsn, bus=MemoryBus(SystemClock()))
        with pytest.raises(NotEmptyPlaceError, match=r"2 entries already, cluster\.alpha"):
            await restore_backup(taken.file, dsn=new.superuser_dsn, bus=bus)

        assert await all_rows(old.superuser_dsn) == before
        assert await all_rows(new.superuser_dsn) == {}


async def test_a_backup_shows_one_moment_while_writing_goes_on(
    wheel_server: DatabaseServer, tmp_path: Path
):
    """Rows that go while the first tables are read are still in the last ones."""
    bus = await a_registry()
    async with full_database(wheel_server) as old, empty_database(wheel_server) as new:
        before = await all_rows(old.superuser_dsn, without=NOT_COPIED)
        meddled: list[str] = []

        def meddle(step: Step) -> None:
            if not meddled:
                with psycopg.connect(old.superuser_dsn) as db:
                    db.execute("DELETE FROM runs")
                    db.execute("UPDATE jobs SET name = 'other'")
            meddled.append(step.what)

        taken = await take_backup(
            dsn=old.superuser_dsn,
            bus=bus,
            shelf=Shelf(tmp_path),
            keep=7,
            clock=SystemClock(),
            on_progress=meddle,
            catch_up_s=0,
        )
        await restore_backup(taken.file, dsn=new.superuser_dsn, bus=MemoryBus(SystemClock()))

        after = await all_rows(new.superuser_dsn, without=NOT_COPIED)
    assert meddled.index("audit_records") < meddled.index("runs")
    assert after == before
