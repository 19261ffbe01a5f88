"""How well a job used what it held: the same however its samples came, and for longer than they."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.use import SamplingMissed
from slurmfleet.store.pool import StorePool
from slurmfleet.store.roles import Role
from slurmfleet.store.statements import statement
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.job_use import roll_up_job_use
from slurmfleet.store.write.retention import forget_rows
from slurmfleet.testing.builders import NOON
from slurmfleet.testing.samples import filled
from tests.integration.store.test_apply_samples import GPU, LOAD, selected
from tests.plugins.postgres import Database

HOUR = timedelta(hours=1)
EVER = NOON + timedelta(days=3_650)


def life() -> list[Sample]:
    """Give two GPUs of a job, each 30 s from 11:30 to 13:30: one busy, one idle; load and a gap."""
    moments = [NOON - HOUR / 2 + timedelta(seconds=30 * step) for step in range(240)]
    busy = [replace(GPU, observed_at=at, utilization_pct=80, power_w=600) for at in moments]
    idle = [
        replace(one, gpu_uuid="GPU-2", gpu_index=1, utilization_pct=0, power_w=100) for one in busy
    ]
    loads = [replace(LOAD, observed_at=at, span_s=60) for at in moments[::2]]
    gap = filled(
        SamplingMissed,
        job_id=GPU.job_id,
        submitted_at=GPU.submitted_at,
        observed_at=NOON,
        since_at=NOON - timedelta(minutes=10),
    )
    return [*busy, *idle, *loads, gap]


async def roll_up(pool: StorePool) -> None:
    while await roll_up_job_use(pool, at_once=2):
        pass


async def use(database: Database) -> list[dict[str, object]]:
    return await selected(database, "SELECT * FROM job_use ORDER BY cluster, job_id, submitted_at")


async def hours(database: Database) -> list[dict[str, object]]:
    return await selected(database, "SELECT * FROM job_use_hours ORDER BY hour_at")


async def test_the_use_of_a_job_is_what_its_samples_come_to(
    database: Database, store_writer: StorePool
):
    await apply_facts(store_writer, life())

    await roll_up(store_writer)

    (row,) = await use(database)
    known = {"cluster", "job_id", "submitted_at"}
    assert {name: value for name, value in row.items() if name not in known} == {
        "samples": 240 + 240 + 120 + 1,
        "sampled_gpu_s": 2 * 240 * 30,
        "utilization_gpu_s": 0.8 * 240 * 30,
        "utilization_pct_max": 80,
        "memory_used_mib_mean": 70_000,
        "memory_used_mib_max": 70_000,
        "power_w_mean": 350,
        "energy_j": 700 * 240 * 30,
        "gpus_seen": 2,
        "cpu_sampled_s": 120 * 60 * 8,
        "cpu_utilization_pct_mean": 50,
        "memory_peak_mib": 100,
        "gaps": 1,
        "gap_s": 600,
        "first_observed_at": NOON - HOUR / 2,
        "last_observed_at": NOON + HOUR * 1.5 - timedelta(seconds=30),
    }
    assert await selected(database, "SELECT * FROM job_use_marks") == []


@pytest.mark.parametrize("stride", [1, 7, 101])
async def test_the_order_of_samples_and_turns_changes_nothing(
    database: Database, store_writer: StorePool, stride: int
):
    samples = life()
    await apply_facts(store_writer, samples)
    await roll_up(store_writer)
    in_order = (await use(database), await hours(database))
    await emptied(database)

    shuffled = [samples[place * stride % len(samples)] for place in range(len(samples))]
    for batch in (shuffled[:50], shuffled[20:300], list(reversed(shuffled))):
        await apply_facts(store_writer, batch)
        await roll_up(store_writer)
        await roll_up(store_writer)

    assert (await use(database), await hours(database)) == in_order


async def test_a_gap_between_samples_is_not_counted_as_sampled(
    database: Database, store_writer: StorePool
):
    moments = (0, 30, 60, 1_800)
    samples = [replace(GPU, observed_at=NOON + timedelta(seconds=at)) for at in moments]

    await apply_facts(store_writer, samples)
    await roll_up(store_writer)

    (row,) = await use(database)
    assert row["sampled_gpu_s"] == 30 + 30 + 30 + 90


async def test_a_mean_over_several_gpus_counts_as_often(
    database: Database, store_writer: StorePool
):
    mean = replace(GPU, gpu_uuid="", gpu_index=None, gpu_count=8, span_s=60, utilization_pct=50)

    await apply_facts(store_writer, [mean])
    await roll_up(store_writer)

    (row,) = await use(database)
    told = (row["sampled_gpu_s"], row["utilization_gpu_s"], row["gpus_seen"])
    assert told == (480, 240, 8)


async def test_use_outlives_its_samples(database: Database, store_writer: StorePool):
    await apply_facts(store_writer, life())
    await roll_up(store_writer)
    before = await use(database)

    for table in ("gpu_samples", "load_samples", "gpu_series", "load_series", "sampling_gaps"):
        await forget_rows(store_writer, table, before=EVER, at_once=100)
    late = replace(GPU, observed_at=NOON + timedelta(seconds=1))
    await apply_facts(store_writer, [late])
    await roll_up(store_writer)

    assert await use(database) == before
    assert len(await selected(database, "SELECT * FROM gpu_series")) == 1


async def test_samples_that_come_while_an_hour_is_worked_out_leave_it_marked(
    database: Database, store_writer: StorePool
):
    first, second = GPU, replace(GPU, observed_at=NOON + timedelta(seconds=30))
    await apply_facts(store_writer, [first])
    marked = await selected(database, "SELECT * FROM job_use_marks")

    await apply_facts(store_writer, [second])
    async with StorePool(database.settings(Role.WRITER)) as pool:
        await deleted_as_read(pool, marked)

    await roll_up(store_writer)
    (row,) = await use(database)
    assert row["samples"] == 2


async def deleted_as_read(pool: StorePool, marked: Sequence[dict[str, object]]) -> None:
    """Do what the last step of a turn does that had read these marks."""
    columns = {name: [row[name] for row in marked] for name in marked[0]}
    async with pool.connection("test") as connection:
        await connection.execute(statement("delete_job_use_marks").text, columns)


async def emptied(database: Database) -> None:
    tables = "gpu_samples, gpu_series, load_samples, load_series, sampling_gaps, job_use"
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as connection:
        await connection.execute(f"TRUNCATE {tables}, job_use_hours, job_use_marks".encode())
