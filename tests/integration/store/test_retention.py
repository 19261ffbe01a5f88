"""What is old goes, in bounded portions, and nothing else goes with it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.projector.chores import chores, kept_days
from services.projector.projects import Projects
from services.projector.settings import ProjectorSettings
from slurmfleet.contracts.events import JobEnded, JobSubmitted
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.contracts.shares import ShareSampled
from slurmfleet.store.edition import Edition
from slurmfleet.store.errors import StatementError
from slurmfleet.store.pool import StorePool
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.retention import forget_rows
from slurmfleet.testing.builders import ALPHA, NOON, a_job
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.samples import a_sample_of_each_kind, filled
from tests.integration.store.test_apply_samples import GPU, TABLES, selected
from tests.plugins.postgres import Database

DAY = timedelta(days=1)


async def count(database: Database, table: str) -> object:
    (row,) = await selected(database, f"SELECT count(*) AS rows FROM {table}")  # noqa: S608
    return row["rows"]


async def test_old_samples_go_and_their_series_follow(database: Database, store_writer: StorePool):
    old = [
        replace(GPU, gpu_uuid="old", observed_at=NOON - 40 * DAY + timedelta(seconds=step))
        for step in range(25)
    ]
    await apply_facts(store_writer, [*old, replace(GPU, gpu_uuid="new")])

    for table in ("gpu_samples", "gpu_series"):
        await forget_rows(store_writer, table, before=NOON - 30 * DAY, at_once=10)

    left = await selected(
        database, "SELECT gpu_uuid FROM gpu_samples JOIN gpu_series USING (series_id)"
    )
    assert left == [{"gpu_uuid": "new"}]
    assert await count(database, "gpu_series") == 1


async def test_a_series_stays_while_it_has_samples(database: Database, store_writer: StorePool):
    await apply_facts(store_writer, [GPU])

    assert await forget_rows(store_writer, "gpu_series", before=NOON + 9 * DAY) == 0

    assert await count(database, "gpu_series") == 1


async def test_rows_go_a_bounded_number_at_a_time(
    database: Database, store_writer: StorePool, edition: Edition
):
    old = [replace(GPU, observed_at=NOON + timedelta(seconds=step)) for step in range(25)]
    await apply_facts(store_writer, old)
    params = {"what": "gpu_samples", "before": NOON + 9 * DAY, "at_most": 10}

    told = [(await store_writer.values("forget_rows", params))[0] for _ in range(4)]

    assert told == ([1, 0, 0, 0] if edition.has_hypertables else [10, 10, 5, 0])
    assert await count(database, "gpu_samples") == 0


@pytest.mark.parametrize(
    "table", ["clusters", "audit_records", "pg_class", "jobs; DROP TABLE jobs"]
)
async def test_no_other_table_can_be_emptied(store_writer: StorePool, table: str):
    with pytest.raises(StatementError, match="not to be forgotten"):
        await forget_rows(store_writer, table, before=NOON)


async def test_live_jobs_and_recent_ones_stay(database: Database, store_writer: StorePool):
    def fact(
        kind: type[JobSubmitted | JobEnded], job_id: str, **changes: object
    ) -> JobSubmitted | JobEnded:
        job = a_job(job_id, **changes)
        seen = job.ended_at or NOON - 400 * DAY
        return kind(cluster=ALPHA, job=job, observed_at=seen, revision=1, source=Evidence.QUEUE)

    over = {"state": JobState.COMPLETED}
    await apply_facts(
        store_writer,
        [
            fact(JobSubmitted, "1"),
            fact(JobEnded, "2", **over, ended_at=NOON - 400 * DAY),
            fact(JobEnded, "3", **over, ended_at=NOON - 10 * DAY),
        ],
    )

    await forget_rows(store_writer, "jobs", before=NOON - 365 * DAY)

    left = await selected(database, "SELECT job_id FROM jobs ORDER BY job_id")
    assert left == [{"job_id": "1"}, {"job_id": "3"}]


async def test_the_chore_empties_every_table_that_has_a_limit(
    database: Database, store_writer: StorePool
):
    settings = ProjectorSettings(keep_usage_days=1)
    clock = ManualClock(now=NOON + 400 * DAY)
    await apply_facts(store_writer, a_sample_of_each_kind())

    made = chores(store_writer, clock, settings, Projects(store_writer))
    (retention,) = (one for one in made if one.name == "retention")
    await retention.work()

    left = {table: await count(database, table) for table in (*TABLES, "newest_samples")}
    assert left == dict.fromkeys(left, 0)


async def test_zero_days_is_for_ever(database: Database, store_writer: StorePool):
    limits = {name: 0.0 for name in ProjectorSettings.model_fields if name.startswith("keep_")}
    settings = ProjectorSettings(**{**limits, "keep_polls_days": 1})
    await apply_facts(store_writer, [GPU, filled(ShareSampled)])

    clock = ManualClock(now=NOON + 9_999 * DAY)
    made = chores(store_writer, clock, settings, Projects(store_writer))
    (retention,) = (one for one in made if one.name == "retention")
    await retention.work()

    assert kept_days(settings) == []
    assert (await count(database, "gpu_samples"), await count(database, "share_samples")) == (1, 1)


async def test_samples_are_kept_for_a_week_at_least():
    with pytest.raises(ValueError, match="at least 7 days"):
        ProjectorSettings(keep_gpu_samples_days=6)
