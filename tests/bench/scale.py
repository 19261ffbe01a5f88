"""The hottest reads on a store of millions of jobs: how long, and by which indexes.

A plan that walks through a whole large table is told as such: it is fast today and slow next year.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from psycopg import sql

from slurmfleet.contracts.ids import JobKey
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.postgres_server import PostgresServerOptions, postgres_server
from slurmfleet.store.migrate import migrate
from slurmfleet.store.pool import Params, Row, StorePool, StoreSettings
from slurmfleet.store.read.clusters import list_clusters
from slurmfleet.store.read.events import EventFilter, events_after
from slurmfleet.store.read.jobs import JobFilter, get_job, job_timeline, list_jobs
from slurmfleet.store.read.samples import job_gpu_points
from slurmfleet.store.read.usage import UsageBy, UsageFilter, read_usage
from slurmfleet.store.statements import statement
from slurmfleet.store.write.usage import work_out_usage
from slurmfleet.timing.clock import SystemClock
from tests.bench.measure import Budget, Result, at_most, quantile
from tests.bench.scale_data import FREQUENT, MIDDLING, OLD, RARE, build

LARGE = {"jobs", "job_events", "ended_runs", "gpu_samples", "gpu_series", "usage_daily"}
_REPETITIONS = 15
_SMALL_STORE = 50_000
_PAST_P95_MS = at_most(150)
"""Of history and search in a store of millions; up to 50,000 jobs it is that of other pages."""

_PAGE_P95_MS = at_most(15)


class Watched(StorePool):
    """A pool that remembers what it was asked."""

    def __init__(self, settings: StoreSettings) -> None:
        """Begin with nothing."""
        super().__init__(settings)
        self.asked: list[tuple[str, Params]] = []

    async def rows(self, name: str, row: type[Row], params: Params) -> list[Row]:
        """Ask, and remember."""
        self.asked.append((name, params))
        return await super().rows(name, row, params)

    async def rows_within(
        self, limit_ms: int, name: str, row: type[Row], params: Params
    ) -> list[Row]:
        """Ask for a limited time, and remember."""
        self.asked.append((name, params))
        return await super().rows_within(limit_ms, name, row, params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One kind of read."""

    what: str
    read: Callable[[Watched], Awaitable[object]]
    is_past: bool = False
    """Reads what is over: history, search, use."""

    has_budget: bool = True
    """False for what only explains its neighbours."""


async def measure(
    *, jobs: int, samples: int, folder: Path, say: Callable[[str], None] = lambda _: None
) -> list[Result]:
    """Build the store, then read from it.

    Args:
        jobs: How many the store holds.
        samples: How many of GPUs.
        folder: Where the database lies.
        say: Told what is done next.
    """
    clock, now = SystemClock(), datetime.now(UTC)
    options = PostgresServerOptions(data_dir=folder, port=free_port())
    async with postgres_server(options, clock) as server:
        dsn = server.dsn()
        await migrate(dsn)
        built = await build(dsn, jobs=jobs, samples=samples, now=now, say=say)
        async with Watched(StoreSettings(dsn=dsn, application_name="bench")) as pool:
            say("use by day")
            began_s = time.perf_counter()
            while await work_out_usage(pool):
                pass
            usage_s = time.perf_counter() - began_s
            results = [
                _built("the store was built", sum(built.seconds.values())),
                _built("use of all days was worked out", usage_s),
            ]
            async with await psycopg.AsyncConnection.connect(dsn) as plans:
                await plans.execute("SET plan_cache_mode = force_custom_plan")
                for ask in await _asks(pool, now):
                    say(ask.what)
                    results.append(await _timed(pool, plans, ask, jobs=jobs))
    return results


async def _timed(
    pool: Watched, plans: psycopg.AsyncConnection[Any], ask: Ask, *, jobs: int
) -> Result:
    await ask.read(pool)
    taken: list[float] = []
    for _ in range(_REPETITIONS):
        pool.asked.clear()
        began_s = time.perf_counter()
        await ask.read(pool)
        taken.append(1_000 * (time.perf_counter() - began_s))
    walked = [
        f"{name} walks through {table}"
        for name, params in pool.asked
        for table in await _walked(plans, name, params)
    ]
    return Result(
        group="scale",
        what=f"{ask.what}, {jobs:,} jobs",
        unit="ms, p95",
        value=quantile(taken, 0.95),
        budget=_budget(ask, jobs),
        repetitions=_REPETITIONS,
        detail={"median ms": round(median(taken), 1)},
        remark="; ".join(walked),
    )


def _budget(ask: Ask, jobs: int) -> Budget | None:
    if not ask.has_budget:
        return None
    return _PAST_P95_MS if ask.is_past and jobs > _SMALL_STORE else _PAGE_P95_MS


async def _followed(pool: Watched, wanted: JobFilter, now: datetime) -> None:
    """Follow a search until it has a page of 100, or is over."""
    found, after = 0, None
    while found < 100:
        page = await list_jobs(pool, wanted, now=now, limit=100 - found, after=after)
        found, after = found + len(page.items), page.next_cursor
        if after is None:
            return


async def _walked(plans: psycopg.AsyncConnection[Any], name: str, params: Params) -> Sequence[str]:
    """Give the large tables that a plan reads from end to end."""
    question = sql.SQL("EXPLAIN (FORMAT JSON) ") + sql.SQL(statement(name).text)
    row = await (await plans.execute(question, params)).fetchone()
    return sorted(set(_scanned(row[0][0]["Plan"]))) if row else []


def _scanned(node: Mapping[str, Any]) -> list[str]:
    found = [node["Relation Name"]] if "Seq Scan" in node["Node Type"] else []
    for child in node.get("Plans", ()):
        found += _scanned(child)
    return [name for name in found if name in LARGE]


def _built(what: str, seconds: float) -> Result:
    return Result(group="scale", what=what, unit="s", value=round(seconds, 1))


async def _asks(pool: Watched, now: datetime) -> list[Ask]:
    """Give the hottest reads; some begin at rows that are there."""
    over = JobFilter(live=False)
    page = await list_jobs(pool, over, now=now, limit=1_000)
    for _ in range(4):
        page = await list_jobs(pool, over, now=now, limit=1_000, after=page.next_cursor)
    deep = page.next_cursor
    some = page.items[500]
    sampled = (await list_jobs(pool, JobFilter(states=(some.state,)), now=now, limit=1)).items[0]
    key = JobKey(cluster=sampled.cluster, job_id=sampled.job_id, submitted_at=sampled.submitted_at)
    newest = await pool.values("last_event_seq", {})
    seq = int(str(newest[0])) - 100

    def listed(what: str, wanted: JobFilter, after: str | None = None) -> Ask:
        return Ask(
            what=what,
            read=lambda one: list_jobs(one, wanted, now=now, limit=100, after=after),
            is_past=wanted.live is False,
        )

    def followed(what: str, wanted: JobFilter) -> Ask:
        return Ask(what=what, read=lambda one: _followed(one, wanted, now), has_budget=False)

    def used(what: str, days: int, *by: UsageBy, **more: tuple[str, ...]) -> Ask:
        until = now.date() + timedelta(days=1)
        wanted = UsageFilter(since=until - timedelta(days=days), until=until, by=by, **more)  # pyright: ignore[reportArgumentType]
        return Ask(what=what, read=lambda one: read_usage(one, wanted, now=now), is_past=True)

    return [
        listed("live list", JobFilter(live=True)),
        listed("live list of a user", JobFilter(live=True, users=("user7",))),
        listed("history, first page", over),
        listed("history, page far behind", over, deep),
        listed("history of a user", JobFilter(live=False, users=("user7",))),
        listed("history of a project", JobFilter(live=False, projects=("proj7",))),
        listed("search: a rare word", JobFilter(live=False, q=RARE)),
        listed("search: one job in 500", JobFilter(live=False, q=MIDDLING)),
        listed("search: a frequent word", JobFilter(live=False, q=FREQUENT)),
        listed("search: a word of long ago", JobFilter(live=False, q=OLD)),
        followed("search: a word of long ago, to its first hundred", JobFilter(live=False, q=OLD)),
        listed("search: two characters", JobFilter(live=False, q="ne")),
        followed("search: two characters, to the end", JobFilter(live=False, q="ne")),
        listed("search: nothing matches", JobFilter(live=False, q="zebra%_")),
        listed("search: an id", JobFilter(live=False, q=some.job_id)),
        listed("search: a rare word of a user", JobFilter(live=False, q=RARE, users=("user7",))),
        Ask(what="one job", read=lambda one: get_job(one, some.cluster, some.job_id, now=now)),
        Ask(what="a timeline", read=lambda one: job_timeline(one, some.cluster, some.job_id)),
        Ask(
            what="events after one",
            read=lambda one: events_after(one, seq, EventFilter(), limit=100),
        ),
        Ask(what="clusters with counts", read=lambda one: list_clusters(one, now=now)),
        Ask(
            what="GPU points of a job",
            read=lambda one: job_gpu_points(
                one, key, since=sampled.submitted_at, until=sampled.submitted_at + _A_DAY
            ),
        ),
        used("use of 14 days by day", 14, UsageBy.DAY),
        used("use of 90 days by user and project", 90, UsageBy.USER, UsageBy.PROJECT),
        used("use of a year by day, one account", 365, UsageBy.DAY, accounts=("acc7",)),
    ]


_A_DAY = timedelta(days=1)
