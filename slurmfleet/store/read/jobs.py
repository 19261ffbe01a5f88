"""Jobs, live and past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slurmfleet.contracts.ids import ClusterName, JobId, JobKey
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.matching import any_of, containing, storable, within_limit
from slurmfleet.store.pool import Params, StorePool
from slurmfleet.store.read.clusters import require_clusters
from slurmfleet.store.read.cursors import event_cursor, read_event_cursor, read_job_cursor
from slurmfleet.store.read.search import LIMITS, SearchLimits, place_params, search_jobs, whole_page
from slurmfleet.store.rows import EventView, JobView, Page
from slurmfleet.timing.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs; an empty tuple, an empty text and None let everything through."""

    clusters: tuple[ClusterName, ...] = ()
    users: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    """A pending job that waits for several partitions is in each of them."""

    states: tuple[JobState, ...] = ()
    q: str = ""
    """Literal text within the name or the id, whatever its case."""

    since: datetime | None = None
    """Submitted at this moment or later."""

    until: datetime | None = None
    """Submitted before this moment."""

    live: bool | None = None
    """True: neither over nor vanished, on configured clusters. False: over or vanished."""


EVERY_JOB = JobFilter()
_CLOCK = SystemClock()


async def list_jobs(
    pool: StorePool,
    job_filter: JobFilter = EVERY_JOB,
    *,
    now: datetime,
    after: str | None = None,
    limit: int = 100,
    clock: Clock = _CLOCK,
    search_limits: SearchLimits = LIMITS,
) -> Page[JobView]:
    """Give a page of jobs, newest submission first; with a text to search for it may be short.

    Args:
        pool: Where to ask.
        job_filter: Which jobs.
        now: Ages are measured against it.
        after: The `next_cursor` of the page before.
        limit: Jobs on a page, 1 to 1,000.
        clock: Measures how long a search takes.
        search_limits: How long it may take.

    Raises:
        ProblemError: A bad cursor or limit, or a cluster that is not known.
        StoreError: In every kind of its tree.
    """
    page_size = within_limit(limit)
    place = read_job_cursor(after) if after else None
    params = _job_params(job_filter, now=now)
    await require_clusters(pool, job_filter.clusters)
    if job_filter.q:
        return await search_jobs(
            pool, params, page_size=page_size, after=place, clock=clock, limits=search_limits
        )
    wanted = {**params, **place_params(place), "limit": page_size + 1}
    return whole_page(await pool.rows("list_jobs", JobView, wanted), page_size)


async def get_job(
    pool: StorePool, cluster: ClusterName, job_id: JobId, *, now: datetime
) -> JobView:
    """Give the latest submission of a job.

    Raises:
        ProblemError: The cluster or the job is not known.
        StoreError: In every kind of its tree.
    """
    only = JobFilter(clusters=(cluster,))
    wanted = {**_job_params(only, now=now), **place_params(None), "limit": 1}
    rows = await pool.rows(
        "list_jobs", JobView, {**wanted, "job_ids": [storable(job_id, name="id")]}
    )
    if not rows:
        await require_clusters(pool, (cluster,))
        raise _not_found(cluster, job_id)
    return rows[0]


async def jobs_by_key(
    pool: StorePool, keys: Sequence[JobKey], *, now: datetime
) -> Mapping[JobKey, JobView]:
    """Give jobs by cluster, id and submission; what is not there is left out.

    Raises:
        StoreError: In every kind of its tree.
    """
    if not keys:
        return {}
    clusters = tuple({key.cluster for key in keys})
    # Slurm recycles ids: other submissions are read with those that are meant, and left out.
    params = {
        **_job_params(JobFilter(clusters=clusters), now=now),
        **place_params(None),
        "job_ids": list({key.job_id for key in keys}),
        "since": min(key.submitted_at for key in keys),
        "limit": None,
    }
    views = await pool.rows("list_jobs", JobView, params)
    wanted = set(keys)
    found = {
        JobKey(cluster=view.cluster, job_id=view.job_id, submitted_at=view.submitted_at): view
        for view in views
    }
    return {key: view for key, view in found.items() if key in wanted}


async def job_timeline(
    pool: StorePool,
    cluster: ClusterName,
    job_id: JobId,
    *,
    limit: int = 100,
    after: str | None = None,
) -> Page[EventView]:
    """Give a page of what happened to the latest submission of a job, in order of recording.

    Raises:
        ProblemError: A bad cursor or limit, or the cluster or the job is not known.
        StoreError: In every kind of its tree.
    """
    page_size = within_limit(limit)
    seq = read_event_cursor(after) if after else 0
    where = {"cluster": cluster, "job_id": storable(job_id, name="id")}
    params = {**where, "after": seq, "limit": page_size + 1}
    rows = await pool.rows("job_timeline", EventView, params)
    if not rows and not await pool.values("find_job", where):
        await require_clusters(pool, (cluster,))
        raise _not_found(cluster, job_id)
    items = tuple(rows[:page_size])
    more = event_cursor(items[-1].event_seq) if len(rows) > page_size else None
    return Page(items=items, next_cursor=more)


def _job_params(job_filter: JobFilter, *, now: datetime) -> Params:
    """Give the parameters of `list_jobs` but for the place and the limit."""
    return {
        "clusters": any_of(job_filter.clusters, name="cluster"),
        "job_ids": None,
        "users": any_of(job_filter.users, name="user"),
        "accounts": any_of(job_filter.accounts, name="account"),
        "projects": any_of(job_filter.projects, name="project"),
        "partitions": any_of(job_filter.partitions, name="partition"),
        "states": any_of([str(state) for state in job_filter.states], name="state"),
        "pattern": containing(job_filter.q),
        "since": job_filter.since,
        "until": job_filter.until,
        "live": job_filter.live,
        "now": now,
    }


def _not_found(cluster: ClusterName, job_id: JobId) -> ProblemError:
    return ProblemError(
        ProblemCode.JOB_NOT_FOUND,
        f"No job {job_id} of a tracked user or account is recorded on {cluster}.",
        remedy="List the cluster's jobs, or track its user or account.",
    )
