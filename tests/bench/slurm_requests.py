"""How many requests a collector with its defaults makes of a real Slurm, as Slurm counts them.

Each real cluster gets a long queue of somebody else's held jobs, and three users with a collector
each, all of them at once, as sdiag tells users apart: one of whom nothing runs, one with running
jobs, and one who asks for looks without a pause, alone and then with many others.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from services.collector.station import Station
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.sample import Topic
from tests.bench.measure import Result, at_most
from tests.harness.requests import (
    accounting_requests_of,
    counted,
    logins_of,
    of_controller,
    requests_of,
    surveys_per_s,
)
from tests.harness.sites import (
    FAST,
    RealSite,
    installed_clusters,
    no_real_slurm,
    real_sites,
    submit,
)
from tests.harness.stations import keep_asking, running_station

GROUP = "requests"
MOST_PER_S = 0.2
QUIET, BUSY, ASKING, FILLER = "carol", "bob", "alice", "dave"
MANY = 30
RUNNING = 4
"""Jobs of `BUSY`: as many as sstat is asked about in a minute at most."""

RECORDS = {"alpha": 9_900, "beta": 10_100, "gamma": 9_900}
"""From 10,000 records on looks are made once a minute: just below, a cluster is asked most."""

HOT_S = 65.0
"""A first look finds every job new, and looks are quick for two intervals after it."""

SETTLED_WITHIN_S = 240.0
ANSWERING = frozenset({Topic.CAPACITY, Topic.SHARES, Topic.LIMITS, Topic.USAGE, Topic.QUOTAS})
"""Surveys that tell something whatever runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted of one user's requests up to a moment."""

    at_s: float
    by_controller: int
    by_accounting: int
    ours: Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was counted of one user's requests between two moments."""

    before: Counts
    after: Counts

    @property
    def length_s(self) -> float:
        """How long it was."""
        return self.after.at_s - self.before.at_s

    @property
    def per_s(self) -> float:
        """Requests to the controller a second, as the controller counted them."""
        return (self.after.by_controller - self.before.by_controller) / self.length_s

    @property
    def ours(self) -> Counter[str]:
        """Requests by command, as we counted them."""
        return self.after.ours - self.before.ours

    @property
    def long_run_per_s(self) -> float:
        """The same over hours: looks and samples as counted, each survey by what it costs."""
        repeated = self.ours["squeue"] + self.ours["sstat"]
        return repeated / self.length_s + surveys_per_s()

    @property
    def detail(self) -> dict[str, float]:
        """What stands beside the number."""
        at_accounting = self.after.by_accounting - self.before.by_accounting
        by_command = {f"{name}_requests": float(n) for name, n in sorted(self.ours.items())}
        return {
            "own_count_per_s": of_controller(self.ours) / self.length_s,
            **by_command,
            "at_slurmdbd_per_s": at_accounting / self.length_s,
            "window_s": self.length_s,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One user of a cluster, and the collector that follows this user's jobs."""

    site: RealSite
    config: ClusterConfig
    station: Station
    logins_before: int

    async def count(self) -> Counts:
        """Wait until a look is over, so that a window holds whole rounds, and count."""
        last = self.station.watch.last
        await _until(lambda: self.station.watch.last is not last, SETTLED_WITHIN_S)
        return await self.count_now()

    async def count_now(self) -> Counts:
        """Count, in the middle of whatever goes on."""
        at_s = time.monotonic()
        return Counts(
            at_s=at_s,
            by_controller=await asyncio.to_thread(requests_of, self.site),
            by_accounting=await asyncio.to_thread(accounting_requests_of, self.site),
            ours=counted(self.config.name),
        )

    @property
    def has_settled(self) -> bool:
        """Whether every survey has answered once; what runs has then been found long ago."""
        return all(one.last is not None for one in self.station.surveys if one.topic in ANSWERING)

    @property
    def connections(self) -> dict[str, float]:
        """How often it has connected and logged in, as either side says."""
        logins = logins_of(self.site) - self.logins_before
        return {"connections": float(self.station.link.connections_opened), "logins": float(logins)}


async def measure(*, window_s: float, folder: Path) -> list[Result]:
    """Measure on every real cluster that is installed, all at once."""
    if why := no_real_slurm():
        return [absent(why)]
    names = installed_clusters()
    with real_sites(names) as sites:
        async with asyncio.TaskGroup() as group:
            measuring = [
                group.create_task(_measure_one(sites[name], window_s=window_s, folder=folder))
                for name in names
            ]
    return [result for one in measuring for result in one.result()]


def absent(why: str) -> Result:
    """Give the line of a machine without a real Slurm."""
    return Result(
        group=GROUP,
        what="of a collector with its defaults, counted by sdiag",
        unit="requests/s",
        value=None,
        budget=at_most(MOST_PER_S),
        remark=why,
    )


async def _measure_one(site: RealSite, *, window_s: float, folder: Path) -> list[Result]:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_queue(site, for_s=2 * SETTLED_WITHIN_S + window_s))
        quiet, busy, asking = [
            await stack.enter_async_context(_watched(replace(site, user=user), folder))
            for user in (QUIET, BUSY, ASKING)
        ]
        everybody = (quiet, busy, asking)
        await asyncio.sleep(HOT_S)
        await _until(lambda: all(one.has_settled for one in everybody), SETTLED_WITHIN_S)
        async with asyncio.TaskGroup() as group:
            still = group.create_task(_window(quiet, window_s))
            running = group.create_task(_window(busy, window_s))
            asked = group.create_task(_asked(asking, window_s / 2))
        name = f"{GROUP}, Slurm {site.about['slurm_version']}, {_rows(quiet):,} records"
        alone, many = asked.result()
        return [
            *steady(name, "nothing of the user's runs", still.result(), quiet.connections),
            *steady(name, f"{RUNNING} of the user's jobs run", running.result(), busy.connections),
            *pressed(name, alone, many, asking.config.rpcs_per_minute / 60),
        ]


async def _window(watched: Watched, window_s: float) -> Window:
    before = await watched.count()
    await asyncio.sleep(window_s)
    return Window(before=before, after=await watched.count())


async def _asked(watched: Watched, window_s: float) -> tuple[Window, Window]:
    """Let one person ask without a pause, and then many."""
    # The first seconds use up what the budget had saved, which belongs to neither.
    await keep_asking(watched.station, people=1, for_s=window_s / 2)
    windows: list[Window] = []
    for people in (1, MANY):
        before = await watched.count_now()
        await keep_asking(watched.station, people=people, for_s=window_s)
        windows.append(Window(before=before, after=await watched.count_now()))
    alone, many = windows
    return alone, many


def _rows(watched: Watched) -> int:
    last = watched.station.watch.last
    assert last is not None
    assert last.reading is not None
    return last.reading.queue_rows or 0


def steady(group: str, what: str, window: Window, connections: dict[str, float]) -> list[Result]:
    """Give what one user's collector asks when nobody asks it for anything."""
    return [
        Result(
            group=group,
            what=f"steady, {what}, by sdiag",
            unit="requests/s",
            value=window.per_s,
            budget=at_most(MOST_PER_S),
            detail={**window.detail, **connections},
        ),
        Result(
            group=group,
            what="the same in the long run, rarer surveys by their cost",
            unit="requests/s",
            value=window.long_run_per_s,
            budget=at_most(MOST_PER_S),
            detail={"surveys_per_s": surveys_per_s()},
        ),
    ]


def pressed(group: str, alone: Window, many: Window, allowed_per_s: float) -> list[Result]:
    """Give what a collector asks while people ask for looks without a pause."""
    return [
        Result(
            group=group,
            what="one person asks for looks without a pause, by sdiag",
            unit="requests/s",
            value=alone.per_s,
            detail={"allowed_per_s": allowed_per_s, "window_s": alone.length_s},
        ),
        Result(
            group=group,
            what=f"{MANY} people do",
            unit="requests/s",
            value=many.per_s,
            detail={"ratio_to_one": many.per_s / alone.per_s, "window_s": many.length_s},
        ),
    ]


@asynccontextmanager
async def _watched(site: RealSite, folder: Path) -> AsyncGenerator[Watched]:
    """Follow the jobs of the site's user with what a newly added cluster has."""
    defaults = {name: value for name, value in site.config.items() if name not in FAST}
    name = f"{site.name}-{site.user}"
    config = ClusterConfig.model_validate({**defaults, "name": name})
    logins = logins_of(site)
    async with running_station(config, folder / f"{name}.sqlite") as station:
        yield Watched(site=site, config=config, station=station, logins_before=logins)


@asynccontextmanager
async def _queue(site: RealSite, *, for_s: float) -> AsyncGenerator[None]:
    """Fill a cluster's queue while the body runs."""
    made: list[tuple[RealSite, str]] = []
    try:
        await asyncio.to_thread(_fill, site, made, for_s)
        yield
    finally:
        await asyncio.to_thread(_cancel, made)


def _fill(site: RealSite, made: list[tuple[RealSite, str]], for_s: float) -> None:
    def put(user: str, *arguments: str, runs_s: float = 1) -> str:
        owner = replace(site, user=user)
        job_id = submit(owner, *arguments, runs_s=runs_s)
        made.append((owner, job_id))
        return job_id

    for _ in range(RUNNING):
        put(BUSY, "--mem=100", runs_s=for_s)
    # They wait for nodes that are in use, so that Slurm goes on estimating when they start.
    put(QUIET, "--exclusive", "--nodes=2", "--array=1-5")
    for user in (QUIET, ASKING):
        put(user, "--hold", "--array=1-5")
    tasks = RECORDS.get(site.name, 9_900)
    array = put(FILLER, "--hold", f"--array=1-{tasks}")
    # A task that differs from the others is a record of its own; the last one stays the array's.
    replace(site, user=FILLER).run(f"scontrol update jobid={array}_[1-{tasks - 1}] jobname=own")


def _cancel(made: Sequence[tuple[RealSite, str]]) -> None:
    for owner, job_id in made:
        owner.run(f"scancel {job_id}")


async def _until(holds: Callable[[], bool], limit_s: float) -> None:
    async with asyncio.timeout(limit_s):
        while not holds():  # noqa: ASYNC110 a look and a survey tell no event
            await asyncio.sleep(0.2)
