"""How many bytes on disk a job, a fact and a sample take, indexes included, on each edition here.

A row of a table that grows is measured in a table of many; what stands once per series is shown by
itself. `SLURMFLEET_TEST_TIMESCALE_DSN` names a server with TimescaleDB; without it that edition is
left out.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from slurmfleet.contracts.capacity import GpuDemand, GpuTally, PartitionSampled
from slurmfleet.contracts.events import Fact
from slurmfleet.contracts.quotas import QuotaKind, QuotaSampled
from slurmfleet.contracts.sample import Topic
from slurmfleet.contracts.shares import ShareSampled
from slurmfleet.contracts.surveys import SurveyFinished
from slurmfleet.contracts.use import LoadSampled
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.postgres_server import PostgresServerOptions, postgres_server
from slurmfleet.store.pool import StorePool
from slurmfleet.store.roles import Role, let_in
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.job_use import AT_ONCE, roll_up_job_use
from slurmfleet.timing.clock import SystemClock
from tests.bench.collector_look import CLUSTER
from tests.bench.ingest import GPUS, gpu_samples, lives
from tests.bench.measure import Result
from tests.plugins.postgres import PASSWORDS, Database, DatabaseServer, database_on

_BATCH = 20_000
_FIRST_AT = datetime(2026, 1, 1, tzinfo=UTC)
_TABLES = {
    "jobs": "job",
    "job_events": "fact about a job",
    "gpu_samples": "GPU sample",
    "gpu_series": "GPU series: one per job and GPU",
    "load_samples": "load sample",
    "load_series": "load series: one per job and node",
    "partition_samples": "partition sample",
    "share_samples": "share sample",
    "quota_samples": "quota sample",
    "surveys": "survey",
    "newest_samples": "newest sample: one per thing",
    "job_use_hours": "hour of use of a job",
    "job_use": "use of a job",
}
_SIZE = sql.SQL("SELECT pg_total_relation_size({table}::regclass)")
_HYPERTABLE_SIZE = sql.SQL("SELECT hypertable_size({table}::regclass)")
_IS_HYPERTABLE = sql.SQL(
    "SELECT count(*) FROM timescaledb_information.hypertables AS hy"
    " WHERE hy.hypertable_name = {table}"
)
_HAS_TIMESCALE = sql.SQL("SELECT count(*) FROM pg_extension AS ex WHERE ex.extname = 'timescaledb'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much is stored before it is measured."""

    gpu_samples: int

    def facts(self) -> Iterator[Fact]:
        """Give jobs with their lives, and samples of all that grows."""
        yield from lives(0, 30_000)
        yield from gpu_samples(self.gpu_samples, first_at=_FIRST_AT)
        yield from _loads(self.gpu_samples // 5)
        for step in range(1_000):
            at = _FIRST_AT + timedelta(minutes=3 * step)
            yield from (_partition(at, number) for number in range(20))
            yield from (_share(at, number) for number in range(40))
            yield from (_quota(at, number) for number in range(10))
            yield from (_survey(at, topic) for topic in Topic)


async def measure(*, samples: int, folder: Path) -> list[Result]:
    """Measure each edition that there is a server for."""
    load = Load(gpu_samples=samples)
    results: list[Result] = []
    options = PostgresServerOptions(data_dir=folder, port=free_port())
    async with postgres_server(options, SystemClock()) as embedded:
        server = DatabaseServer(superuser_dsn=embedded.dsn(), template=None)
        results += await _measure_on(server, load, "plain")
    if dsn := os.environ.get("SLURMFLEET_TEST_TIMESCALE_DSN", ""):
        server = DatabaseServer(superuser_dsn=dsn, template=None)
        results += await _measure_on(server, load, "apache")
    return results


async def _measure_on(server: DatabaseServer, load: Load, edition: str) -> list[Result]:
    async with database_on(server) as database:
        await let_in(database.superuser_dsn, PASSWORDS)
        await _fill(database, load)
        async with await psycopg.AsyncConnection.connect(
            database.superuser_dsn, autocommit=True
        ) as connection:
            await connection.execute("VACUUM ANALYZE")
            return [
                await _size(connection, table, f"{what}, {edition}")
                for table, what in _TABLES.items()
            ]


async def _fill(database: Database, load: Load) -> None:
    async with StorePool(database.settings(Role.WRITER)) as pool:
        batch: list[Fact] = []
        for fact in load.facts():
            batch.append(fact)
            if len(batch) == _BATCH:
                await apply_facts(pool, batch)
                batch = []
        await apply_facts(pool, batch)
        while await roll_up_job_use(pool) == AT_ONCE:
            pass


async def _size(connection: psycopg.AsyncConnection, table: str, what: str) -> Result:
    name = sql.Literal(table)
    is_hypertable = bool(await _number(connection, _HAS_TIMESCALE)) and bool(
        await _number(connection, _IS_HYPERTABLE.format(table=name))
    )
    measured = _HYPERTABLE_SIZE if is_hypertable else _SIZE
    size_bytes = await _number(connection, measured.format(table=name))
    count = sql.SQL("SELECT count(*) FROM {table}").format(table=sql.Identifier(table))
    rows = await _number(connection, count)
    return Result(
        group="sizes",
        what=what,
        unit="bytes/row",
        value=size_bytes / rows if rows else None,
        detail={"rows": float(rows)},
    )


async def _number(connection: psycopg.AsyncConnection, query: sql.SQL | sql.Composed) -> int:
    (value,) = await (await connection.execute(query)).fetchone() or (0,)
    return int(value)


def _loads(count: int) -> Iterator[LoadSampled]:
    """Give samples of the same jobs, one node each."""
    jobs = list(gpu_samples(GPUS, first_at=_FIRST_AT))[::8]
    for number in range(count):
        step, place = divmod(number, len(jobs))
        yield LoadSampled(
            cluster=CLUSTER,
            observed_at=_FIRST_AT + timedelta(seconds=30 * step),
            source="sstat",
            job_id=jobs[place].job_id,
            submitted_at=jobs[place].submitted_at,
            span_s=30,
            cpu_count=64,
            cpu_utilization_pct=number % 1_000 / 10,
            cpu_time_s=number / 3,
            memory_used_mib=100_000 + number % 9_999,
            memory_peak_mib=120_000,
            disk_read_mib=number / 7,
            disk_written_mib=number / 9,
        )


def _partition(at: datetime, number: int) -> PartitionSampled:
    tally = GpuTally(gpu_type="h100", total=800, allocated=700, free=60, offline=24, blocked=16)
    return PartitionSampled(
        cluster=CLUSTER,
        observed_at=at,
        source="scontrol",
        partition=f"partition{number}",
        gpu_source="alloc_tres",
        nodes_total=100,
        nodes_by_state={"mixed": 60, "allocated": 30, "idle": 7, "drained": 3},
        cpus_total=12_800,
        cpus_allocated=9_000,
        cpus_free=3_000,
        memory_total_mib=204_800_000,
        memory_free_mib=50_000_000,
        gpus=(tally,),
        demand=(GpuDemand(gpu_type="", jobs=120, gpus=960, eligible_jobs=100, eligible_gpus=800),),
        demand_is_known=True,
    )


def _share(at: datetime, number: int) -> ShareSampled:
    return ShareSampled(
        cluster=CLUSTER,
        observed_at=at,
        source="sshare",
        account=f"account{number // 8}",
        user=f"user{number}" if number % 8 else "",
        raw_shares=1,
        norm_shares=0.0125,
        raw_usage_s=1e9 + number,
        norm_usage=0.021,
        effective_usage=0.021,
        fair_share=0.31,
        level_fs=0.6,
        gpus_running=number,
        gpus_pending=4,
        gpu_head_room=12,
        head_room_told=True,
    )


def _quota(at: datetime, number: int) -> QuotaSampled:
    return QuotaSampled(
        cluster=CLUSTER,
        observed_at=at,
        source="lustre",
        path=f"/scratch/project{number}",
        file_system="/scratch",
        kind=QuotaKind.PROJECT,
        owner=f"project{number}",
        used_bytes=10**13 + number,
        soft_limit_bytes=2 * 10**13,
        hard_limit_bytes=2 * 10**13,
        files=1_000_000,
    )


def _survey(at: datetime, topic: Topic) -> SurveyFinished:
    return SurveyFinished(
        cluster=CLUSTER,
        observed_at=at,
        source="scontrol",
        topic=topic,
        started_at=at - timedelta(seconds=2),
        ok=True,
        interval_s=180,
        facts=21,
        slurm_rpcs=4,
    )
