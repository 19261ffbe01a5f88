"""How the store differs from a roll, and whole jobs as they were told."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from slurmfleet.contracts.events import JobEnded, JobStarted, JobSubmitted, JobVanished
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.contracts.surveys import RollEntry
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.rolls import Drift, MissedJob, UnnamedJob, find_drift, read_whole_jobs
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, NOON, a_full_job, a_job

pytestmark = pytest.mark.integration

SEEN = NOON + timedelta(minutes=1)


def running(job: Job, *, revision: int = 5, cluster: ClusterName = ALPHA) -> JobStarted:
    return JobStarted(
        cluster=cluster,
        job=replace(job, state=JobState.RUNNING),
        observed_at=SEEN + timedelta(seconds=revision),
        revision=revision,
        source=Evidence.QUEUE,
    )


def over(job: Job) -> JobEnded:
    return JobEnded(
        cluster=ALPHA,
        job=replace(job, state=JobState.COMPLETED),
        observed_at=SEEN,
        revision=9,
        source=Evidence.ACCOUNTING,
    )


def entry(job_id: str, revision: int = 5, *, submitted_at: datetime = NOON) -> RollEntry:
    return RollEntry(job_id=JobId(job_id), submitted_at=submitted_at, revision=revision)


def unnamed(job_id: str, revision: int = 5) -> UnnamedJob:
    return UnnamedJob(
        job_id=JobId(job_id), submitted_at=NOON, observed_at=SEEN + timedelta(seconds=revision)
    )


def missed(job_id: str, submitted_at: datetime = NOON) -> MissedJob:
    return MissedJob(job_id=JobId(job_id), submitted_at=submitted_at)


async def test_a_store_that_agrees_does_not_drift(store_writer: StorePool):
    vanished = JobVanished(
        cluster=ALPHA,
        job=a_job("4", state=JobState.VANISHED),
        observed_at=SEEN,
        revision=5,
        source=Evidence.NONE,
    )
    facts = [running(a_job("1")), running(a_job("2"), revision=8), over(a_job("3")), vanished]
    await apply_facts(store_writer, facts)

    # Job 2 was told once more after the roll was called; of job 4 both know that it vanished.
    drift = await find_drift(store_writer, ALPHA, [entry("1"), entry("2", 7), entry("4")])

    assert drift == Drift(unnamed=(), missed=())


async def test_live_jobs_that_are_not_named_are_found_the_longest_unseen_first(
    store_writer: StorePool,
):
    facts = [
        running(a_job("1"), revision=7),
        running(a_job("2"), revision=6),
        running(a_job("3")),
        over(a_job("4")),
        running(a_job("5"), cluster=ClusterName("beta")),
    ]
    await apply_facts(store_writer, facts)

    drift = await find_drift(store_writer, ALPHA, [entry("3")])

    assert drift == Drift(unnamed=(unnamed("2", 6), unnamed("1", 7)), missed=())


async def test_named_jobs_are_found_that_are_not_stored_or_older(store_writer: StorePool):
    await apply_facts(store_writer, [running(a_job("1")), running(a_job("2")), over(a_job("3"))])

    drift = await find_drift(
        store_writer, ALPHA, [entry("9"), entry("2", 6), entry("1"), entry("3", 10)]
    )

    assert drift == Drift(unnamed=(), missed=(missed("9"), missed("2"), missed("3")))


async def test_after_a_loss_jobs_are_found_of_which_an_event_is_missing(store_writer: StorePool):
    jobs = [a_job("1"), a_job("2"), a_job("3")]
    begun = [
        JobSubmitted(cluster=ALPHA, job=one, observed_at=SEEN, revision=3, source=Evidence.QUEUE)
        for one in jobs[:2]
    ]
    await apply_facts(
        store_writer,
        [*begun, over(jobs[0]), running(jobs[1]), over(jobs[1]), running(jobs[2])],
    )
    async with store_writer.transaction("lose an end") as connection:
        await connection.execute("DELETE FROM job_events WHERE job_id = '2' AND verb = 'ended'")
    roll = [entry("1"), entry("2"), entry("3")]

    told = await find_drift(store_writer, ALPHA, roll)
    lost = await find_drift(store_writer, ALPHA, roll, with_events=True)

    assert told.missed == ()
    assert lost.missed == (missed("2"), missed("3"))


async def test_a_collector_that_tells_no_revisions_misses_only_rows(store_writer: StorePool):
    await apply_facts(store_writer, [running(a_job("1"))])

    drift = await find_drift(store_writer, ALPHA, [entry("1", 0), entry("2", 0)])

    assert drift == Drift(unnamed=(), missed=(missed("2"),))


async def test_a_recycled_id_is_another_job(store_writer: StorePool):
    later = NOON + timedelta(days=1)
    await apply_facts(store_writer, [running(a_job("1"))])

    drift = await find_drift(store_writer, ALPHA, [entry("1", submitted_at=later)])

    assert drift == Drift(unnamed=(unnamed("1"),), missed=(missed("1", later),))


async def test_an_empty_roll_names_nobody(store_writer: StorePool):
    await apply_facts(store_writer, [running(a_job("1"))])

    assert await find_drift(store_writer, ALPHA, []) == Drift(unnamed=(unnamed("1"),), missed=())


async def test_a_job_comes_back_as_it_was_told(store_writer: StorePool):
    told = replace(a_full_job(), state=JobState.RUNNING, name='a "b" \\ {c}, é 漢 \U0001f680')
    plain = a_job("901")
    await apply_facts(store_writer, [running(told), running(plain)])
    keys = [(told.job_id, NOON), (plain.job_id, NOON)]

    jobs = await read_whole_jobs(store_writer, ALPHA, keys)

    assert {one.job.job_id: one.job for one in jobs} == {
        told.job_id: told,
        plain.job_id: replace(plain, state=JobState.RUNNING),
    }
    assert {(one.revision, one.observed_at, one.source) for one in jobs} == {
        (5, SEEN + timedelta(seconds=5), Evidence.QUEUE)
    }


async def test_a_group_comes_with_its_ended_members_and_after_them(store_writer: StorePool):
    def member(index: int, **changes: object) -> Job:
        own = {"raw_id": 20 + index, "array_job_id": 8, "array_task_id": index}
        return a_job(f"8_{index}", **own, **changes)

    def component(offset: int) -> Job:
        return a_job(f"17+{offset}", raw_id=17 + offset, het_job_id=17, het_offset=offset)

    recycled = NOON - timedelta(days=30)
    facts = [
        running(a_job("8", array_job_id=8)),
        running(member(1)),
        over(member(0)),
        running(member(2)),
        over(member(3, submitted_at=recycled)),
        running(a_job("17", het_job_id=17)),
        running(component(1)),
        over(component(0)),
        over(a_job("9")),
    ]
    await apply_facts(store_writer, facts)
    keys = [(JobId(one), NOON) for one in ("17", "8", "9", "8_1", "17+1")]

    jobs = await read_whole_jobs(store_writer, ALPHA, keys)

    assert [one.job.job_id for one in jobs] == ["8_0", "8_1", "8", "17+0", "17+1", "17"]
