"""Tables are made again from the stream: what was hurt is mended, what is right is left alone."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import pytest

from services.projector.rebuilding import Rebuilder
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.codec import encode
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.events import Fact, JobEnded, JobStarted, JobSubmitted
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.contracts.rebuilds import (
    Corrected,
    Phase,
    Projection,
    RebuildReport,
    RebuildRequest,
)
from slurmfleet.contracts.streams import BUCKETS, FACTS, STREAMS
from slurmfleet.store.pool import StorePool
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.rebuild import open_rebuild
from slurmfleet.store.write.usage import work_out_usage
from slurmfleet.testing.builders import ALPHA, a_job
from slurmfleet.timing.clock import SystemClock
from tests.harness.tables import all_rows
from tests.plugins.postgres import Database

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

CLOCK = SystemClock()
Told = JobSubmitted | JobStarted | JobEnded
JOBS = 300
MENDED = ("jobs", "job_events", "ended_runs", "usage_daily")


def lives(first: int, count: int, *, at: datetime) -> list[Told]:
    """Give what is told of jobs that begin and end."""
    told: list[Told] = []
    for number in range(first, first + count):
        steps = ((JobSubmitted, JobState.PENDING), (JobStarted, JobState.RUNNING))
        for revision, (kind, state) in enumerate((*steps, (JobEnded, JobState.COMPLETED)), 1):
            over = {"ended_at": at, "exit_code": 0} if state.is_terminal else {}
            job = a_job(str(number), submitted_at=at, state=state, **over)
            told.append(
                kind(
                    cluster=ALPHA,
                    job=job,
                    observed_at=at + timedelta(seconds=revision),
                    revision=revision,
                    source=Evidence.QUEUE,
                )
            )
    return told


class Stream:
    """A stream of facts and a store that was fed from it."""

    def __init__(self, pool: StorePool, database: Database) -> None:
        self.pool = pool
        self.database = database
        self.bus = MemoryBus(CLOCK)
        self.lost = 0

    async def tell(self, facts: Sequence[Fact], *, stored: bool = True) -> None:
        await self.bus.publish_many(list(encode(facts, source="/collector/test")))
        if stored:
            await apply_facts(self.pool, facts)

    async def rows(self) -> dict[str, list[str]]:
        await work_out_usage(self.pool)
        found = await all_rows(self.database.superuser_dsn)
        return {name: found[name] for name in MENDED}

    async def hurt(self, *commands: bytes) -> None:
        dsn = self.database.superuser_dsn
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            for command in commands:
                assert (await connection.execute(command)).rowcount > 0

    def rebuilder(self) -> Rebuilder:
        async def count_lost(_since: datetime) -> int:
            return self.lost

        return Rebuilder(
            bus=self.bus,
            open_rebuild=partial(open_rebuild, self.pool),
            count_lost=count_lost,
            clock=CLOCK,
        )

    async def rebuild(self, *, prune: bool = False) -> dict[str, Corrected]:
        report = await self.report(prune=prune)
        assert (report.error, report.phase) == ("", Phase.DONE)
        return {one.table: one for one in report.tables}

    async def report(self, *, prune: bool = False) -> RebuildReport:
        rebuilder = self.rebuilder()
        request = RebuildRequest(projection=Projection.JOBS, prune=prune)
        await rebuilder.handle(Message(subject="x", body=request.model_dump_json().encode()))
        return await rebuilder.rebuild(request)


@pytest.fixture
async def stream(store_writer: StorePool, database: Database) -> Stream:
    made = Stream(store_writer, database)
    await made.bus.prepare(streams=STREAMS, buckets=BUCKETS)
    return made


async def told(stream: Stream) -> dict[str, list[str]]:
    """Tell of jobs, well within what the stream holds, and give the rows that came of it."""
    await stream.tell(lives(1, JOBS, at=datetime.now(UTC) + timedelta(minutes=1)))
    return await stream.rows()


async def test_a_sound_store_is_left_as_it_is(stream: Stream):
    rows = await told(stream)

    found = await stream.rebuild()

    assert await stream.rows() == rows
    assert found["jobs"] == Corrected(table="jobs", checked=JOBS)
    assert found["job_events"] == Corrected(table="job_events", checked=3 * JOBS)


async def test_rows_that_were_changed_or_lost_come_back(stream: Stream):
    rows = await told(stream)
    await stream.hurt(
        b"UPDATE jobs SET state = 'RUNNING', ended_at = NULL, name = 'no' WHERE job_id = '7'",
        b"UPDATE job_events SET state = 'FAILED' WHERE job_id = '8' AND verb = 'ended'",
        b"DELETE FROM jobs WHERE job_id IN ('9', '10')",
        b"DELETE FROM job_events WHERE job_id = '11'",
        b"UPDATE ended_runs SET gpu_count = 99 WHERE job_id = '12'",
        b"DELETE FROM ended_runs WHERE job_id = '13'",
        b"DELETE FROM usage_daily",
    )

    found = await stream.rebuild()

    assert await stream.rows() == rows
    assert (found["jobs"].mended, found["jobs"].added) == (1, 2)
    assert (found["job_events"].mended, found["job_events"].added) == (1, 3)
    assert (found["ended_runs"].mended, found["ended_runs"].added) == (1, 1)


async def test_an_emptied_store_is_filled_again(stream: Stream):
    rows = await told(stream)
    await stream.hurt(b"DELETE FROM job_events", b"DELETE FROM jobs")

    await stream.rebuild()

    assert await stream.rows() == rows


async def test_what_nothing_explains_is_told_and_goes_on_request_alone(stream: Stream):
    rows = await told(stream)
    await apply_facts(stream.pool, lives(9_000, 2, at=datetime.now(UTC) + timedelta(hours=1)))

    found = [await stream.rebuild(), await stream.rebuild(prune=True), await stream.rebuild()]

    assert [one["jobs"].unexplained for one in found] == [2, 2, 0]
    assert [one["job_events"].unexplained for one in found] == [6, 6, 0]
    assert [one["ended_runs"].unexplained for one in found] == [2, 2, 0]
    assert [one["jobs"].removed for one in found] == [0, 2, 0]
    assert await stream.rows() == rows


async def test_what_is_older_than_the_stream_stays(stream: Stream):
    await apply_facts(stream.pool, lives(9_000, 2, at=datetime.now(UTC) - timedelta(days=40)))
    await told(stream)
    rows = await stream.rows()

    found = await stream.rebuild(prune=True)

    assert await stream.rows() == rows
    assert (found["jobs"].kept, found["job_events"].kept) == (2, 6)
    assert (found["jobs"].unexplained, found["jobs"].removed) == (0, 0)


async def test_an_empty_stream_removes_nothing(stream: Stream):
    await apply_facts(stream.pool, lives(1, 3, at=datetime.now(UTC) - timedelta(minutes=1)))
    rows = await stream.rows()

    found = await stream.rebuild(prune=True)

    assert await stream.rows() == rows
    assert found["jobs"].kept == 3


async def test_a_stream_with_losses_prunes_nothing(stream: Stream):
    await told(stream)
    await apply_facts(stream.pool, lives(9_000, 2, at=datetime.now(UTC) + timedelta(hours=1)))
    rows = await stream.rows()
    stream.lost = 5

    refused = await stream.report(prune=True)
    mended = await stream.report()

    assert refused.phase is Phase.FAILED
    assert "the stream has lost 5 messages" in refused.error
    assert (mended.phase, mended.lost_messages) == (Phase.DONE, 5)
    assert await stream.rows() == rows


async def test_the_ingest_goes_on_meanwhile(stream: Stream):
    """What is told while the stream is read is neither lost nor taken for unexplained."""
    await told(stream)
    dice = random.Random(7)  # noqa: S311  no secret
    await stream.hurt(b"UPDATE jobs SET name = 'no' WHERE job_id::integer % 3 = 0")
    over = asyncio.Event()

    async def ingest() -> int:
        number = 20_000
        while not over.is_set():
            number += 3
            await stream.tell(lives(number, 3, at=datetime.now(UTC)))
            await asyncio.sleep(dice.random() / 100)
        return number

    async with asyncio.TaskGroup() as group:
        ingesting = group.create_task(ingest())
        found = [await stream.rebuild(prune=True) for _ in range(3)]
        over.set()
    everything = await stream.rebuild()

    assert ingesting.result() > 20_003
    assert [one["jobs"].unexplained for one in found] == [0, 0, 0]
    assert found[0]["jobs"].mended >= JOBS // 3
    assert (everything["jobs"].mended, everything["jobs"].added) == (0, 0)
    assert everything["job_events"].mended == 0


async def test_a_second_rebuild_at_once_is_refused(stream: Stream):
    await told(stream)

    async with open_rebuild(stream.pool):
        report = await stream.report()

    assert (report.phase, report.error) == (Phase.FAILED, "Another rebuild goes on.")
    assert (await stream.rebuild())["jobs"].checked == JOBS


async def test_a_session_that_dies_leaves_nothing_behind(stream: Stream):
    rows = await told(stream)
    names = set(await all_rows(stream.database.superuser_dsn))

    async with open_rebuild(stream.pool) as tables:
        await tables.write(lives(1, 5, at=datetime.now(UTC)))

    assert set(await all_rows(stream.database.superuser_dsn)) == names
    assert await stream.rows() == rows


async def test_messages_that_cannot_be_read_are_counted(stream: Stream):
    await told(stream)
    subject = FACTS.subjects[0].replace("*", "alpha", 1).replace("*", "ended")
    await stream.bus.publish(Message(subject=subject, body=b"\xff", headers={"Nats-Msg-Id": "x"}))

    report = await stream.report()

    assert (report.phase, report.unusable, report.facts) == (Phase.DONE, 1, 3 * JOBS)
