"""Samples come into their tables once each, whatever the order, and nothing else with them."""

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.samples import SAMPLE_KINDS
from slurmfleet.contracts.shares import ShareSampled
from slurmfleet.contracts.surveys import RollCalled
from slurmfleet.contracts.use import GpuSampled, LoadSampled, SamplingMissed
from slurmfleet.store.errors import StatementError
from slurmfleet.store.pool import StorePool
from slurmfleet.store.roles import Role
from slurmfleet.store.write.facts import Applied, apply_facts
from slurmfleet.testing.builders import ALPHA, NOON
from slurmfleet.testing.samples import a_sample_of_each_kind, filled
from tests.plugins.postgres import Database

GPU = GpuSampled(
    cluster=ALPHA,
    observed_at=NOON,
    source="prometheus/dcgm",
    job_id=JobId("7"),
    submitted_at=NOON - timedelta(hours=1),
    node="gpu01",
    gpu_uuid="GPU-1",
    gpu_index=0,
    model="H100",
    utilization_pct=97.5,
    memory_used_mib=70_000,
    memory_total_mib=81_559,
    power_w=650.5,
    temperature_c=61,
)
LOAD = LoadSampled(
    cluster=ALPHA,
    observed_at=NOON,
    source="sstat",
    job_id=JobId("7"),
    submitted_at=NOON - timedelta(hours=1),
    cpu_count=8,
    cpu_utilization_pct=50,
    memory_used_mib=100,
)
TABLES = (
    *("gpu_samples", "load_samples", "sampling_gaps", "partition_samples", "share_samples"),
    *("qos_samples", "usage_samples", "occupancy_samples", "quota_samples", "surveys"),
)
CONTENTS = """
    SELECT 'gpu' AS kind, to_jsonb(sa) - 'series_id' || to_jsonb(se) - 'series_id' AS told
    FROM gpu_samples AS sa JOIN gpu_series AS se USING (series_id)
    UNION ALL
    SELECT 'load', to_jsonb(sa) - 'series_id' || to_jsonb(se) - 'series_id'
    FROM load_samples AS sa JOIN load_series AS se USING (series_id)
    UNION ALL
    SELECT 'newest', to_jsonb(ns) FROM newest_samples AS ns
    UNION ALL
    SELECT 'share', to_jsonb(sa) FROM share_samples AS sa
    UNION ALL
    SELECT 'gap', to_jsonb(sa) FROM sampling_gaps AS sa
    UNION ALL
    SELECT 'mark', to_jsonb(ma) - 'marks' FROM job_use_marks AS ma
    ORDER BY 1, 2
"""


async def selected(database: Database, query: str) -> list[dict[str, object]]:
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(query.encode())
        return await cursor.fetchall()


async def empty(database: Database) -> None:
    tables = (*TABLES, "gpu_series", "load_series", "newest_samples", "job_use_marks")
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as connection:
        await connection.execute(f"TRUNCATE {', '.join(tables)}".encode())


async def test_every_kind_but_the_roll_call_is_kept(database: Database, store_writer: StorePool):
    applied = await apply_facts(store_writer, a_sample_of_each_kind())

    assert applied == Applied(samples=len(SAMPLE_KINDS) - 1)
    counts = " UNION ALL ".join(f"SELECT '{name}' AS name FROM {name}" for name in TABLES)  # noqa: S608
    assert {row["name"] for row in await selected(database, counts)} == set(TABLES)


async def test_a_sample_told_twice_is_one_row(store_writer: StorePool):
    samples = [one for one in a_sample_of_each_kind() if not isinstance(one, RollCalled)]

    together = await apply_facts(store_writer, [*samples, *samples])
    again = await apply_facts(store_writer, samples)

    count = len(samples)
    assert together == Applied(samples=count, duplicates=count)
    assert again == Applied(duplicates=count)


async def test_a_gpu_sample_comes_back_as_it_was_told(database: Database, store_writer: StorePool):
    await apply_facts(store_writer, [GPU])

    (row,) = await selected(
        database,
        "SELECT * FROM gpu_samples JOIN gpu_series USING (series_id)",
    )
    told = {name: row[name] for name in (one.name for one in fields(GpuSampled))}
    assert GpuSampled(**told) == GPU  # pyright: ignore[reportArgumentType] by its names


async def test_what_is_told_of_a_gpu_later_is_kept_with_its_series(
    database: Database, store_writer: StorePool
):
    later = GPU.observed_at + timedelta(days=1)

    await apply_facts(store_writer, [replace(GPU, model="", memory_total_mib=None)])
    await apply_facts(store_writer, [replace(GPU, observed_at=later)])

    (row,) = await selected(database, "SELECT model, memory_total_mib, last_day FROM gpu_series")
    assert row == {"model": "H100", "memory_total_mib": 81_559, "last_day": later.date()}


ABSURD = {
    "utilization is NaN": replace(GPU, utilization_pct=math.nan),
    "utilization above 100": replace(GPU, utilization_pct=100.5),
    "endless power": replace(GPU, power_w=math.inf),
    "power beyond real": replace(GPU, power_w=1e300),
    "memory beyond integer": replace(GPU, memory_used_mib=2**40),
    "no GPU": replace(GPU, gpu_count=0),
    "CPU time is NaN": replace(LOAD, cpu_time_s=math.nan),
    "CPUs beyond integer": replace(LOAD, cpu_count=2**40),
}


@pytest.mark.parametrize("bad", ABSURD.values(), ids=ABSURD)
async def test_absurd_numbers_are_refused_as_the_values_fault(
    store_writer: StorePool, bad: GpuSampled | LoadSampled
):
    with pytest.raises(StatementError) as refused:
        await apply_facts(store_writer, [bad])

    assert refused.value.sqlstate[:2] in {"22", "23"}


async def test_nul_in_any_text_is_stored_as_a_sign_of_replacement(
    database: Database, store_writer: StorePool
):
    gpus = [
        replace(GPU, node="a\x00", model="m\x00", gpu_uuid="u\x00"),
        replace(GPU, node="a\ufffd", model="m", gpu_uuid="u\ufffd"),
    ]
    gap = replace(filled(SamplingMissed), reason="r\x00", node="n\x00")
    share = filled(ShareSampled, account="a\x00", group_tres={"t\x00": 1}, level_fs=math.inf)

    await apply_facts(store_writer, [*gpus, gap, share])

    rows = await selected(
        database,
        """
        SELECT
            se.node, se.model, ga.reason, sh.account, sh.level_fs, ns.told -> 'group_tres' AS tres
        FROM gpu_series AS se, sampling_gaps AS ga, share_samples AS sh, newest_samples AS ns
        """,
    )
    assert rows == [
        {
            "node": "a\ufffd",
            "model": "m\ufffd",
            "reason": "r\ufffd",
            "account": "a\ufffd",
            "level_fs": math.inf,
            "tres": {"t\ufffd": 1},
        }
    ]


@st.composite
def samples(draw: st.DrawFn) -> Sequence[GpuSampled | LoadSampled | SamplingMissed | ShareSampled]:
    """Give samples of few things at few moments, each fact id once."""
    found: dict[str, GpuSampled | LoadSampled | SamplingMissed | ShareSampled] = {}
    for _ in range(draw(st.integers(1, 12))):
        at = NOON + timedelta(minutes=draw(st.integers(0, 3)) * 40)
        node = draw(st.sampled_from(["", "gpu01"]))
        number = draw(st.integers(0, 50))
        kind = draw(st.sampled_from([GPU, LOAD, SamplingMissed, ShareSampled]))
        if kind is GPU:
            index = draw(st.sampled_from([None, 0, 1]))
            model = draw(st.sampled_from(["", "A100", "H100"]))
            one = replace(
                GPU, observed_at=at, node=node, gpu_index=index, model=model, memory_used_mib=number
            )
        elif kind is LOAD:
            one = replace(LOAD, observed_at=at, node=node, memory_used_mib=number)
        elif kind is SamplingMissed:
            one = filled(SamplingMissed, observed_at=at, node=node)
        else:
            one = filled(ShareSampled, observed_at=at, gpus_running=number)
        found.setdefault(one.fact_id, one)
    return list(found.values())


@pytest.mark.timeout(120)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), samples())
async def test_samples_may_come_in_any_order_in_any_batches_and_repeatedly(
    database: Database,
    data: st.DataObject,
    samples: Sequence[GpuSampled | LoadSampled | SamplingMissed | ShareSampled],
):
    again = data.draw(st.lists(st.sampled_from(samples), max_size=4))
    shuffled = data.draw(st.permutations([*samples, *again]))
    cut = data.draw(st.integers(0, len(shuffled)))

    async with StorePool(database.settings(Role.WRITER)) as pool:
        await empty(database)
        await apply_facts(pool, samples)
        in_order = await selected(database, CONTENTS)
        await empty(database)
        for batch in (shuffled[:cut], shuffled[cut:]):
            await apply_facts(pool, batch)
        in_any_order = await selected(database, CONTENTS)

    assert in_any_order == in_order
