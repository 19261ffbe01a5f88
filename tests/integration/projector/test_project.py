"""Facts from a real bus into a real store: nothing lost, nothing twice, nothing blocked."""

import hashlib
import math
from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg import sql

from slurmfleet.contracts.codec import encode
from slurmfleet.contracts.events import Fact, JobSubmitted
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import Evidence
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.streams import DEAD_LETTERS, PROJECTOR, ConsumerSpec
from slurmfleet.contracts.use import GpuSampled
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.testing.builders import ALPHA, NOON, a_fact_of_each_kind, a_job, a_poll
from slurmfleet.testing.samples import filled
from tests.plugins.services import Fleet, eventually, log_lines, wire_to

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

JOBS = sql.SQL("SELECT count(*) FROM jobs")
EVENTS = sql.SQL("SELECT count(*) FROM job_events")
POLLS = sql.SQL("SELECT count(*) FROM polls")
DEAD = ConsumerSpec(
    durable="reader",
    stream=DEAD_LETTERS.name,
    filter_subjects=DEAD_LETTERS.subjects,
    ack_wait_s=60,
    max_ack_pending=10,
)


def submissions(count: int, *, first: int = 1) -> list[Fact]:
    return [
        JobSubmitted(
            cluster=ALPHA,
            job=a_job(str(one)),
            observed_at=NOON + timedelta(minutes=1),
            revision=one,
            source=Evidence.QUEUE,
        )
        for one in range(first, first + count)
    ]


async def has(fleet: Fleet, query: sql.SQL, count: int) -> None:
    async def look() -> bool:
        return await fleet.count(query) == count

    await eventually(look, otherwise=fleet.running[-1].log.read_text)


async def acknowledged(fleet: Fleet, *, limit_s: float = 15) -> None:
    consumer = await fleet.bus.consumer(PROJECTOR)

    async def look() -> bool:
        return await consumer.pending() == 0

    await eventually(look, limit_s=limit_s)


async def test_every_kind_of_fact_becomes_rows(fleet: Fleet):
    await fleet.start("projector")

    await fleet.tell(a_fact_of_each_kind())

    await has(fleet, EVENTS, 5)
    assert (await fleet.count(JOBS), await fleet.count(POLLS)) == (1, 1)
    await acknowledged(fleet)


async def test_what_was_told_before_the_start_is_projected(fleet: Fleet):
    await fleet.tell(submissions(2_500))

    await fleet.start("projector")

    await has(fleet, JOBS, 2_500)


async def test_poison_goes_to_the_dead_letters_and_the_rest_goes_through(fleet: Fleet):
    (good,) = encode(submissions(1), source="/collector/alpha")
    undecodable = replace(good, body=b"\xff\xff", headers={**good.headers, "Nats-Msg-Id": "bad"})
    absurd = submissions(3, first=10)
    endless = "1_" + "".join(hashlib.sha512(bytes([one])).hexdigest() for one in range(100))
    absurd[1] = JobSubmitted(
        cluster=ALPHA,
        job=a_job(job_id=endless),
        observed_at=NOON,
        revision=1,
        source=Evidence.QUEUE,
    )
    await fleet.bus.publish(undecodable)
    await fleet.tell(absurd)
    await fleet.tell(submissions(2, first=20))

    service = await fleet.start("projector")

    await has(fleet, JOBS, 4)
    reader = await fleet.bus.consumer(DEAD)
    letters = [one.message for one in await reader.fetch(10, 5)]
    letters += [one.message for one in await reader.fetch(10, 1)]
    reasons = [one.headers["Slurmfleet-Dead-Reason"] for one in letters]
    assert len(reasons) == 2, reasons
    assert reasons[0].startswith("UndecodableMessageError: ")
    assert reasons[1].startswith("1 of 3 facts refused (")
    assert [line["event"] for line in log_lines(service)].count("message put aside") == 2


async def test_a_bus_that_dies_and_comes_back_is_waited_for(fleet: Fleet):
    await fleet.start("projector")
    await fleet.tell(submissions(1))
    await has(fleet, JOBS, 1)

    await fleet.nats.kill()
    await fleet.nats.start()
    await fleet.tell(submissions(1, first=2))

    await has(fleet, JOBS, 2)


async def test_a_store_without_a_schema_is_waited_for(fleet: Fleet):
    await fleet.tell(submissions(3))
    async with fleet.superuser() as connection:
        await connection.execute("ALTER TABLE schema_migrations RENAME TO not_yet")
        await connection.execute("ALTER TABLE jobs RENAME TO jobs_not_yet")
        service = await fleet.start("projector", ready=False)
        await eventually(lambda: "waiting for the store" in service.log.read_text())
        await connection.execute("ALTER TABLE jobs_not_yet RENAME TO jobs")
        await connection.execute("ALTER TABLE not_yet RENAME TO schema_migrations")

    await service.ready()

    await has(fleet, JOBS, 3)
    reader = await fleet.bus.consumer(DEAD)
    assert list(await reader.fetch(10, 0.2)) == []


@pytest.mark.timeout(PROJECTOR.ack_wait_s + 60)
async def test_a_kill_between_commit_and_acknowledgement_doubles_nothing(fleet: Fleet):
    """Hold the projector inside its transaction, cut it off the bus, let it commit, kill it."""
    async with wire_to(fleet.nats.options.port) as wire:
        url = f"nats://127.0.0.1:{wire.port}"
        projector = await fleet.start("projector", SLURMFLEET_BUS_URL=url)
        async with fleet.superuser() as connection, connection.transaction():
            await connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
            await fleet.tell(submissions(50))
            await has(fleet, sql.SQL("SELECT count(*) FROM pg_locks WHERE NOT granted"), 1)
            wire.cut = True
        await has(fleet, JOBS, 50)
        await projector.kill()
    consumer = await fleet.bus.consumer(PROJECTOR)
    unacknowledged = await consumer.pending()

    await fleet.start("projector")

    assert unacknowledged == 1
    await acknowledged(fleet, limit_s=PROJECTOR.ack_wait_s + 15)
    assert (await fleet.count(JOBS), await fleet.count(EVENTS)) == (50, 50)


async def test_a_stop_is_clean_and_quick(fleet: Fleet):
    projector = await fleet.start("projector")

    assert await projector.stop(limit_s=8) == 0


async def test_the_registry_is_projected_and_removals_while_nobody_watched(fleet: Fleet):
    registry = ClusterRegistry(fleet.bus)
    configured = sql.SQL("SELECT count(*) FROM clusters WHERE removed_at IS NULL")
    await registry.add_cluster(ClusterConfig(name=ALPHA, host="a"))
    first = await fleet.start("projector")
    await has(fleet, configured, 1)
    await registry.add_cluster(ClusterConfig(name=ClusterName("beta"), host="b"))
    await has(fleet, configured, 2)
    await fleet.tell([a_poll()])
    await first.kill()

    await registry.remove_cluster(ALPHA)
    await fleet.start("projector")

    await has(fleet, configured, 1)
    assert await fleet.count(sql.SQL("SELECT count(*) FROM clusters")) == 2


async def test_absurd_samples_go_to_the_dead_letters_and_the_others_are_kept(fleet: Fleet):
    samples = [
        filled(GpuSampled, observed_at=NOON + timedelta(seconds=step), utilization_pct=50)
        for step in range(6)
    ]
    samples[1] = replace(samples[1], utilization_pct=math.nan)
    samples[4] = replace(samples[4], memory_used_mib=2**40)
    await fleet.tell(samples)
    await fleet.tell([filled(GpuSampled, observed_at=NOON - timedelta(days=1), node="\x00")])

    await fleet.start("projector")

    await has(fleet, sql.SQL("SELECT count(*) FROM gpu_samples"), 5)
    reader = await fleet.bus.consumer(DEAD)
    (dead,) = await reader.fetch(10, 5)
    assert "2 of 6 facts refused" in dead.message.headers["Slurmfleet-Dead-Reason"]
    await acknowledged(fleet)
