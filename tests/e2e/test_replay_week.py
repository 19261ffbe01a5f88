"""A week of a simulated site: an empty database that is fed from its stream equals the stack's."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from slurmfleet.bus.nats import open_nats_bus
from slurmfleet.contracts.codec import decode
from slurmfleet.contracts.events import Fact
from slurmfleet.contracts.streams import FACTS, ConsumerSpec
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.job_use import AT_ONCE, roll_up_job_use
from slurmfleet.store.write.usage import work_out_usage
from slurmfleet.timing.clock import SystemClock
from tests.harness.sites import simulated_sites
from tests.harness.stack import Stack, running_stack
from tests.harness.stillness import standing_still
from tests.harness.tables import all_rows
from tests.plugins.postgres import DatabaseServer, database_on, timescale_server, wheel_server

__all__ = ["timescale_server", "wheel_server"]

NAME = "sim-h100"
WEEK_S = 7 * 86_400
STEP_S = 4 * 3_600
READER = ConsumerSpec(
    durable="replay",
    stream=FACTS.name,
    filter_subjects=FACTS.subjects,
    ack_wait_s=60,
    max_ack_pending=5_000,
)
NOT_FROM_FACTS = {"clusters", "stream_positions", "stream_losses", "project_assignment"}
"""What follows the registry, how far a chore has come, and how the stream itself fares."""


async def told(stack: Stack) -> list[Fact]:
    """Read the whole stream of a stack."""
    facts: list[Fact] = []
    options = stack.bus_options("replay")
    async with open_nats_bus(options, SystemClock()) as bus, asyncio.timeout(30):
        consumer = await bus.consumer(READER)
        while taken := await consumer.fetch(500, 1):
            facts += [fact for one in taken for fact in decode(one.message.body)]
            await consumer.ack_all(taken)
        assert await consumer.pending() == 0
    return facts


async def fed(dsn: str, facts: list[Fact]) -> dict[str, list[str]]:
    """Write facts, work out what follows from them by chores, and give all rows."""
    async with StorePool(StoreSettings(dsn=dsn, application_name="replay")) as pool:
        for place in range(0, len(facts), 500):
            await apply_facts(pool, facts[place : place + 500])
        while await roll_up_job_use(pool) == AT_ONCE:
            pass
        await work_out_usage(pool)
    return await all_rows(dsn)


@dataclass(frozen=True, kw_only=True)
class Week:
    """What a stack was told in a week, and the rows that it made of it."""

    facts: list[Fact]
    rows: Mapping[str, list[str]]


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Week:
    """Let a stack watch a simulated site for a week of its time."""
    folder = tmp_path_factory.mktemp("week")
    simulator = simulated_sites(folder / "sim", names=NAME, time_scale=0, populate=True, speed=1)
    with simulator as sites:
        site = sites[NAME]
        config = {**site.config, "track_users": site.about["tracked_users"]}
        with running_stack(folder / "stack", [config]) as stack:
            for _ in range(WEEK_S // STEP_S):
                site.control("advance", seconds=STEP_S)
                time.sleep(1)
            with standing_still(stack):
                facts = asyncio.run(told(stack))
                return Week(facts=facts, rows=asyncio.run(fed(stack.owner_dsn(), [])))


async def differing(week: Week, server: DatabaseServer) -> list[str]:
    """Give the tables of a database that was fed the week and differ from the stack's."""
    async with database_on(server) as empty:
        again = await fed(empty.superuser_dsn, week.facts)
    return [
        name
        for name, rows in week.rows.items()
        if name not in NOT_FROM_FACTS and again[name] != rows
    ]


@pytest.mark.e2e
@pytest.mark.timeout(280)
async def test_a_week_that_is_told_again_comes_to_the_same_rows(
    week: Week, wheel_server: DatabaseServer
) -> None:
    assert await differing(week, wheel_server) == []
    assert len(week.rows["jobs"]) > 200
    states = {row.split(",")[3] for row in week.rows["jobs"]}
    assert len(states) > 3, states


@pytest.mark.e2e
@pytest.mark.timeout(280)
async def test_it_comes_to_the_same_rows_in_timescaledb(
    week: Week, timescale_server: DatabaseServer
) -> None:
    assert await differing(week, timescale_server) == []
