"""Facts a second from a publisher through the real bus and the real projector to the store."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from psycopg import sql

from slurmfleet.contracts.codec import PACK_SIZE
from slurmfleet.contracts.events import Fact, JobEnded, JobStarted, JobSubmitted
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.testing.builders import a_job
from tests.bench.collector_look import CLUSTER
from tests.bench.measure import Result, at_least, medians
from tests.bench.parts import cpu_by_part, fleet_in
from tests.plugins.services import Fleet, eventually

_BUDGET = at_least(20_000)
_LIMIT_S = 300.0
_KINDS = 3
_EVENTS = sql.SQL("SELECT count(*) FROM job_events")


async def measure(*, facts: int, repetitions: int, folder: Path) -> list[Result]:
    """Measure batches of that many facts, one after the other, into one growing database."""
    async with fleet_in(folder) as fleet:
        await fleet.start("projector")
        rates: list[float] = []
        details: list[dict[str, float]] = []
        stored = 0
        for number in range(repetitions):
            told = list(_lives(number * facts, facts))
            before = cpu_by_part(fleet)
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            publish_s = await _publish(fleet, told)
            stored += len(told)
            await _until_stored(fleet, stored)
            spent_s = time.perf_counter() - began_s
            rates.append(len(told) / spent_s)
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


async def _publish(fleet: Fleet, facts: list[Fact]) -> float:
    """Publish as a collector's ticks do, in packs; give the seconds until all were stored."""
    began_s = time.perf_counter()
    for start in range(0, len(facts), 10 * PACK_SIZE):
        await fleet.tell(facts[start : start + 10 * PACK_SIZE])
    return time.perf_counter() - began_s


async def _until_stored(fleet: Fleet, events: int) -> None:
    async def all_there() -> bool:
        return await fleet.count(_EVENTS) >= events

    await eventually(all_there, limit_s=_LIMIT_S)


def _lives(first_id: int, facts: int) -> Iterator[Fact]:
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
