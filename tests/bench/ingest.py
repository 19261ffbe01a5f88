"""Facts a second from a publisher through the real bus and the real projector to the store."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from uuid import UUID

from psycopg import sql

from slurmfleet.contracts.codec import PACK_SIZE, encode
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.events import Fact, JobEnded, JobStarted, JobSubmitted
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.contracts.streams import PROJECTOR
from slurmfleet.contracts.use import GpuSampled
from slurmfleet.testing.builders import a_job
from tests.bench.collector_look import CLUSTER
from tests.bench.measure import Result, at_least, medians
from tests.bench.parts import cpu_by_part, fleet_in
from tests.plugins.services import Fleet, eventually

_BUDGET = at_least(20_000)
_LIMIT_S = 300.0
_KINDS = 3
_EVENTS = sql.SQL("SELECT count(*) FROM job_events")
_SAMPLES_BUDGET = at_least(50_000)
_SAMPLES = sql.SQL("SELECT count(*) FROM gpu_samples")
_FIRST_AT = datetime(2026, 1, 1, tzinfo=UTC)
_GPUS_PER_JOB = 8
GPUS = 5_000


async def measure(*, facts: int, repetitions: int, folder: Path) -> list[Result]:
    """Measure batches of that many facts, one after the other, into one growing database.

    They are encoded before the clock starts: that is the work of collectors, on machines of theirs.
    """
    async with fleet_in(folder) as fleet:
        await fleet.start("projector")
        rates: list[float] = []
        details: list[dict[str, float]] = []
        stored = 0
        for number in range(repetitions):
            ticks = _ticks(lives(number * facts, facts))
            before = cpu_by_part(fleet)
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            for messages in ticks:
                await fleet.bus.publish_many(messages)
            publish_s = time.perf_counter() - began_s
            stored += facts
            await _until_stored(fleet, _EVENTS, stored)
            spent_s = time.perf_counter() - began_s
            rates.append(facts / spent_s)
            cpu = {name: value - before[name] for name, value in cpu_by_part(fleet).items()}
            cpu["publisher"] = time.process_time() - began_cpu_s
            details.append(
                {
                    "wall_s": spent_s,
                    "published_after_s": publish_s,
                    **{f"{name}_cpu_s": value for name, value in cpu.items()},
                }
            )
    return [
        Result(
            group="ingest",
            what=f"{facts:,} facts of {facts // _KINDS:,} new jobs, publisher to commit",
            unit="facts/s",
            value=median(rates),
            budget=_BUDGET,
            repetitions=repetitions,
            detail=medians(details),
        )
    ]


async def measure_samples(*, samples: int, repetitions: int, folder: Path) -> list[Result]:
    """Measure GPU samples in the same way, of a fleet of 5,000 GPUs of 8 to a job."""
    async with fleet_in(folder) as fleet:
        await fleet.start("projector")
        rates: list[float] = []
        details: list[dict[str, float]] = []
        for number in range(repetitions):
            told = gpu_samples(samples, first_at=_FIRST_AT + timedelta(hours=number))
            messages = list(encode(told, source="/collector/bench"))
            before, began_s = cpu_by_part(fleet), time.perf_counter()
            await fleet.bus.publish_many(messages)
            await _until_stored(fleet, _SAMPLES, samples * (number + 1))
            spent_s = time.perf_counter() - began_s
            rates.append(samples / spent_s)
            cpu = {name: value - before[name] for name, value in cpu_by_part(fleet).items()}
            parts = {f"{name}_cpu_s": value for name, value in cpu.items()}
            details.append({"wall_s": spent_s, **parts})
    return [
        Result(
            group="ingest",
            what=f"{samples:,} samples of {GPUS:,} GPUs, publisher to commit",
            unit="samples/s",
            value=median(rates),
            budget=_SAMPLES_BUDGET,
            repetitions=repetitions,
            detail=medians(details),
        )
    ]


def gpu_samples(count: int, *, first_at: datetime) -> Iterator[GpuSampled]:
    """Give samples as `prometheus/dcgm` tells them: every 30 s one of each GPU."""
    for number in range(count):
        moment, gpu = divmod(number, GPUS)
        job = gpu // _GPUS_PER_JOB
        yield GpuSampled(
            cluster=CLUSTER,
            observed_at=first_at + timedelta(seconds=30 * moment),
            source="prometheus/dcgm",
            job_id=JobId(str(1_000_000 + job)),
            submitted_at=_FIRST_AT - timedelta(hours=1, seconds=job),
            node=f"gpu{job:04d}",
            gpu_uuid=str(UUID(int=gpu)),
            gpu_index=gpu % _GPUS_PER_JOB,
            model="NVIDIA H100 80GB HBM3",
            utilization_pct=(number * 7919 % 1_001) / 10,
            memory_used_mib=40_000 + number * 104_729 % 40_000,
            memory_total_mib=81_559,
            power_w=300 + (number * 3_571 % 4_000) / 10,
            temperature_c=40.0 + gpu % 40,
        )


def _ticks(facts: Iterator[Fact]) -> list[list[Message]]:
    """Encode as collectors' ticks do, in packs, ten to a tick."""
    ticks: list[list[Message]] = []
    while tick := list(islice(facts, 10 * PACK_SIZE)):
        ticks.append(list(encode(tick, source="/collector/bench")))
    return ticks


async def _until_stored(fleet: Fleet, query: sql.SQL, rows: int) -> None:
    """Wait until all is acknowledged, which is after its commit; counting rows would cost more."""
    consumer = await fleet.bus.consumer(PROJECTOR)

    async def is_all_read() -> bool:
        return await consumer.pending() == 0

    await eventually(is_all_read, limit_s=_LIMIT_S)
    if (stored := await fleet.count(query)) != rows:
        raise RuntimeError(f"{stored} rows are stored where {rows} were told")


def lives(first_id: int, facts: int) -> Iterator[Fact]:
    """Give the facts of whole lives: all submissions, then all starts, then all ends."""
    now = datetime.now(tz=UTC)
    waiting = [
        a_job(str(1_000_000 + first_id + number), submitted_at=now)
        for number in range(facts // _KINDS)
    ]
    running = [_later(job, now, JobState.RUNNING) for job in waiting]
    ended = [_later(job, now, JobState.COMPLETED) for job in waiting]
    lives = ((JobSubmitted, waiting), (JobStarted, running), (JobEnded, ended))
    for place, (kind, jobs) in enumerate(lives):
        for job in jobs:
            yield kind(
                cluster=CLUSTER,
                job=job,
                observed_at=now + timedelta(seconds=place),
                revision=int(now.timestamp() * 1_000_000) + place,
                source=Evidence.QUEUE,
            )


def _later(job: Job, now: datetime, state: JobState) -> Job:
    return a_job(
        job.job_id,
        submitted_at=job.submitted_at,
        state=state,
        reason="",
        started_at=now + timedelta(seconds=1),
        ended_at=now + timedelta(seconds=2) if state.is_terminal else None,
        node_list="gpu01",
    )
