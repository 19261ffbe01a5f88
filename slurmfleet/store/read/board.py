"""The board, and what a cleanup of old history would remove."""

from collections.abc import Mapping
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
    marked_by: str
    marked_at: datetime | None
    reason: str
    """In their words; untrusted text."""


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
    mark: str
    marked_by: str
    marked_at: datetime | None
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
    shown = rows[:page_size]
    keys = [
        JobKey(cluster=row.cluster, job_id=row.job_id, submitted_at=row.submitted_at)
        for row in shown
    ]
    jobs = await jobs_by_key(pool, keys, now=now)
    return Page(
        items=tuple(
            _view(row, jobs[key]) for row, key in zip(shown, keys, strict=True) if key in jobs
        ),
        next_cursor=_place(shown[-1]) if len(rows) > page_size else None,
    )


async def list_cleanup(
    pool: StorePool, wanted: CleanupFilter, *, after: str | None, limit: int
) -> Page[OldJobView]:
    """Give a page of the jobs whose history would go, the oldest end first.

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


def _view(row: _Row, job: JobView) -> BoardView:
    return BoardView(
        job=job,
        mark=Mark(row.mark or Mark.NONE),
        marked_by=row.marked_by,
        marked_at=row.marked_at,
        reason=row.reason,
    )
