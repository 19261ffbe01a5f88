import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import psycopg
import pytest

from slurmfleet.contracts.events import JobChanged, JobStarted, JobSubmitted
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import Evidence, Job
from slurmfleet.store.migrate import shipped_migrations
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.events import (
    EventFilter,
    events_after,
    last_event_seq,
    wait_for_events,
)
from slurmfleet.store.read.health import store_health
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.retention import forget_polls
from slurmfleet.testing.builders import ALPHA, NOON, a_job, a_poll
from slurmfleet.timing.clock import SystemClock
from tests.plugins.postgres import Database

BETA = ClusterName("beta")
LONG_S = 60.0


def submitted(job: Job, cluster: ClusterName = ALPHA) -> JobSubmitted:
    return JobSubmitted(
        cluster=cluster, job=job, observed_at=NOON, revision=1, source=Evidence.QUEUE
    )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EventFilter(), ["1", "2", "3", "1"]),
        (EventFilter(clusters=(BETA,)), ["3"]),
        (EventFilter(users=("bob",)), ["2"]),
        (EventFilter(accounts=("bio",)), ["3"]),
        (EventFilter(verbs=("started",)), ["1"]),
        (EventFilter(clusters=(ALPHA,), job_id="1"), ["1", "1"]),
    ],
    ids=str,
)
async def test_filters_choose_events(
    store_writer: StorePool, store_reader: StorePool, wanted: EventFilter, expected: list[str]
):
    started = JobStarted(
        cluster=ALPHA, job=a_job("1"), observed_at=NOON, revision=2, source=Evidence.QUEUE
    )
    jobs = [
        submitted(a_job("1")),
        submitted(a_job("2", user="bob")),
        submitted(a_job("3", account="bio"), BETA),
    ]
    await apply_facts(store_writer, [*jobs, started])

    events = await events_after(store_reader, 0, wanted)

    assert [event.job_id for event in events] == expected


async def test_events_resume_after_a_number(store_writer: StorePool, store_reader: StorePool):
    await apply_facts(store_writer, [submitted(a_job(str(number))) for number in (1, 2, 3)])

    first = await events_after(store_reader, 0, limit=2)
    rest = await events_after(store_reader, first[-1].event_seq, limit=2)

    assert [event.job_id for event in (*first, *rest)] == ["1", "2", "3"]
    assert rest[-1].event_seq == await last_event_seq(store_reader)


async def woken(wakes: AsyncGenerator[None]) -> None:
    async with asyncio.timeout(5):
        await anext(wakes)


async def test_a_new_event_wakes_at_once(store_writer: StorePool, store_reader: StorePool):
    async with aclosing(wait_for_events(store_reader, clock=SystemClock(), tick_s=LONG_S)) as wakes:
        await woken(wakes)
        await apply_facts(store_writer, [submitted(a_job())])

        await woken(wakes)


async def test_what_is_already_known_wakes_nobody(store_writer: StorePool, store_reader: StorePool):
    await apply_facts(store_writer, [submitted(a_job())])
    async with aclosing(wait_for_events(store_reader, clock=SystemClock(), tick_s=LONG_S)) as wakes:
        await woken(wakes)
        await apply_facts(store_writer, [submitted(a_job()), a_poll()])

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await anext(wakes)


async def test_without_events_it_ticks(store_reader: StorePool):
    async with aclosing(wait_for_events(store_reader, clock=SystemClock(), tick_s=0.05)) as wakes:
        for _ in range(3):
            await woken(wakes)


async def test_a_lost_listener_listens_again(
    database: Database, store_writer: StorePool, store_reader: StorePool
):
    async with aclosing(wait_for_events(store_reader, clock=SystemClock(), tick_s=0.2)) as wakes:
        await woken(wakes)
        waiting = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        )
        dsn = database.superuser_dsn
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await connection.execute(waiting)
        for _ in range(4):
            await woken(wakes)
        change = JobChanged(
            cluster=ALPHA,
            job=replace(a_job(), reason="Resources"),
            observed_at=NOON,
            revision=2,
            source=Evidence.QUEUE,
            changed=("reason",),
        )
        await apply_facts(store_writer, [change])

        await woken(wakes)


async def test_the_store_says_how_it_is(store_reader: StorePool, edition: object):
    health = await store_health(store_reader, clock=SystemClock())

    assert (health.edition, health.schema_version) == (edition, len(shipped_migrations()))
    assert health.server_version.partition(".")[0] in {"15", "16", "17", "18"}
    assert 0 < health.latency_s < 5


async def test_old_polls_are_forgotten(store_writer: StorePool, database: Database):
    old, new = a_poll(), a_poll(started_at=NOON.replace(year=2027))
    await apply_facts(store_writer, [old, new])

    forgotten = await forget_polls(store_writer, before=NOON.replace(month=6))

    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as connection:
        cursor = await connection.execute("SELECT started_at FROM polls")
        kept = await cursor.fetchall()
    assert (forgotten, kept) == (1, [(new.started_at,)])
