"""What a clock that was ahead has told hides nothing once it is set back."""

from dataclasses import replace
from datetime import datetime, timedelta

from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.jobs import JobState
from slurmfleet.store.pool import StorePool
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import a_poll
from slurmfleet.timing.clock import SystemClock

AHEAD = timedelta(hours=2)


def polled(at: datetime, *, jobs: int = 1, cluster: str = "alpha"):
    population = (PartitionCount(partition="batch", state=JobState.RUNNING, jobs=jobs, gpus=0),)
    return a_poll(cluster, started_at=at, finished_at=at, population=population)


async def shown(pool: StorePool, cluster: str = "alpha") -> tuple[object, ...]:
    """Give the moment and the count that readers see."""
    async with pool.connection("read status") as connection:
        cursor = await connection.execute(
            "SELECT cs.last_poll_started_at, pc.jobs FROM cluster_status cs"
            " JOIN partition_counts pc USING (cluster) WHERE cluster = %s",
            (cluster,),
        )
        (row,) = await cursor.fetchall()
    return row


async def test_a_status_from_the_future_gives_way_to_what_is_told_now(store_writer: StorePool):
    now = SystemClock().now()
    await apply_facts(store_writer, [polled(now + AHEAD, jobs=7)])

    await apply_facts(store_writer, [polled(now, jobs=3)])

    assert await shown(store_writer) == (now, 3)


async def test_a_look_during_which_the_clock_was_set_back_gives_way_as_well(
    store_writer: StorePool,
):
    now = SystemClock().now()
    straddling = replace(polled(now + AHEAD, jobs=7), finished_at=now)
    await apply_facts(store_writer, [straddling])
    later = now + timedelta(seconds=1)

    await apply_facts(store_writer, [polled(later, jobs=3)])

    assert await shown(store_writer) == (later, 3)


async def test_an_older_poll_that_comes_late_changes_nothing(store_writer: StorePool):
    now = SystemClock().now()
    await apply_facts(store_writer, [polled(now, jobs=7)])

    await apply_facts(store_writer, [polled(now - AHEAD, jobs=3)])

    assert await shown(store_writer) == (now, 7)


async def test_a_collector_whose_clock_is_ahead_for_good_is_followed(store_writer: StorePool):
    later = SystemClock().now() + AHEAD
    await apply_facts(store_writer, [polled(later, jobs=7)])

    await apply_facts(store_writer, [polled(later - timedelta(seconds=30), jobs=3)])
    assert await shown(store_writer) == (later, 7)

    await apply_facts(store_writer, [polled(later + timedelta(seconds=30), jobs=5)])
    assert await shown(store_writer) == (later + timedelta(seconds=30), 5)


async def test_each_cluster_is_judged_by_its_own_collector(store_writer: StorePool):
    now = SystemClock().now()
    await apply_facts(
        store_writer, [polled(now + AHEAD, jobs=7), polled(now + AHEAD, cluster="beta")]
    )

    await apply_facts(store_writer, [polled(now, jobs=3), polled(now + 2 * AHEAD, cluster="beta")])

    assert await shown(store_writer) == (now, 3)
    assert await shown(store_writer, "beta") == (now + 2 * AHEAD, 1)
