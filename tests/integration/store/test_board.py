"""What is over stays on the board until somebody puts it away, and then stays away."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from slurmfleet.contracts.board import (
    BoardGroup,
    CleanupRequest,
    ClearRequest,
    Mark,
    MarkRequest,
    NamedJob,
)
from slurmfleet.contracts.events import JobChanged, JobEnded, JobSubmitted
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.board import (
    BoardFilter,
    CleanupFilter,
    count_cleanup,
    list_board,
    list_cleanup,
)
from slurmfleet.store.read.jobs import JobFilter, list_jobs
from slurmfleet.store.write.board import clear_board, forget_pins, mark_jobs, remove_history
from slurmfleet.store.write.clusters import remove_cluster, upsert_cluster
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.rebuild import JOBS, open_rebuild
from slurmfleet.testing.builders import ALPHA, NOON, a_job

BETA = ClusterName("beta")
NOW = NOON + timedelta(days=1)
WHOLE = BoardFilter()
FAILED, COMPLETED, CANCELLED = BoardGroup.FAILED, BoardGroup.COMPLETED, BoardGroup.CANCELLED


def told(
    job_id: str,
    state: JobState,
    *,
    cluster: ClusterName = ALPHA,
    ended_at: datetime | None = NOON,
    revision: int = 1,
    **changes: object,
) -> JobSubmitted:
    """Give the fact that shows a job for the first time, however it stands by then."""
    job = a_job(job_id, state=state, ended_at=ended_at, **changes)
    return JobSubmitted(
        cluster=cluster,
        job=job,
        observed_at=ended_at or NOON,
        revision=revision,
        source=Evidence.QUEUE,
    )


@pytest.fixture
async def site(store_writer: StorePool) -> None:
    """Store two clusters with jobs that ended in every way, and one that goes on."""
    for revision, name in enumerate((ALPHA, BETA), start=1):
        config = ClusterConfig(name=name, host="login")
        await upsert_cluster(store_writer, config, revision=revision, now=NOON)
    minute = timedelta(minutes=1)
    facts = [
        told("1", JobState.COMPLETED, user="ada"),
        told("2", JobState.FAILED, ended_at=NOON + minute, user="ada"),
        told("3", JobState.CANCELLED, ended_at=NOON + 2 * minute, user="ada"),
        told("4", JobState.TIMEOUT, ended_at=NOON + 3 * minute, user="bob"),
        told("5", JobState.VANISHED, cluster=BETA, ended_at=None, user="bob"),
        told("6", JobState.RUNNING, cluster=BETA, ended_at=None, user="bob"),
        told("7", JobState.OUT_OF_MEMORY, cluster=BETA, ended_at=NOON - 20 * 24 * 60 * minute),
    ]
    await apply_facts(store_writer, facts)


async def ids(pool: StorePool, wanted: BoardFilter = WHOLE, *, now: datetime = NOW) -> list[str]:
    page = await list_board(pool, wanted, now=now, after=None, limit=100)
    return [view.job.job_id for view in page.items]


async def clear(pool: StorePool, *groups: BoardGroup, **wanted: Sequence[str]) -> int:
    request = ClearRequest.model_validate({"groups": groups, "seen_until": NOW, **wanted})
    return len((await clear_board(pool, request)).jobs)


async def mark(pool: StorePool, mark: Mark, cluster: str, *job_ids: str) -> dict[str, str]:
    jobs = tuple(NamedJob(cluster=cluster, job_id=one) for one in job_ids)
    request = MarkRequest(mark=mark, jobs=jobs, by="ada", reason="look at it")
    return (await mark_jobs(pool, request, now=NOW)).refused


@pytest.mark.usefixtures("site")
async def test_it_shows_what_is_over_the_latest_end_first(store_writer: StorePool):
    assert await ids(store_writer) == ["4", "3", "2", "1", "5"]
    assert await ids(store_writer, BoardFilter(days=30)) == ["4", "3", "2", "1", "5", "7"]
    assert await ids(store_writer, BoardFilter(groups=(FAILED,))) == ["4", "2", "5"]
    assert await ids(store_writer, BoardFilter(groups=(CANCELLED,))) == ["3"]
    assert await ids(store_writer, BoardFilter(clusters=(BETA,))) == ["5"]
    assert await ids(store_writer, BoardFilter(users=("ada",))) == ["3", "2", "1"]


@pytest.mark.usefixtures("site")
async def test_pages_join_without_gap_or_repetition(store_writer: StorePool):
    await mark(store_writer, Mark.PINNED, BETA, "6", "7")
    found: list[str] = []
    cursor = None
    while True:
        page = await list_board(store_writer, WHOLE, now=NOW, after=cursor, limit=2)
        found += [view.job.job_id for view in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == ["6", "4", "3", "2", "1", "5", "7"]


@pytest.mark.usefixtures("site")
async def test_what_is_put_away_stays_away_whatever_is_told_of_it_again(store_writer: StorePool):
    assert await clear(store_writer, FAILED) == 4
    assert await clear(store_writer, FAILED) == 0

    job = a_job("2", state=JobState.FAILED, ended_at=NOON + timedelta(seconds=50), exit_code=3)
    later = JobEnded(
        cluster=ALPHA,
        job=job,
        observed_at=NOW + timedelta(hours=1),
        revision=9,
        source=Evidence.ACCOUNTING,
    )
    await apply_facts(store_writer, [told("4", JobState.TIMEOUT), later])

    assert await ids(store_writer) == ["3", "1"]
    assert await ids(store_writer, BoardFilter(dismissed=True)) == ["4", "2", "5"]
    history = await list_jobs(store_writer, JobFilter(live=False), now=NOW)
    assert len(history.items) == 6


@pytest.mark.usefixtures("site")
async def test_only_what_is_meant_is_put_away(store_writer: StorePool):
    assert await clear(store_writer, FAILED, users=["ada"]) == 1
    assert await clear(store_writer, FAILED, CANCELLED, clusters=[BETA]) == 2
    assert await ids(store_writer, BoardFilter(days=30)) == ["4", "3", "1"]


@pytest.mark.usefixtures("site")
async def test_a_later_run_and_a_job_that_got_the_same_id_are_shown_again(store_writer: StorePool):
    await clear(store_writer, FAILED)
    again = told("2", JobState.RUNNING, ended_at=None, restart_count=1, revision=10)
    await apply_facts(store_writer, [again])
    assert await ids(store_writer) == ["3", "1"]

    ended = JobEnded(
        cluster=ALPHA,
        job=replace(again.job, state=JobState.FAILED, ended_at=NOON + timedelta(hours=1)),
        observed_at=NOW,
        revision=11,
        source=Evidence.QUEUE,
    )
    recycled = told(
        "4",
        JobState.FAILED,
        submitted_at=NOON + timedelta(hours=2),
        ended_at=NOON + timedelta(hours=3),
    )
    await apply_facts(store_writer, [ended, recycled])

    page = await list_board(store_writer, WHOLE, now=NOW, after=None, limit=100)
    shown = {(one.job.job_id, one.job.submitted_at) for one in page.items}
    assert shown == {
        *(("4", NOON + timedelta(hours=2)), ("2", NOON)),
        *(("3", NOON), ("1", NOON)),
    }


@pytest.mark.usefixtures("site")
async def test_pins_outlive_clearing_and_age(store_writer: StorePool):
    assert await mark(store_writer, Mark.PINNED, BETA, "6", "7") == {}
    assert await mark(store_writer, Mark.PINNED, ALPHA, "2") == {}

    await clear(store_writer, FAILED, COMPLETED, CANCELLED)
    month = timedelta(days=60)

    assert await ids(store_writer) == ["6", "2", "7"]
    assert await ids(store_writer, now=NOW + month) == ["6", "2", "7"]
    page = await list_board(store_writer, WHOLE, now=NOW, after=None, limit=1)
    (view,) = page.items
    assert (view.mark, view.pinned_by, view.reason) == (Mark.PINNED, "ada", "look at it")
    assert view.job.state is JobState.RUNNING


@pytest.mark.usefixtures("site")
async def test_what_goes_on_is_not_put_away_and_what_is_not_there_is_told(store_writer: StorePool):
    refused = await mark(store_writer, Mark.DISMISSED, BETA, "5", "6", "66")

    assert refused == {
        "beta 6": "it is not over; what goes on is always shown",
        "beta 66": "no such job is recorded",
    }
    assert await ids(store_writer) == ["4", "3", "2", "1"]

    assert await mark(store_writer, Mark.NONE, BETA, "5") == {}
    assert await ids(store_writer) == ["4", "3", "2", "1", "5"]


@pytest.mark.usefixtures("site")
async def test_clusters_that_are_gone_are_not_shown(store_writer: StorePool):
    await remove_cluster(store_writer, ALPHA, revision=9, now=NOW)

    assert await ids(store_writer) == ["5"]


@pytest.mark.usefixtures("site")
async def test_pins_are_forgotten_with_their_jobs_alone(store_writer: StorePool):
    await mark(store_writer, Mark.PINNED, ALPHA, "1", "2")
    assert await forget_pins(store_writer) == 0

    async with store_writer.connection("lose a job") as connection:
        await connection.execute("DELETE FROM jobs WHERE job_id = '2'")

    assert await forget_pins(store_writer) == 1
    assert await ids(store_writer, now=NOW + timedelta(days=90)) == ["1"]


@pytest.mark.usefixtures("site")
async def test_a_board_is_cleared_by_parts(store_writer: StorePool):
    request = ClearRequest(groups=(FAILED, COMPLETED, CANCELLED), seen_until=NOW)
    cleared: list[str] = []

    while True:
        part = await clear_board(store_writer, request, at_once=2)
        cleared += [one.job_id for one in part.jobs]
        if part.over_until is None:
            break
        request = request.model_copy(update={"over_until": part.over_until})

    assert sorted(cleared) == ["1", "2", "3", "4", "5", "7"]
    assert await ids(store_writer, BoardFilter(days=30)) == []


@pytest.mark.usefixtures("site")
async def test_what_is_seen_after_somebody_cleared_is_not_put_away(store_writer: StorePool):
    late = told("8", JobState.FAILED, ended_at=NOW + timedelta(seconds=1))
    await apply_facts(store_writer, [late])

    await clear(store_writer, FAILED)

    assert await ids(store_writer) == ["8", "3", "1"]


@pytest.mark.usefixtures("site")
async def test_a_rebuild_leaves_what_people_said(store_writer: StorePool):
    await clear(store_writer, FAILED)
    await mark(store_writer, Mark.PINNED, ALPHA, "1")

    async with open_rebuild(store_writer) as rebuild:
        await rebuild.write([told("2", JobState.FAILED, ended_at=NOON, user="eve", revision=7)])
        await rebuild.number(JOBS)
        done = [one async for one in rebuild.overwrite(JOBS)]

    assert [one.mended for one in done] == [1]
    assert await ids(store_writer) == ["3", "1"]
    assert "2" in await ids(store_writer, BoardFilter(dismissed=True))


@pytest.mark.parametrize("cursor", ["", "nonsense", "WyJqIiwxXQ", "a" * 600])
async def test_a_cursor_of_another_kind_is_refused(store_writer: StorePool, cursor: str):
    with pytest.raises(ProblemError) as caught:
        await list_board(store_writer, WHOLE, now=NOW, after=cursor or "?", limit=10)

    assert caught.value.code is ProblemCode.INVALID_CURSOR


@pytest.fixture
async def years(store_writer: StorePool) -> None:
    """Store jobs with ids that look alike, of which some ended long ago."""
    await upsert_cluster(
        store_writer, ClusterConfig(name=ALPHA, host="login"), revision=1, now=NOON
    )
    old, young = NOON - timedelta(days=100), NOON
    ages = (
        *(("12", old), ("12_3", young), ("120", young)),
        *(("1200", old), ("12+1", old), ("412", young)),
    )
    for job_id, ended_at in ages:
        fact = told(job_id, JobState.COMPLETED, ended_at=ended_at, submitted_at=old, user="ada")
        changed = JobChanged(
            cluster=ALPHA,
            job=fact.job,
            observed_at=ended_at,
            revision=2,
            source=Evidence.QUEUE,
            changed=("name",),
        )
        await apply_facts(store_writer, [fact, changed])
    live = told("13", JobState.RUNNING, ended_at=None, submitted_at=old)
    bobs = told("14", JobState.FAILED, ended_at=old, submitted_at=old, user="bob")
    await apply_facts(store_writer, [live, bobs])


BEFORE = NOON - timedelta(days=31)


@pytest.mark.usefixtures("years")
async def test_a_cleanup_lists_what_goes_and_removes_just_that(store_writer: StorePool):
    await mark(store_writer, Mark.PINNED, ALPHA, "1200")
    wanted = CleanupFilter(before=BEFORE, users=("ada",))

    listed = await list_cleanup(store_writer, wanted, after=None, limit=1)
    rest = await list_cleanup(store_writer, wanted, after=listed.next_cursor, limit=10)
    counts = await count_cleanup(store_writer, wanted)
    request = CleanupRequest(before=BEFORE, users=("ada",), at_most=100)
    removed = await remove_history(store_writer, request)

    named = [one.job_id for one in (*listed.items, *rest.items)]
    assert sorted(named) == ["12", "12+1"]
    assert (counts, removed) == ({ALPHA: 2}, 2)
    left = await list_jobs(store_writer, JobFilter(), now=NOW)
    assert {one.job_id for one in left.items} == {"12_3", "120", "1200", "412", "13", "14"}
    assert await of_events(store_writer) == {one.job_id for one in left.items}
    left_over = await list_cleanup(store_writer, wanted, after=None, limit=10)
    assert (left_over.items, left_over.next_cursor) == ((), None)


@pytest.mark.usefixtures("years")
async def test_a_cleanup_goes_by_parts(store_writer: StorePool):
    request = CleanupRequest(before=BEFORE, at_most=3)

    assert [await remove_history(store_writer, request) for _ in range(3)] == [3, 1, 0]


async def of_events(pool: StorePool) -> set[str]:
    """Name the jobs of which something is told."""
    async with pool.connection("look") as connection:
        cursor = await connection.execute("SELECT DISTINCT job_id FROM job_events")
        return {str(job_id) for (job_id,) in await cursor.fetchall()}
