"""CPU time and memory of one look at a big queue: read, decide, encode, write down.

A process of its own makes the looks, so that its memory is that of a collector and of nothing
else; the answers of the login node are made beforehand and lie in files.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from services.collector.book import Book
from services.collector.jobs.diff import hot_users
from services.collector.jobs.tracked import Outcome
from services.collector.looks.reading import Asked, Reading, read_frames
from services.collector.state import StateFile
from slurmfleet.contracts.events import PollFinished
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.slurm.frames import Frames, parse_frames
from slurmfleet.slurm.records import NO_RECORDS, Records, separators_for
from slurmfleet.testing.builders import a_poll
from slurmfleet.timing.clock import SystemClock
from tests.bench.measure import Budget, Result, at_most, medians, peak_rss_mib
from tests.bench.queue_text import EPOCH_S, NONCE, SECTIONS, fake_queue

CLUSTER = ClusterName("alpha")
CHANGED_SHARE = 0.01
_BUDGETS_MS = {10_000: at_most(150), 100_000: at_most(1_500)}
_RSS_BUDGETS_MIB = {100_000: at_most(400)}
_FIRST, _STEADY, _MOVED = "first", "steady", "priorities moved"
_TITLES = {
    _FIRST: "first look: every job is news",
    _STEADY: "steady look: 1 % of the jobs moved on",
    _MOVED: "the same, and every waiting job's priority moved",
}
_LIMIT_S = 600.0


@dataclass(slots=True, kw_only=True)
class Looker:
    """A collector's look from bytes to disk, strung together as in `looks/watch.py`."""

    book: Book
    records: Records = field(default_factory=lambda: NO_RECORDS)
    spent_ms: dict[str, float] = field(default_factory=dict[str, float])
    """CPU time of each step of the last look, on all threads."""

    async def look(self, answer: list[bytes], at: datetime) -> Outcome:
        """Make one look; what was sent before counts as acknowledged.

        The answer is taken out of its list, as the collector lets go of it once it is read.
        """
        self.spent_ms = {}
        began_s = time.process_time()
        reading = self._read(parse_frames(answer.pop(), NONCE), at)
        self.spent_ms["read"] = (time.process_time() - began_s) * 1_000
        began_s = time.process_time()
        outcome = await self.book.take(reading.look, lambda _: [_poll(reading, at)])
        self.spent_ms["conclude"] = (time.process_time() - began_s) * 1_000
        began_s = time.process_time()
        hot_users(self.book.memory, at - timedelta(seconds=60))
        self.spent_ms["pace"] = (time.process_time() - began_s) * 1_000
        return outcome

    def _read(self, frames: Frames, at: datetime) -> Reading:
        asked = Asked(names=SECTIONS, separators=separators_for(NONCE), known=self.records)
        reading = read_frames(frames, asked, observed_at=at)
        self.records = reading.records
        return reading


def _poll(reading: Reading, at: datetime) -> PollFinished:
    return a_poll(
        started_at=at,
        finished_at=at,
        sections=reading.sections,
        population=reading.population,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one look took."""

    kind: str
    facts: int
    cpu_ms: float
    wall_ms: float
    steps_ms: dict[str, float]


def measure(*, jobs: int, repetitions: int, folder: Path) -> list[Result]:
    """Measure the looks at a queue of that many records."""
    kinds = [_FIRST, *[_STEADY] * repetitions, *[_MOVED] * repetitions]
    queue = fake_queue(jobs)
    paths: list[Path] = []
    for number, kind in enumerate(kinds):
        if kind != _FIRST:
            queue.advance(share=CHANGED_SHARE)
        if kind == _MOVED:
            queue.move_priorities()
        paths.append(folder / f"{number}.answer")
        paths[-1].write_bytes(queue.answer())
    plan = json.dumps([[kind, str(path)] for kind, path in zip(kinds, paths, strict=True)])
    made = subprocess.run(
        [sys.executable, "-m", __name__, str(folder / "state.sqlite")],
        input=plan,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_LIMIT_S,
    )
    told = json.loads(made.stdout)
    looks = [Spent(**one) for one in told["looks"]]
    return [*_results(jobs, looks), _memory(jobs, told["peak_rss_mib"])]


def _results(jobs: int, looks: Sequence[Spent]) -> list[Result]:
    results: list[Result] = []
    for kind, title in _TITLES.items():
        mine = [look for look in looks if look.kind == kind]
        beside = [
            {
                "wall_ms": look.wall_ms,
                "facts": float(look.facts),
                **{f"{step}_cpu_ms": spent for step, spent in look.steps_ms.items()},
            }
            for look in mine
        ]
        results.append(
            Result(
                group=f"collector, {jobs:,} jobs",
                what=title,
                unit="ms CPU",
                value=median(look.cpu_ms for look in mine),
                budget=_BUDGETS_MS.get(jobs),
                repetitions=len(mine),
                detail=medians(beside),
            )
        )
    return results


def _memory(jobs: int, peak_mib: float) -> Result:
    budget: Budget | None = _RSS_BUDGETS_MIB.get(jobs)
    return Result(
        group=f"collector, {jobs:,} jobs",
        what="most memory during all of these looks",
        unit="MiB RSS",
        value=peak_mib,
        budget=budget,
    )


async def _look_at_files(state_path: Path, plan: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Make the looks of a plan and tell what they took; runs in the child."""
    at = datetime.fromtimestamp(EPOCH_S, tz=UTC)
    looks: list[dict[str, object]] = []
    with StateFile(state_path) as state:
        book = Book(CLUSTER, state=state, clock=SystemClock(), on_queued=lambda: None)
        await book.open()
        looker = Looker(book=book)
        for kind, path in plan:
            at += timedelta(minutes=1)
            answer = [await asyncio.to_thread(Path(path).read_bytes)]
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            outcome = await looker.look(answer, at)
            cpu_ms = (time.process_time() - began_cpu_s) * 1_000
            wall_ms = (time.perf_counter() - began_s) * 1_000
            looks.append(
                {
                    "kind": kind,
                    "facts": len(outcome.facts),
                    "cpu_ms": cpu_ms,
                    "wall_ms": wall_ms,
                    "steps_ms": looker.spent_ms,
                }
            )
    return {"looks": looks, "peak_rss_mib": peak_rss_mib()}


if __name__ == "__main__":
    told = asyncio.run(_look_at_files(Path(sys.argv[1]), json.loads(sys.stdin.read())))
    sys.stdout.write(json.dumps(told))
