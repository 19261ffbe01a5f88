"""Text search in the list of jobs, in steps that end in time.

Trigrams find a word of few jobs at once, and a word of many is near the begin of the list. A word
that only old jobs have, or a text too short for trigrams, is found by no index: every job has to be
read, newest first, and among five million that takes seconds. So a search reads for a while and
leaves the rest to the next page, which may then be short or empty and says how far it has come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.store.errors import StoreTimeoutError
from slurmfleet.store.pool import Params, StorePool
from slurmfleet.store.read.cursors import JobPlace, job_cursor
from slurmfleet.store.rows import JobView, Page
from slurmfleet.timing.clock import Clock

_TICK = timedelta(microseconds=1)
"""PostgreSQL's resolution: nothing lies between a moment and the one a tick before."""

_FASTEST_GROWTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """How long one page may take."""

    at_once_ms: int = 60
    """How long the planner's own way may take; what it gives in time is the whole page."""

    page_s: float = 0.12
    """When no further step is begun; the one under way is finished, whatever it takes."""

    first_step: int = 5_000
    """Jobs that are read first; how many follow is up to the time that they took."""


LIMITS = SearchLimits()


async def search_jobs(
    pool: StorePool,
    params: Mapping[str, object],
    *,
    page_size: int,
    after: JobPlace | None,
    clock: Clock,
    limits: SearchLimits = LIMITS,
) -> Page[JobView]:
    """Give a page of the jobs that fit, newest submission first; it may be short.

    Args:
        pool: Where to ask.
        params: Those of `list_jobs`; place and limit are filled in here.
        page_size: Jobs on a page.
        after: Where the page before ended.
        clock: Measures the time that is spent.
        limits: How much of it may be.

    Raises:
        StoreError: In every kind of its tree.
    """
    began_s = clock.monotonic_s()
    if after is None or not after.is_reading:
        try:
            wanted = {**params, **place_params(after), "limit": page_size + 1}
            rows = await pool.rows_within(limits.at_once_ms, "list_jobs", JobView, wanted)
        except StoreTimeoutError:
            pass
        else:
            return whole_page(rows, page_size)
    until_s = began_s + limits.page_s
    return await _read_on(
        pool,
        params,
        page_size=page_size,
        after=after,
        clock=clock,
        until_s=until_s,
        first_step=limits.first_step,
    )


def place_params(after: JobPlace | None) -> Params:
    """Give the parameters of `list_jobs` that say where a page begins."""
    return {
        "after_submitted_at": after.submitted_at if after else None,
        "after_cluster": after.cluster if after else None,
        "after_job_id": after.job_id if after else None,
    }


def whole_page(
    rows: Sequence[JobView], page_size: int, *, is_reading: bool = False
) -> Page[JobView]:
    """Give a page of rows of which one more than fits was asked for."""
    items = tuple(rows[:page_size])
    if len(rows) <= page_size:
        return Page(items=items, next_cursor=None)
    last = items[-1]
    place = JobPlace(
        submitted_at=last.submitted_at,
        cluster=last.cluster,
        job_id=last.job_id,
        is_reading=is_reading,
    )
    return Page(items=items, next_cursor=job_cursor(place))


async def _read_on(
    pool: StorePool,
    params: Mapping[str, object],
    *,
    page_size: int,
    after: JobPlace | None,
    clock: Clock,
    until_s: float,
    first_step: int,
) -> Page[JobView]:
    """Read jobs from a place on, step by step, until a page is full or the time is used up."""
    ends_at = params["since"]
    found: list[JobView] = []
    step = first_step
    while True:
        began_s = clock.monotonic_s()
        floor = await _place_behind(pool, params, after, step)
        is_last = floor is None or (isinstance(ends_at, datetime) and floor <= ends_at)
        wanted = {
            **params,
            **place_params(after),
            "since": ends_at if is_last else floor,
            "limit": page_size + 1 - len(found),
        }
        found += await pool.rows("list_jobs", JobView, wanted)
        if floor is None or is_last or len(found) > page_size:
            return whole_page(found, page_size, is_reading=True)
        after = _before(floor)
        now_s = clock.monotonic_s()
        step = _next_step(step, took_s=now_s - began_s, left_s=until_s - now_s)
        if step < first_step:
            return Page(items=tuple(found), next_cursor=job_cursor(after), searched_back_to=floor)


def _next_step(step: int, *, took_s: float, left_s: float) -> int:
    """Give how many jobs can be read in the time that is left, at the pace of the last step."""
    if left_s <= 0:
        return 0
    return int(min(step * _FASTEST_GROWTH, step * left_s / max(took_s, 1e-6)))


async def _place_behind(
    pool: StorePool, params: Mapping[str, object], after: JobPlace | None, places: int
) -> datetime | None:
    """Give when the last of so many jobs that follow was submitted; None where fewer are left.

    Jobs that are not live are found by another index than those that are, so it is a condition.
    """
    until = params["until"]
    moments = [one for one in (after and after.submitted_at, until) if isinstance(one, datetime)]
    where = {"at_most": min(moments, default=None), "live": params["live"], "places": places}
    found = await pool.values("find_place_behind", where)
    return found[0] if found and isinstance(found[0], datetime) else None


def _before(moment: datetime) -> JobPlace:
    """Give the place behind all jobs that were submitted at a moment or later."""
    return JobPlace(
        submitted_at=moment - _TICK, cluster=ClusterName(""), job_id=JobId(""), is_reading=True
    )
