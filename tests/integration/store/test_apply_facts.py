import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from slurmfleet.contracts.events import (
    Fact,
    JobChanged,
    JobEnded,
    JobFact,
    JobStarted,
    JobSubmitted,
    JobVanished,
    LinkState,
    PartitionCount,
)
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.store.errors import StatementError
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.events import events_after, last_event_seq
from slurmfleet.store.read.jobs import get_job
from slurmfleet.store.roles import Role
from slurmfleet.store.rows import EventView, JobView
from slurmfleet.store.write.facts import Applied, apply_facts
from slurmfleet.testing.builders import ALPHA, NOON, a_fact_of_each_kind, a_full_job, a_job, a_poll
from tests.plugins.postgres import Database

Kind = TypeVar("Kind", bound=JobFact)

SEEN = NOON + timedelta(minutes=1)
RENAMED = {"nodes": "node_count", "cpus": "cpu_count", "gpus": "gpu_count"}
TABLES = {
    "jobs": "cluster, job_id, submitted_at",
    "job_events": "event_id",
    "polls": "cluster, started_at",
    "cluster_status": "cluster",
    "partition_counts": "cluster, partition, state",
}
OWN_TO_A_RUN = {"event_seq", "recorded_at"}


def told(
    kind: type[Kind],
    job: Job,
    revision: int,
    *,
    source: Evidence = Evidence.QUEUE,
    **changed: tuple[str, ...],
) -> Kind:
    return kind(
        cluster=ALPHA,
        job=job,
        observed_at=SEEN + timedelta(seconds=revision),
        revision=revision,
        source=source,
        **changed,
    )


async def contents(database: Database) -> dict[str, list[dict[str, object]]]:
    """Give every row that facts make, without what belongs to one run."""
    found: dict[str, list[dict[str, object]]] = {}
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as connection:
        for table, key in TABLES.items():
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(f"SELECT * FROM {table} ORDER BY {key}".encode())  # noqa: S608
            found[table] = [
                {name: value for name, value in row.items() if name not in OWN_TO_A_RUN}
                for row in await cursor.fetchall()
            ]
    return found


async def empty(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as connection:
        await connection.execute(f"TRUNCATE {', '.join(TABLES)}".encode())


async def test_a_job_comes_back_with_every_field(store_writer: StorePool, store_reader: StorePool):
    job = a_full_job()

    await apply_facts(store_writer, [told(JobEnded, job, 5, source=Evidence.ACCOUNTING)])

    view = await get_job(store_reader, ALPHA, job.job_id, now=SEEN)
    same = {field.name for field in fields(Job)} & {field.name for field in fields(JobView)}
    names = {**{name: name for name in same}, **RENAMED}
    assert len(names) == len(fields(Job))
    assert {ours: getattr(view, ours) for ours in names} == {
        ours: getattr(job, theirs) for ours, theirs in names.items()
    }
    assert (view.cluster, view.source, view.observed_at, view.vanished_at, view.live) == (
        ALPHA,
        Evidence.ACCOUNTING,
        SEEN + timedelta(seconds=5),
        None,
        False,
    )


async def test_an_event_comes_back_with_every_field(
    store_writer: StorePool, store_reader: StorePool
):
    fact = told(JobChanged, a_full_job(), 5, changed=("reason", "time_limit_s"))

    applied = await apply_facts(store_writer, [fact])

    (event,) = await events_after(store_reader, 0)
    assert event == EventView(
        event_seq=applied.last_event_seq,
        event_id=fact.fact_id,
        cluster=ALPHA,
        job_id=fact.job.job_id,
        submitted_at=NOON,
        restart_count=3,
        verb="changed",
        state=JobState.OUT_OF_MEMORY,
        reason="OutOfMemory",
        source=Evidence.QUEUE,
        occurred_at=fact.observed_at,
        observed_at=fact.observed_at,
        recorded_at=event.recorded_at,
        revision=5,
        changed=("reason", "time_limit_s"),
        job_name=fact.job.name,
        user="alice",
        account="ml",
    )


async def test_a_batch_says_what_it_did(store_writer: StorePool):
    facts = a_fact_of_each_kind()

    first = await apply_facts(store_writer, [*facts, facts[0]])
    again = await apply_facts(store_writer, facts)

    assert first == Applied(
        jobs=1, job_events=5, polls=1, samples=10, duplicates=1, last_event_seq=5
    )
    assert again == Applied(duplicates=16)


async def test_nothing_to_do_asks_nothing(database: Database):
    assert await apply_facts(StorePool(database.settings(Role.WRITER)), []) == Applied()


async def test_events_are_numbered_in_the_order_of_the_batch(
    store_writer: StorePool, store_reader: StorePool
):
    facts = [told(JobSubmitted, a_job(str(number)), 1) for number in range(200, 100, -1)]

    await apply_facts(store_writer, facts)

    events = await events_after(store_reader, 0, limit=1_000)
    assert [event.job_id for event in events] == [fact.job.job_id for fact in facts]


async def test_text_with_nul_is_stored_without_it(store_writer: StorePool, store_reader: StorePool):
    job = a_job(name="a\x00b", state_flags=("X\x00",), gpus_by_type={"h\x00": 1})
    counts = (PartitionCount(partition="p\x00", state=JobState.RUNNING, jobs=1, gpus=1),)
    poll = a_poll(error="bad\x00", population=counts)

    await apply_facts(store_writer, [told(JobSubmitted, job, 1), poll])

    view = await get_job(store_reader, ALPHA, job.job_id, now=SEEN)
    assert (view.name, view.state_flags, view.gpus_by_type) == (
        "a\ufffdb",
        ("X\ufffd",),
        {"h\ufffd": 1},
    )


async def test_a_fact_that_cannot_be_stored_leaves_the_batch_unstored(
    store_writer: StorePool, store_reader: StorePool
):
    good, bad = (
        told(JobSubmitted, a_job("1"), 1),
        told(JobSubmitted, a_job("2", cpu_count=2**40), 1),
    )

    with pytest.raises(StatementError, match="out of range"):
        await apply_facts(store_writer, [good, bad])

    assert await last_event_seq(store_reader) == 0


async def test_a_vanished_job_that_comes_back_is_not_vanished(
    store_writer: StorePool, store_reader: StorePool
):
    gone = told(JobVanished, a_job(state=JobState.VANISHED), 2)
    await apply_facts(store_writer, [told(JobSubmitted, a_job(), 1), gone])
    vanished = await get_job(store_reader, ALPHA, a_job().job_id, now=SEEN)

    await apply_facts(store_writer, [told(JobEnded, a_job(state=JobState.COMPLETED), 3)])

    ended = await get_job(store_reader, ALPHA, a_job().job_id, now=SEEN)
    assert (vanished.vanished_at, ended.vanished_at) == (gone.observed_at, None)


@pytest.mark.parametrize("state", list(JobState))
async def test_live_is_what_is_neither_over_nor_vanished(
    store_writer: StorePool, store_reader: StorePool, state: JobState
):
    await apply_facts(store_writer, [told(JobSubmitted, a_job(state=state), 1)])

    view = await get_job(store_reader, ALPHA, a_job().job_id, now=SEEN)
    assert view.live is not (state.is_terminal or state is JobState.VANISHED)


@pytest.mark.timeout(60)
async def test_two_writers_at_once_store_everything_once_and_in_order(
    database: Database, store_reader: StorePool
):
    facts = [told(JobSubmitted, a_job(str(number)), 1) for number in range(1, 201)]
    batches = [facts[at : at + 20] for at in range(0, 200, 20)]
    seen: list[int] = []

    async def write(pool: StorePool, work: Sequence[Sequence[Fact]]) -> None:
        for batch in work:
            await apply_facts(pool, batch)

    async def follow() -> None:
        newest = 0
        while len(seen) < len(facts):
            events = await events_after(store_reader, newest, limit=1_000)
            seen.extend(event.event_seq for event in events)
            newest = max([newest, *seen])

    writer = database.settings(Role.WRITER)
    async with StorePool(writer) as one, StorePool(writer) as two, asyncio.TaskGroup() as group:
        group.create_task(follow())
        group.create_task(write(one, batches))
        group.create_task(write(two, list(reversed(batches))))

    stored = await events_after(store_reader, 0, limit=1_000)
    assert seen == [event.event_seq for event in stored]
    assert len({event.event_id for event in stored}) == len(facts)


@dataclass(frozen=True)
class Story:
    """Facts in the order in which they happened."""

    facts: tuple[Fact, ...]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    facts: list[Fact] = []
    for number in range(draw(st.integers(1, 3))):
        job = a_job(str(number + 1))
        kinds = draw(st.lists(st.sampled_from([JobStarted, JobEnded, JobVanished]), unique=True))
        states = draw(st.lists(st.sampled_from(JobState), min_size=5, max_size=5))
        changes = draw(st.integers(0, 2))
        facts.append(told(JobSubmitted, job, 1))
        for revision in range(2, 2 + changes):
            changed = replace(job, reason=f"because {revision}", state=states[revision])
            facts.append(told(JobChanged, changed, revision, changed=("reason",)))
        facts += [
            told(kind, replace(job, state=state), 10 + place)
            for place, (kind, state) in enumerate(zip(kinds, states, strict=False))
        ]
    for minute in draw(st.lists(st.integers(0, 9), unique=True, max_size=5)):
        facts.append(draw(poll_at(NOON + timedelta(minutes=minute))))
    return Story(tuple(facts))


@st.composite
def poll_at(draw: st.DrawFn, started_at: datetime):
    link = draw(st.sampled_from([LinkState.OK, LinkState.TIMED_OUT]))
    good = draw(st.booleans()) and link is LinkState.OK
    count = PartitionCount(
        partition="batch", state=JobState.RUNNING, jobs=draw(st.integers(0, 9)), gpus=1
    )
    changes: dict[str, object] = {} if good else {"sections": (), "population": None}
    return a_poll(
        started_at=started_at,
        finished_at=started_at + timedelta(seconds=2),
        link=link,
        **{"population": (count,), **changes},
    )


@pytest.mark.timeout(120)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), stories())
async def test_facts_may_come_in_any_order_in_any_batches_and_repeatedly(
    database: Database, data: st.DataObject, story: Story
):
    again = data.draw(st.lists(st.sampled_from(story.facts), max_size=4))
    shuffled = data.draw(st.permutations([*story.facts, *again]))
    cut = data.draw(st.integers(0, len(shuffled)))

    async with StorePool(database.settings(Role.WRITER)) as pool:
        await empty(database)
        for fact in story.facts:
            await apply_facts(pool, [fact])
        in_order = await contents(database)
        await empty(database)
        for batch in (shuffled[:cut], shuffled[cut:]):
            await apply_facts(pool, batch)
        in_any_order = await contents(database)

    assert in_any_order == in_order
