"""How many live jobs there are: every member of a group once, and no whole beside its members."""

from slurmfleet.contracts.events import JobSubmitted
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.clusters import get_cluster
from slurmfleet.store.write.clusters import upsert_cluster
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, NOON, a_job

BETA = ClusterName("beta")
PENDING, RUNNING = JobState.PENDING, JobState.RUNNING
COMPLETED = JobState.COMPLETED


def an_array(number: int, state: JobState, **tasks: int) -> Job:
    counts = {JobState(word): count for word, count in tasks.items()}
    return a_job(str(number), array_job_id=number, state=state, task_states=counts)


def a_task(number: int, index: int, state: JobState) -> Job:
    return a_job(f"{number}_{index}", array_job_id=number, array_task_id=index, state=state)


def a_het(number: int, *states: JobState, whole: JobState) -> list[Job]:
    parts = [
        a_job(f"{number}+{offset}", het_job_id=number, het_offset=offset, state=state)
        for offset, state in enumerate(states)
    ]
    counts = {state: states.count(state) for state in states}
    return [a_job(str(number), het_job_id=number, state=whole, task_states=counts), *parts]


async def counted(writer: StorePool, reader: StorePool, *jobs: Job) -> dict[JobState, int]:
    await upsert_cluster(writer, ClusterConfig(name=ALPHA, host="h"), revision=1, now=NOON)
    facts = [
        JobSubmitted(cluster=cluster, job=job, observed_at=NOON, revision=1, source=Evidence.QUEUE)
        for cluster, job in (*((ALPHA, one) for one in jobs), (BETA, a_task(15, 7, RUNNING)))
    ]
    await apply_facts(writer, facts)
    return dict((await get_cluster(reader, ALPHA, now=NOON)).live_jobs)


async def test_an_array_that_only_waits_counts_its_tasks(
    store_writer: StorePool, store_reader: StorePool
):
    live = await counted(store_writer, store_reader, a_job("7"), an_array(15, PENDING, PENDING=8))

    assert live == {PENDING: 9}


async def test_tasks_with_rows_and_without_count_once_each(
    store_writer: StorePool, store_reader: StorePool
):
    live = await counted(
        store_writer,
        store_reader,
        an_array(15, RUNNING, PENDING=6, RUNNING=2, COMPLETED=1),
        *(a_task(15, index, RUNNING) for index in (0, 1)),
        a_task(15, 2, COMPLETED),
        a_task(15, 3, PENDING),
    )

    assert live == {PENDING: 6, RUNNING: 2}


async def test_a_het_job_counts_its_components(store_writer: StorePool, store_reader: StorePool):
    live = await counted(
        store_writer,
        store_reader,
        *a_het(17, RUNNING, RUNNING, whole=RUNNING),
        *a_het(27, RUNNING, COMPLETED, whole=RUNNING),
        *a_het(37, PENDING, PENDING, PENDING, whole=PENDING),
    )

    assert live == {RUNNING: 3, PENDING: 3}


async def test_a_member_that_lives_beside_a_whole_that_does_not_is_counted(
    store_writer: StorePool, store_reader: StorePool
):
    live = await counted(
        store_writer,
        store_reader,
        an_array(15, COMPLETED, COMPLETED=2),
        a_task(15, 0, COMPLETED),
        a_task(15, 1, RUNNING),
        a_task(16, 4, RUNNING),
    )

    assert live == {RUNNING: 2}
