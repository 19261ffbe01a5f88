"""Measure the spine against its budgets: `python -m tests.bench [--quick] [--json]`.

The exit status says whether it could be measured, never whether a budget was met: numbers of a
machine that others use too are for people to judge.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import (
    collector_look,
    ingest,
    machine,
    reads,
    scale,
    sizes,
    slurm_requests,
    table,
    visible,
)
from tests.bench.measure import Result
from tests.bench.parts import fill_with_live_jobs, fleet_in

GROUPS = ("machine", "collector", "ingest", "reads", "visible", "requests", "sizes")
ON_REQUEST = ("scale",)
"""Only where they are named: they take half an hour and 30 GiB of disk."""

_WIDTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    name: str
    queues: tuple[int, ...]
    """Jobs in the queues that the collector looks at."""

    looks: int
    facts: int
    """Told at once; a multiple of three."""

    samples: int
    """Of GPUs, told at once."""

    batches: int
    live_jobs: int
    requests: int
    rounds: int
    changes: int
    window_s: float
    """For which a real Slurm's own count is watched."""


QUICK = Size(
    name="quick",
    queues=(10_000,),
    looks=3,
    facts=30_000,
    samples=100_000,
    batches=3,
    live_jobs=100_000,
    requests=200,
    rounds=3,
    changes=50,
    window_s=100,
)
FULL = Size(
    name="full",
    queues=(10_000, 100_000),
    looks=5,
    facts=90_000,
    samples=200_000,
    batches=5,
    live_jobs=100_000,
    requests=1_000,
    rounds=5,
    changes=300,
    window_s=340,
)


@dataclass(slots=True, kw_only=True)
class Bench:
    """One run: the parts in order, with what they gave."""

    size: Size
    groups: Sequence[str]
    folder: Path
    progress: Progress
    results: list[Result]
    scale: tuple[int, int]
    """Jobs, and GPU samples, of the group `scale`."""

    async def run(self) -> None:
        """Measure every group that was asked for."""
        if "machine" in self.groups:
            self._begin("the machine")
            self.results += machine.measure(self.folder)
        if "collector" in self.groups:
            for jobs in self.size.queues:
                self._begin(f"the collector's look at {jobs:,} jobs")
                self.results += collector_look.measure(
                    jobs=jobs, repetitions=self.size.looks, folder=self._subfolder(f"look-{jobs}")
                )
        if "ingest" in self.groups:
            self._begin("facts through bus and projector into the store")
            self.results += await ingest.measure(
                facts=self.size.facts,
                repetitions=self.size.batches,
                folder=self._subfolder("ingest"),
            )
            self._begin("samples through bus and projector into the store")
            self.results += await ingest.measure_samples(
                samples=self.size.samples,
                repetitions=self.size.batches,
                folder=self._subfolder("samples"),
            )
        if {"reads", "visible"} & set(self.groups):
            await self._measure_readers()
        if "sizes" in self.groups:
            self._begin("bytes of what is stored")
            self.results += await sizes.measure(
                samples=self.size.samples, folder=self._subfolder("sizes")
            )
        if "requests" in self.groups:
            self._begin("requests that real Slurms count, for minutes")
            self.results += await slurm_requests.measure(
                window_s=self.size.window_s, folder=self._subfolder("requests")
            )

        if "scale" in self.groups:
            self._begin("a large store")
            jobs, samples = self.scale
            self.results += await scale.measure(
                jobs=jobs, samples=samples, folder=self._subfolder("scale"), say=self._say
            )

    def _say(self, what: str) -> None:
        self.progress.update(self.progress.task_ids[0], description=what)

    async def _measure_readers(self) -> None:
        """Measure what needs a store full of live jobs."""
        self._begin(f"filling a store with {self.size.live_jobs:,} live jobs")
        async with fleet_in(self._subfolder("readers")) as fleet:
            jobs = await fill_with_live_jobs(fleet, self.size.live_jobs)
            if "reads" in self.groups:
                self._begin("REST and MCP")
                self.results += await reads.measure(
                    fleet, jobs, requests=self.size.requests, repetitions=self.size.rounds
                )
            if "visible" in self.groups:
                self._begin("from a change to a client of the event stream")
                self.results += await visible.measure(fleet, changes=self.size.changes)

    def _begin(self, what: str) -> None:
        task = self.progress.task_ids[0]
        self.progress.update(task, advance=1, description=what)

    def _subfolder(self, name: str) -> Path:
        made = self.folder / name
        made.mkdir()
        return made

    @property
    def steps(self) -> int:
        """How many steps there will be."""
        alone = len(
            set(self.groups)
            & {"machine", "ingest", "reads", "visible", "requests", "sizes", "scale"}
        )
        looks = len(self.size.queues) if "collector" in self.groups else 0
        twice = "ingest" in self.groups
        return alone + twice + looks + bool({"reads", "visible"} & set(self.groups))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and show what came out."""
    options = _options(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    size = QUICK if options.quick else FULL
    bar = Progress(
        TextColumn("{task.completed}/{task.total}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="slurmfleet-bench-", dir=options.folder) as folder, bar:
        bench = Bench(
            size=size,
            groups=options.only or GROUPS,
            folder=Path(folder),
            progress=bar,
            results=results,
            scale=(options.scale_jobs, options.scale_samples),
        )
        bar.add_task("", total=bench.steps)
        asyncio.run(bench.run())
    if options.json:
        sys.stdout.write(table.as_json(results, size=size.name) + "\n")
    else:
        console = Console(width=None if sys.stdout.isatty() else _WIDTH)
        console.print(table.as_table(results, size=size.name))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measure the spine of slurmfleet against its budgets."
    )
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="small sizes: a few minutes")
    sizes.add_argument("--full", action="store_true", help="all sizes (the default): minutes")
    parser.add_argument("--json", action="store_true", help="JSON on standard output, no table")
    parser.add_argument(
        "--only",
        action="append",
        choices=(*GROUPS, *ON_REQUEST),
        help="this group alone; may be repeated",
    )
    parser.add_argument(
        "--folder", type=Path, help="where databases are made; the disk matters (default: TMPDIR)"
    )
    parser.add_argument("--scale-jobs", type=int, default=5_000_000, help="jobs of the group scale")
    parser.add_argument(
        "--scale-samples", type=int, default=100_000_000, help="GPU samples of the group scale"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
