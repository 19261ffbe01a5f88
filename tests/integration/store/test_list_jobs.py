from dataclasses import replace
from datetime import timedelta

import pytest

from slurmfleet.contracts.events import JobEnded, JobStarted, JobSubmitted
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.jobs import JobFilter, get_job, job_timeline, list_jobs
from slurmfleet.store.write.clusters import remove_cluster, upsert_cluster
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, NOON, a_job

BETA = ClusterName("beta")
NOW = NOON + timedelta(hours=1)


def submitted(job: Job, cluster: ClusterName = ALPHA, revision: int = 1) -> JobSubmitted:
    return JobSubmitted(
        cluster=cluster, job=job, observed_at=NOON, revision=revision, source=Evidence.QUEUE
    )


@pytest.fixture
async def fleet(store_writer: StorePool) -> None:
    """Store five jobs on two configured clusters, newest last."""
    for revision, name in enumerate((ALPHA, BETA), start=1):
        config = ClusterConfig(name=name, host="login")
        await upsert_cluster(store_writer, config, revision=revision, now=NOON)
    jobs = [
        (ALPHA, a_job("1", name="train_50%", user="alice", account="ml")),
        (ALPHA, a_job("2_7", name="TRAIN-a", user="bob", account="ml", partition="gpu,batch")),
        (BETA, a_job("3", name="eval", user="alice", account="bio", state=JobState.RUNNING)),
        (BETA, a_job("4", name="trainX50", user="carol", state=JobState.FAILED)),
        (ALPHA, a_job("5", name="x\\y", user="bob", state=JobState.COMPLETED)),
    ]
    await apply_facts(
        store_writer,
        [
            submitted(replace(job, submitted_at=NOON + timedelta(minutes=place)), cluster)
            for place, (cluster, job) in enumerate(jobs)
        ],
    )


MINUTE = timedelta(minutes=1)


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (JobFilter(), ["5", "4", "3", "2_7", "1"]),
        (JobFilter(clusters=(BETA,)), ["4", "3"]),
        (JobFilter(clusters=(ALPHA, BETA), users=("alice",)), ["3", "1"]),
        (JobFilter(users=("alice", "carol")), ["4", "3", "1"]),
        (JobFilter(accounts=("bio",)), ["3"]),
        (JobFilter(partitions=("gpu",)), ["2_7"]),
        (JobFilter(partitions=("gpu", "batch")), ["5", "4", "3", "2_7", "1"]),
        (JobFilter(states=(JobState.FAILED, JobState.RUNNING)), ["4", "3"]),
        (JobFilter(live=True), ["3", "2_7", "1"]),
        (JobFilter(live=False), ["5", "4"]),
        (JobFilter(since=NOON + MINUTE, until=NOON + 3 * MINUTE), ["3", "2_7"]),
        (JobFilter(q="train"), ["4", "2_7", "1"]),
        (JobFilter(q="_50%"), ["1"]),
        (JobFilter(q="%"), ["1"]),
        (JobFilter(q="x\\y"), ["5"]),
        (JobFilter(q="2_"), ["2_7"]),
        (JobFilter(q="'; DROP TABLE jobs --"), []),
    ],
    ids=str,
)
async def test_filters_choose_jobs(store_reader: StorePool, wanted: JobFilter, expected: list[str]):
    page = await list_jobs(store_reader, wanted, now=NOW)

    assert ([job.job_id for job in page.items], page.next_cursor) == (expected, None)


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("limit", [1, 2, 4, 5])
async def test_pages_give_every_job_once(store_reader: StorePool, limit: int):
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await list_jobs(store_reader, now=NOW, after=cursor, limit=limit)
        seen += [job.job_id for job in page.items]
        if (cursor := page.next_cursor) is None:
            break

    assert seen == ["5", "4", "3", "2_7", "1"]


async def test_jobs_of_one_moment_are_paged_by_cluster_and_id(
    store_writer: StorePool, store_reader: StorePool
):
    await apply_facts(
        store_writer,
        [
            submitted(a_job(str(number)), cluster)
            for number in (3, 1, 2)
            for cluster in (BETA, ALPHA)
        ],
    )

    first = await list_jobs(store_reader, now=NOW, limit=4)
    second = await list_jobs(store_reader, now=NOW, limit=4, after=first.next_cursor)

    assert [(job.cluster, job.job_id) for job in (*first.items, *second.items)] == [
        (cluster, number) for cluster in (ALPHA, BETA) for number in ("1", "2", "3")
    ]


async def test_a_job_that_arrives_while_paging_moves_nothing(
    store_writer: StorePool, store_reader: StorePool
):
    jobs = [a_job(str(number), submitted_at=NOON + number * MINUTE) for number in (1, 2, 3)]
    await apply_facts(store_writer, [submitted(job) for job in jobs])
    first = await list_jobs(store_reader, now=NOW, limit=2)

    await apply_facts(store_writer, [submitted(a_job("9", submitted_at=NOON + 9 * MINUTE))])

    second = await list_jobs(store_reader, now=NOW, limit=2, after=first.next_cursor)
    assert [job.job_id for job in second.items] == ["1"]


@pytest.mark.usefixtures("fleet")
async def test_jobs_of_a_removed_cluster_are_history(
    store_writer: StorePool, store_reader: StorePool
):
    await remove_cluster(store_writer, BETA, revision=9, now=NOW)

    live = await list_jobs(store_reader, JobFilter(live=True), now=NOW)
    there = await list_jobs(store_reader, JobFilter(clusters=(BETA,)), now=NOW)

    assert [job.job_id for job in live.items] == ["2_7", "1"]
    assert [(job.job_id, job.stale_reason) for job in there.items] == [
        ("4", ""),
        ("3", "The cluster is no longer configured."),
    ]


@pytest.mark.usefixtures("fleet")
async def test_an_unknown_cluster_is_a_problem_that_names_the_known(store_reader: StorePool):
    gamma = ClusterName("gamma")
    for question in (
        list_jobs(store_reader, JobFilter(clusters=(ALPHA, gamma)), now=NOW),
        get_job(store_reader, gamma, JobId("1"), now=NOW),
        job_timeline(store_reader, gamma, JobId("1")),
    ):
        with pytest.raises(ProblemError) as caught:
            await question

        assert (caught.value.code, caught.value.remedy) == (
            ProblemCode.UNKNOWN_CLUSTER,
            "Configured are: alpha, beta.",
        )


@pytest.mark.usefixtures("fleet")
async def test_a_job_that_is_not_there_is_a_problem(store_reader: StorePool):
    for question in (
        get_job(store_reader, ALPHA, JobId("4"), now=NOW),
        job_timeline(store_reader, ALPHA, JobId("4")),
    ):
        with pytest.raises(ProblemError) as caught:
            await question

        assert caught.value.code is ProblemCode.JOB_NOT_FOUND


async def test_a_recycled_id_means_its_latest_submission(
    store_writer: StorePool, store_reader: StorePool
):
    old = a_job("7", name="old", submitted_at=NOON - timedelta(days=400))
    new = a_job("7", name="new")
    facts = [
        submitted(new),
        JobStarted(cluster=ALPHA, job=new, observed_at=NOON, revision=2, source=Evidence.QUEUE),
        submitted(old),
        JobEnded(cluster=ALPHA, job=old, observed_at=NOON, revision=3, source=Evidence.QUEUE),
    ]
    await apply_facts(store_writer, facts)

    job = await get_job(store_reader, ALPHA, JobId("7"), now=NOW)
    first = await job_timeline(store_reader, ALPHA, JobId("7"), limit=1)
    second = await job_timeline(store_reader, ALPHA, JobId("7"), limit=1, after=first.next_cursor)

    assert job.name == "new"
    assert [event.verb for event in (*first.items, *second.items)] == ["submitted", "started"]
    assert second.next_cursor is None
