"""What clusters show at present comes back whole, with its age; jobs' series come back in steps."""

import math
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from slurmfleet.contracts.capacity import PartitionSampled
from slurmfleet.contracts.ids import ClusterName, JobKey
from slurmfleet.contracts.sample import Sample, Topic
from slurmfleet.contracts.shares import ShareSampled
from slurmfleet.contracts.surveys import SurveyFinished
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.samples import (
    Newest,
    job_gpu_points,
    job_load_points,
    newest_samples,
)
from slurmfleet.store.roles import Role
from slurmfleet.store.write.cluster_samples import CLUSTER_KINDS
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, NOON
from slurmfleet.testing.samples import a_sample_of_each_kind, filled
from tests.integration.store.test_apply_samples import GPU, LOAD
from tests.plugins.postgres import Database

JOB = JobKey(cluster=ALPHA, job_id=GPU.job_id, submitted_at=GPU.submitted_at)
PARTITION = filled(PartitionSampled, observed_at=NOON, partition="gpu")
SURVEY = filled(
    SurveyFinished,
    topic=Topic.CAPACITY,
    interval_s=180,
    ok=True,
    started_at=NOON - timedelta(seconds=1),
    observed_at=NOON + timedelta(seconds=1),
)


@pytest.mark.parametrize("kind", CLUSTER_KINDS)
async def test_a_sample_comes_back_as_it_was_told(
    store_writer: StorePool, store_reader: StorePool, kind: type[Sample]
):
    sample = filled(kind)

    await apply_facts(store_writer, [sample])

    (newest,) = await newest_samples(store_reader, kind, now=NOON)
    assert newest.sample == sample


async def test_an_endless_number_comes_back(store_writer: StorePool, store_reader: StorePool):
    share = filled(ShareSampled, level_fs=math.inf)

    await apply_facts(store_writer, [share])

    (newest,) = await newest_samples(store_reader, ShareSampled, now=NOON)
    assert newest.sample == share


async def test_the_newest_sample_wins_in_any_order(
    store_writer: StorePool, store_reader: StorePool
):
    samples = [
        replace(PARTITION, observed_at=NOON + timedelta(minutes=minute), cpus_free=minute)
        for minute in (1, 3, 2)
    ]

    for sample in samples:
        await apply_facts(store_writer, [sample])

    (newest,) = await newest_samples(store_reader, PartitionSampled, now=NOON)
    assert newest.sample == samples[1]


async def test_a_sample_is_stale_after_three_intervals_of_its_survey(
    store_writer: StorePool, store_reader: StorePool
):
    await apply_facts(store_writer, [PARTITION, SURVEY])

    found = [
        await newest_samples(store_reader, PartitionSampled, now=NOON + timedelta(seconds=age_s))
        for age_s in (540, 541)
    ]

    assert [newest for (newest,) in found] == [
        Newest(
            sample=PARTITION,
            observed_at=NOON,
            age_s=540,
            stale=False,
            stale_reason="",
            gone=False,
        ),
        Newest(
            sample=PARTITION,
            observed_at=NOON,
            age_s=541,
            stale=True,
            stale_reason="Older than three intervals of its survey.",
            gone=False,
        ),
    ]


async def test_without_a_survey_nothing_is_fresh(store_writer: StorePool, store_reader: StorePool):
    await apply_facts(store_writer, [PARTITION, replace(SURVEY, topic=Topic.QUOTAS)])

    (newest,) = await newest_samples(store_reader, PartitionSampled, now=NOON)

    assert (newest.stale, newest.stale_reason) == (True, "No survey about it has been recorded.")


async def test_a_partition_that_the_newest_good_survey_does_not_name_is_gone(
    store_writer: StorePool, store_reader: StorePool
):
    later = replace(SURVEY, started_at=NOON + timedelta(minutes=3))
    bad = replace(later, ok=False, observed_at=later.observed_at + timedelta(minutes=3))

    found: list[bool] = []
    for survey in (later, bad):
        await apply_facts(store_writer, [PARTITION, survey])
        found += [
            one.gone for one in await newest_samples(store_reader, PartitionSampled, now=NOON)
        ]

    assert found == [True, False]


async def test_a_cluster_and_a_name_narrow_the_answer(
    store_writer: StorePool, store_reader: StorePool
):
    beta = ClusterName("beta")
    there = replace(PARTITION, cluster=beta)
    other = replace(PARTITION, partition="cpu")
    await apply_facts(store_writer, [PARTITION, there, other])

    by_cluster = await newest_samples(store_reader, PartitionSampled, now=NOON, cluster=beta)
    by_name = await newest_samples(store_reader, PartitionSampled, now=NOON, first="cpu")

    assert [one.sample for one in by_cluster] == [there]
    assert [one.sample for one in by_name] == [other]


async def test_a_jobs_samples_come_in_equal_steps(store_writer: StorePool, store_reader: StorePool):
    samples = [
        replace(GPU, observed_at=NOON + timedelta(seconds=30 * step), utilization_pct=10.0 * step)
        for step in range(8)
    ]
    others = [replace(GPU, job_id="8"), replace(GPU, observed_at=NOON - timedelta(seconds=1))]
    loads = [replace(LOAD, observed_at=one.observed_at, memory_used_mib=5) for one in samples]
    await apply_facts(store_writer, [*samples, *others, *loads])

    until = NOON + timedelta(minutes=4)
    points = await job_gpu_points(store_reader, JOB, since=NOON, until=until, points=2)
    load = await job_load_points(store_reader, JOB, since=NOON, until=until, points=2)

    told = [
        (one.at, one.utilization_pct_mean, one.utilization_pct_max, one.samples) for one in points
    ]
    assert told == [(NOON, 15, 30, 4), (NOON + timedelta(minutes=2), 55, 70, 4)]
    assert [(one.at, one.memory_used_mib_mean, one.samples) for one in load] == [
        (NOON, 5, 4),
        (NOON + timedelta(minutes=2), 5, 4),
    ]


async def test_five_minutes_of_a_gpu_are_what_its_samples_come_to(
    database: Database, store_writer: StorePool
):
    steps = [(0, 10.0), (299, 30.0), (300, 50.0)]
    samples = [
        replace(GPU, observed_at=NOON + timedelta(seconds=at), utilization_pct=pct)
        for at, pct in steps
    ]
    await apply_facts(store_writer, samples)

    rows = await selected_by_grafana(
        database,
        """
        SELECT us.bucket_at, us.utilization_pct_mean, us.utilization_pct_max, us.samples, us.model
        FROM grafana.gpu_use_5min AS us
        ORDER BY us.bucket_at
        """,
    )

    assert rows == [(NOON, 20, 30, 2, "H100"), (NOON + timedelta(minutes=5), 50, 50, 1, "H100")]


async def test_every_view_of_samples_answers_a_dashboard(
    database: Database, store_writer: StorePool
):
    await apply_facts(store_writer, a_sample_of_each_kind())
    names = ("gpu_use_5min", "load_samples", "partition_samples", "share_samples")
    others = ("usage_samples", "occupancy_samples", "quota_samples", "surveys")

    for name in (*names, *others):
        rows = await selected_by_grafana(database, f"SELECT * FROM grafana.{name}")  # noqa: S608
        assert len(rows) == 1, name


async def selected_by_grafana(database: Database, query: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(database.dsn(Role.GRAFANA)) as connection:
        return await (await connection.execute(query.encode())).fetchall()
