"""The board, and what a cleanup of old history would remove."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slurmfleet.contracts.board import BOARD_DAYS, BoardGroup, Mark, states_of
from slurmfleet.contracts.ids import ClusterName, JobId, JobKey
from slurmfleet.contracts.jobs import JobState
from slurmfleet.store.matching import any_of, within_limit
from slurmfleet.store.pool import Params, StorePool
from slurmfleet.store.read.clusters import require_clusters
from slurmfleet.store.read.cursors import RunPlace, read_run_cursor, run_cursor
from slurmfleet.store.read.jobs import jobs_by_key
from slurmfleet.store.rows import JobView, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFilter:
    """Which jobs of the board; an empty tuple lets everything through."""

    clusters: tuple[ClusterName, ...] = ()
    users: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    groups: tuple[BoardGroup, ...] = ()
    days: float = BOARD_DAYS
    """How long ago a job may have ended that is not pinned."""

    dismissed: bool = False
    """What was put away instead of what is on the board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """One job of the board, and what somebody said of it."""

    job: JobView
    mark: Mark
    pinned_by: str
    """Empty where nobody has pinned it; who put it away stands in the audit."""

    pinned_at: datetime | None
    reason: str
    """Why it was pinned, in their words; untrusted text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupFilter:
    """Whose old history; an empty tuple lets everything through."""

    before: datetime
    """What was over before this moment."""

    clusters: tuple[ClusterName, ...] = ()
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OldJobView:
    """A job whose history a cleanup would remove."""

    cluster: ClusterName
    job_id: JobId
    submitted_at: datetime
    name: str
    """Untrusted text."""

    user: str
    state: JobState
    over_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    cluster: ClusterName
    job_id: JobId
    submitted_at: datetime
    over_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pin:
    cluster: ClusterName
    job_id: JobId
    submitted_at: datetime
    pinned_by: str
    pinned_at: datetime
    reason: str


async def list_board(
    pool: StorePool, wanted: BoardFilter, *, now: datetime, after: str | None, limit: int
) -> Page[BoardView]:
    """Give a page of the board, the latest end first; pinned jobs that go on come before.

    Raises:
        ProblemError: A bad cursor or limit, or a cluster that is not known.
        StoreError: In every kind of its tree.
    """
    page_size = within_limit(limit)
    await require_clusters(pool, wanted.clusters)
    params: Params = {
        "clusters": any_of(wanted.clusters, name="cluster"),
        "users": any_of(wanted.users, name="user"),
        "projects": any_of(wanted.projects, name="project"),
        "states": any_of([str(state) for state in states_of(wanted.groups)], name="state"),
        "since": now - timedelta(days=wanted.days),
        "dismissed": wanted.dismissed,
        "limit": page_size + 1,
        **_behind(after),
    }
    rows = await pool.rows("list_board", _Row, params)
    if not wanted.dismissed:
        # The two have no end in common, so that what one of them sorted stays in its order.
        rows += await pool.rows("list_pinned", _Row, params)
        rows.sort(key=lambda row: row.over_at, reverse=True)
    shown = rows[:page_size]
    keys = [_key(row) for row in shown]
    jobs = await jobs_by_key(pool, keys, now=now)
    pins = await _pins(pool, keys)
    unpinned = Mark.DISMISSED if wanted.dismissed else Mark.NONE
    return Page(
        items=tuple(_view(jobs[key], pins.get(key), unpinned) for key in keys if key in jobs),
        next_cursor=_place(shown[-1]) if len(rows) > page_size else None,
    )


async def list_cleanup(
    pool: StorePool, wanted: CleanupFilter, *, after: str | None, limit: int
) -> Page[OldJobView]:
    """Give a page of the jobs whose history would go, the oldest submission first.

    Raises:
        ProblemError: A bad cursor or limit, or a cluster that is not known.
        StoreError: In every kind of its tree.
    """
    page_size = within_limit(limit)
    await require_clusters(pool, wanted.clusters)
    params: Params = {**_cleanup_params(wanted), "limit": page_size + 1, **_behind(after)}
    rows = await pool.rows("list_cleanup", OldJobView, params)
    more = _place(rows[page_size - 1]) if len(rows) > page_size else None
    return Page(items=tuple(rows[:page_size]), next_cursor=more)


async def count_cleanup(pool: StorePool, wanted: CleanupFilter) -> Mapping[ClusterName, int]:
    """Give how many jobs of each cluster would go.

    Raises:
        ProblemError: A cluster is not known.
        StoreError: In every kind of its tree.
    """
    await require_clusters(pool, wanted.clusters)
    rows = await pool.rows("count_cleanup", _Count, _cleanup_params(wanted))
    return {row.cluster: row.jobs for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    cluster: ClusterName
    jobs: int


def _cleanup_params(wanted: CleanupFilter) -> Params:
    return {
        "before": wanted.before,
        "clusters": any_of(wanted.clusters, name="cluster"),
        "users": any_of(wanted.users, name="user"),
    }


def _behind(after: str | None) -> Params:
    place = read_run_cursor(after) if after else None
    return {
        "after_over_at": place.over_at if place else None,
        "after_cluster": place.cluster if place else None,
        "after_job_id": place.job_id if place else None,
        "after_submitted_at": place.submitted_at if place else None,
    }


def _place(row: _Row | OldJobView) -> str:
    return run_cursor(
        RunPlace(
            over_at=row.over_at,
            cluster=row.cluster,
            job_id=row.job_id,
            submitted_at=row.submitted_at,
        )
    )


async def _pins(pool: StorePool, keys: Sequence[JobKey]) -> Mapping[JobKey, _Pin]:
    """Give the pins of jobs; others of the same ids may be among them."""
    if not keys:
        return {}
    params = {
        "clusters": list({key.cluster for key in keys}),
        "job_ids": list({key.job_id for key in keys}),
    }
    return {_key(pin): pin for pin in await pool.rows("read_pins", _Pin, params)}


def _key(row: _Row | _Pin) -> JobKey:
    return JobKey(cluster=row.cluster, job_id=row.job_id, submitted_at=row.submitted_at)


def _view(job: JobView, pin: _Pin | None, unpinned: Mark) -> BoardView:
    return BoardView(
        job=job,
        mark=Mark.PINNED if pin else unpinned,
        pinned_by=pin.pinned_by if pin else "",
        pinned_at=pin.pinned_at if pin else None,
        reason=pin.reason if pin else "",
    )
