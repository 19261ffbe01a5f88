"""A search gives what a look at every row gives, however it is cut into pages and steps."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from slurmfleet.contracts.events import JobEnded, JobStarted
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.cursors import JobPlace, job_cursor, read_job_cursor
from slurmfleet.store.read.jobs import JobFilter, list_jobs
from slurmfleet.store.read.search import SearchLimits
from slurmfleet.store.rows import JobView
from slurmfleet.store.write.clusters import upsert_cluster
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, NOON, a_job
from slurmfleet.testing.clock import ManualClock
from tests.plugins.postgres import Database

BETA = ClusterName("beta")
NOW = NOON + timedelta(days=2)
MINUTE = timedelta(minutes=1)
JOBS = 240
READING = job_cursor(
    JobPlace(
        submitted_at=datetime(9000, 1, 1, tzinfo=UTC),
        cluster=ClusterName(""),
        job_id=JobId(""),
        is_reading=True,
    )
)
"""Where a search goes on whose first page found no index in time."""


class Hurried(ManualClock):
    """A clock by which every step takes an hour."""

    def monotonic_s(self) -> float:
        """Give a later moment each time."""
        self.advance(3_600)
        return super().monotonic_s()


@pytest.fixture
async def crowd(store_writer: StorePool) -> None:
    """Store jobs of two clusters, five to a moment, a few live, the old ones named apart."""
    for revision, name in enumerate((ALPHA, BETA), start=1):
        config = ClusterConfig(name=name, host="login")
        await upsert_cluster(store_writer, config, revision=revision, now=NOON)
    await apply_facts(
        store_writer,
        [
            (JobStarted if number % 17 == 0 else JobEnded)(
                cluster=(ALPHA, BETA)[number % 2],
                job=a_job(
                    str(1_000 + number),
                    name=("old%_" if number < 40 else "new") + ("x", "y", "zz")[number % 3],
                    user=("alice", "bob")[number % 5 == 0],
                    submitted_at=NOON + number // 5 * MINUTE,
                    state=JobState.RUNNING if number % 17 == 0 else JobState.COMPLETED,
                ),
                observed_at=NOON,
                revision=1,
                source=Evidence.QUEUE,
            )
            for number in range(JOBS)
        ],
    )


async def searched(
    pool: StorePool,
    wanted: JobFilter,
    *,
    limit: int,
    after: str | None = None,
    clock: ManualClock | None = None,
    limits: SearchLimits | None = None,
) -> tuple[list[JobView], int]:
    """Follow a search to its end; give what it found and how many pages were short."""
    found: list[JobView] = []
    short = 0
    while True:
        page = await list_jobs(
            pool,
            wanted,
            now=NOW,
            after=after,
            limit=limit,
            clock=clock or ManualClock(),
            search_limits=limits or SearchLimits(at_once_ms=10_000),
        )
        assert len(page.items) <= limit
        assert (page.searched_back_to is None) or (page.next_cursor and len(page.items) <= limit)
        found += page.items
        short += page.searched_back_to is not None
        if page.next_cursor is None:
            return found, short
        after = page.next_cursor


QUESTIONS = [
    JobFilter(q="old"),
    JobFilter(q="old%_"),
    JobFilter(q="zz"),
    JobFilter(q="z"),
    JobFilter(q="NEW", users=("bob",)),
    JobFilter(q="new", live=True),
    JobFilter(q="new", live=False, clusters=(BETA,)),
    JobFilter(q="10", since=NOON + 3 * MINUTE, until=NOON + 30 * MINUTE),
    JobFilter(q="x", until=NOON + 4 * MINUTE),
    JobFilter(q="x", since=NOON + 44 * MINUTE),
    JobFilter(q="nobody has this"),
]


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("wanted", QUESTIONS, ids=str)
async def test_reading_step_by_step_finds_what_the_filter_lets_through(
    store_reader: StorePool, wanted: JobFilter
):
    everybody = (await list_jobs(store_reader, now=NOW, limit=1_000)).items
    expected = [job.job_id for job in everybody if fits(job, wanted)]
    at_once, _ = await searched(store_reader, wanted, limit=7)

    for limit, first_step in ((1, 1), (7, 10), (30, 64), (1_000, 5_000)):
        limits = SearchLimits(first_step=first_step)
        read, _ = await searched(store_reader, wanted, limit=limit, after=READING, limits=limits)
        assert [job.job_id for job in read] == expected

    assert [job.job_id for job in at_once] == expected


def fits(job: JobView, wanted: JobFilter) -> bool:
    """Say what the filter means, in the plainest words."""
    return (
        (wanted.q.lower() in job.name.lower() or wanted.q in job.job_id)
        and (not wanted.users or job.user in wanted.users)
        and (not wanted.clusters or job.cluster in wanted.clusters)
        and (wanted.live is None or job.live is wanted.live)
        and (wanted.since is None or job.submitted_at >= wanted.since)
        and (wanted.until is None or job.submitted_at < wanted.until)
    )


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("first_step", [1, 4, 5, 33])
async def test_a_search_without_time_gives_short_pages_that_go_on(
    store_reader: StorePool, first_step: int
):
    limits = SearchLimits(first_step=first_step)
    found, short = await searched(
        store_reader,
        JobFilter(q="old"),
        limit=30,
        after=READING,
        clock=Hurried(),
        limits=limits,
    )

    assert len(found) == len({job.job_id for job in found}) == 40
    # Five jobs share a moment, and a step never ends within one.
    assert short >= (JOBS - 40) // (first_step + 5) - 1


@pytest.mark.usefixtures("crowd")
async def test_a_short_page_says_how_far_it_has_looked(store_reader: StorePool):
    page = await list_jobs(
        store_reader,
        JobFilter(q="old"),
        now=NOW,
        after=READING,
        clock=Hurried(),
        search_limits=SearchLimits(first_step=100),
    )

    everybody = (await list_jobs(store_reader, now=NOW, limit=1_000)).items
    assert page.items == ()
    assert page.searched_back_to == everybody[99].submitted_at
    assert page.next_cursor is not None


@pytest.mark.usefixtures("crowd")
async def test_what_no_index_finds_in_time_is_read_instead(
    store_reader: StorePool, database: Database
):
    """Somebody holds the table, so the first way takes too long; the second one waits for it."""
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as holder:
        await holder.execute(sql.SQL("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
        search = asyncio.create_task(
            list_jobs(
                store_reader,
                JobFilter(q="old"),
                now=NOW,
                limit=10,
                search_limits=SearchLimits(at_once_ms=50),
            )
        )
        await asyncio.sleep(0.5)
        waited = not search.done()
        await holder.rollback()
        page = await search

    assert waited
    assert [job.job_id for job in page.items][:2] == ["1036", "1038"]
    assert page.next_cursor is not None
    assert read_job_cursor(page.next_cursor).is_reading


@pytest.mark.usefixtures("crowd")
async def test_the_limit_of_one_search_holds_for_no_later_statement(store_reader: StorePool):
    for _ in range(store_reader.settings.max_connections + 1):
        await list_jobs(
            store_reader,
            JobFilter(q="old"),
            now=NOW,
            search_limits=SearchLimits(at_once_ms=10_000),
        )
    async with store_reader.connection("look") as connection:
        cursor = await connection.execute(sql.SQL("SHOW statement_timeout"))
        assert await cursor.fetchone() == ("10s",)
