"""A store that is fed again from the stream is the store that was there, in every table."""

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from slurmfleet.contracts.codec import decode, encode
from slurmfleet.contracts.events import (
    Fact,
    JobChanged,
    JobEnded,
    JobStarted,
    JobSubmitted,
    JobVanished,
)
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.store.pool import StorePool
from slurmfleet.store.roles import Role
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.job_use import AT_ONCE, roll_up_job_use
from slurmfleet.store.write.usage import work_out_usage
from slurmfleet.testing.builders import NOON, a_job, a_poll
from slurmfleet.testing.samples import a_sample_of_each_kind
from tests.harness.tables import all_rows
from tests.plugins.postgres import Database, DatabaseServer, database_on

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

JOBS = 1_000
SEED = 20_260_101
CLUSTERS = ("alpha", "beta", "gamma")


def life(place: int, dice: random.Random) -> list[Fact]:
    """Give what is told of one job: some are requeued, some vanish, some members of arrays."""
    cluster = ClusterName(dice.choice(CLUSTERS))
    submitted_at = NOON + timedelta(seconds=dice.randrange(7 * 86_400))
    job_id = dice.choice([str(place), f"{place}_{dice.randrange(9)}", f"{place}+1"])
    facts: list[Fact] = []

    def tell(kind: type[JobSubmitted | JobStarted | JobEnded | JobVanished], **job: object) -> None:
        revision = len(facts) + 1
        facts.append(
            kind(
                cluster=cluster,
                job=a_job(job_id, submitted_at=submitted_at, **job),
                observed_at=submitted_at + timedelta(minutes=revision),
                revision=revision,
                source=Evidence.QUEUE,
            )
        )

    tell(JobSubmitted, state=JobState.PENDING)
    for restart in range(dice.choice([1, 1, 1, 2, 3])):
        started_at = submitted_at + timedelta(hours=1 + restart)
        run = {"restart_count": restart, "started_at": started_at}
        tell(JobStarted, state=JobState.RUNNING, **run)
        revision = len(facts) + 1
        facts.append(
            JobChanged(
                cluster=cluster,
                job=a_job(job_id, submitted_at=submitted_at, state=JobState.RUNNING, **run),
                observed_at=submitted_at + timedelta(minutes=revision),
                revision=revision,
                source=Evidence.QUEUE,
                changed=("reason",),
            )
        )
        if dice.random() < 0.1:
            tell(JobVanished, state=JobState.VANISHED, **run)
            break
        ended = dice.choice([JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED])
        tell(JobEnded, state=ended, ended_at=started_at + timedelta(hours=1), **run)
    return facts


def week(dice: random.Random) -> list[Fact]:
    """Give a week of three clusters: jobs, polls and one sample of every kind."""
    facts = [fact for place in range(JOBS) for fact in life(place, dice)]
    dice.shuffle(facts)  # between the jobs; the store never relies on their order
    polls = [
        a_poll(cluster, started_at=NOON + timedelta(minutes=30 * one))
        for one in range(336)
        for cluster in CLUSTERS
    ]
    return [*facts, *polls, *a_sample_of_each_kind()]


async def feed(database: Database, facts: Sequence[Fact], dice: random.Random) -> None:
    """Write facts in order, in batches of random size."""
    async with StorePool(database.settings(Role.WRITER)) as pool:
        place = 0
        while place < len(facts):
            size = dice.choice([7, 300, 2_000])
            await apply_facts(pool, facts[place : place + size])
            place += size
        # What is marked depends on the batches; what the marks come to does not.
        while await roll_up_job_use(pool) == AT_ONCE:
            pass
        await work_out_usage(pool)


async def test_an_empty_store_fed_from_the_stream_equals_the_old_one(
    database: Database, database_server: DatabaseServer
):
    dice = random.Random(SEED)  # noqa: S311  no secret
    facts = week(dice)
    stream = [fact for message in encode(facts, source="/x") for fact in decode(message.body)]
    shuffled = [*stream, *dice.sample(stream, len(stream) // 3)]
    dice.shuffle(shuffled)
    await feed(database, facts, dice)
    told = await all_rows(database.superuser_dsn)

    for replay in (stream, shuffled):
        async with database_on(database_server) as empty:
            await feed(empty, replay, dice)
            again = await all_rows(empty.superuser_dsn)
        assert again.keys() == told.keys()
        for table, rows in told.items():
            assert again[table] == rows, table

    assert len(told["jobs"]) == JOBS
    assert len(told["polls"]) == 3 * 336
    assert len(told["usage_daily"]) > 7
