"""A `Reader` that answers from lists which the test holds."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.read.audit import AuditFilter, AuditView, ChainCheck
from slurmfleet.store.read.board import BoardFilter, BoardView, CleanupFilter, OldJobView
from slurmfleet.store.read.events import EventFilter
from slurmfleet.store.read.freshness import Freshness, freshness_of
from slurmfleet.store.read.jobs import JobFilter
from slurmfleet.store.read.usage import UsageFilter, UsageView
from slurmfleet.store.rows import ClusterView, EventView, JobView, Page, StoreHealth
from slurmfleet.timing.clock import Clock

_View = TypeVar("_View", JobView, EventView, BoardView, OldJobView)


class MemoryReader:
    """Cluster, user and state filters work; cursors are positions."""

    def __init__(self, clock: Clock) -> None:
        """Start empty and well."""
        self.clock = clock
        self.job_views: list[JobView] = []
        self.searched_back_to: datetime | None = None
        """Of every page of jobs, as if a search had stopped for lack of time."""

        self.cluster_views: list[ClusterView] = []
        self.event_views: list[EventView] = []
        self.usage_views: list[UsageView] = []
        self.board_views: list[BoardView] = []
        self.old_views: list[OldJobView] = []
        self.audit_views: list[AuditView] = []
        self.problem: ProblemError | None = None
        """Raised by every question while it is set."""

        self.asked: list[JobFilter] = []
        """Every filter that `jobs` was asked with."""

    async def jobs(self, wanted: JobFilter, *, after: str | None, limit: int) -> Page[JobView]:
        """Give a page of jobs."""
        self._fail_if_told()
        self.asked.append(wanted)
        self._require(wanted.clusters)
        fitting = [view for view in self.job_views if _fits(view, wanted)]
        return replace(_page(fitting, after, limit), searched_back_to=self.searched_back_to)

    async def job(self, cluster: ClusterName, job_id: JobId) -> JobView:
        """Give a job."""
        self._fail_if_told()
        self._require((cluster,))
        for view in self.job_views:
            if (view.cluster, view.job_id) == (cluster, job_id):
                return view
        raise ProblemError(
            ProblemCode.JOB_NOT_FOUND, f"No job {job_id} on {cluster}.", remedy="List the jobs."
        )

    async def board(self, wanted: BoardFilter, *, after: str | None, limit: int) -> Page[BoardView]:
        """Give a page of the board."""
        self._fail_if_told()
        self._require(wanted.clusters)
        shown = [
            view
            for view in self.board_views
            if (not wanted.clusters or view.job.cluster in wanted.clusters)
            and (not wanted.users or view.job.user in wanted.users)
        ]
        return _page(shown, after, limit)

    async def cleanup(
        self, wanted: CleanupFilter, *, after: str | None, limit: int
    ) -> Page[OldJobView]:
        """Give a page of old jobs."""
        self._fail_if_told()
        return _page(self._old(wanted), after, limit)

    async def cleanup_counts(self, wanted: CleanupFilter) -> Mapping[ClusterName, int]:
        """Count old jobs by cluster."""
        self._fail_if_told()
        return Counter(view.cluster for view in self._old(wanted))

    def _old(self, wanted: CleanupFilter) -> list[OldJobView]:
        self._require(wanted.clusters)
        return [
            view
            for view in self.old_views
            if view.over_at < wanted.before
            and (not wanted.clusters or view.cluster in wanted.clusters)
            and (not wanted.users or view.user in wanted.users)
        ]

    async def timeline(
        self, cluster: ClusterName, job_id: JobId, *, after: str | None, limit: int
    ) -> Page[EventView]:
        """Give a page of a job's events."""
        await self.job(cluster, job_id)
        mine = [
            view for view in self.event_views if (view.cluster, view.job_id) == (cluster, job_id)
        ]
        return _page(mine, after, limit)

    async def usage(self, wanted: UsageFilter) -> tuple[UsageView, ...]:
        """Give the rows of these clusters."""
        self._fail_if_told()
        self._require(wanted.clusters)
        return tuple(
            view
            for view in self.usage_views
            if not wanted.clusters or view.cluster in wanted.clusters
        )

    async def clusters(self) -> tuple[ClusterView, ...]:
        """Give every cluster."""
        self._fail_if_told()
        return tuple(self.cluster_views)

    async def cluster(self, name: ClusterName) -> ClusterView:
        """Give a cluster."""
        self._fail_if_told()
        self._require((name,))
        return next(view for view in self.cluster_views if view.name == name)

    async def freshness(self, asked: Sequence[ClusterName] = ()) -> Freshness:
        """Give how old the answer is."""
        self._fail_if_told()
        return freshness_of(self.cluster_views, asked, now=self.clock.now())

    async def events(self, after: int, wanted: EventFilter, *, limit: int) -> tuple[EventView, ...]:
        """Give the events after a number."""
        self._fail_if_told()
        fitting = (
            view
            for view in self.event_views
            if view.event_seq > after
            and (not wanted.clusters or view.cluster in wanted.clusters)
            and (not wanted.verbs or view.verb in wanted.verbs)
        )
        return tuple(fitting)[:limit]

    async def last_event_seq(self) -> int:
        """Give the newest number."""
        self._fail_if_told()
        return max((view.event_seq for view in self.event_views), default=0)

    async def wakes(self) -> AsyncGenerator[None]:
        """Yield once; a test rings by itself."""
        yield None

    async def health(self) -> StoreHealth:
        """Give a plain store."""
        self._fail_if_told()
        return StoreHealth(
            edition="plain", schema_version=6, server_version="18.6", latency_s=0.001
        )

    async def audit(self, wanted: AuditFilter, *, after: str | None, limit: int) -> Page[AuditView]:
        """Give a page of actions; of the filter only the actor counts."""
        self._fail_if_told()
        fitting = [one for one in self.audit_views if wanted.actor in ("", one.actor)]
        start = int(after or 0)
        more = str(start + limit) if len(fitting) > start + limit else None
        return Page(items=tuple(fitting[start : start + limit]), next_cursor=more)

    async def check_chain(self, first: int, *, limit: int) -> ChainCheck:
        """Find everything right."""
        self._fail_if_told()
        last = min(len(self.audit_views), first + limit - 1)
        return ChainCheck(
            ok=True,
            checked=last - first + 1,
            last_seq=last,
            last_hash="00" * 32,
            is_end=last == len(self.audit_views),
        )

    def _fail_if_told(self) -> None:
        if self.problem is not None:
            raise self.problem

    def _require(self, names: Sequence[ClusterName]) -> None:
        known = [view.name for view in self.cluster_views]
        for name in names:
            if name not in known:
                raise ProblemError(
                    ProblemCode.UNKNOWN_CLUSTER,
                    f"No cluster is called {name!r}.",
                    remedy=f"Configured are: {', '.join(known)}.",
                )


def _fits(view: JobView, wanted: JobFilter) -> bool:
    return (
        (not wanted.clusters or view.cluster in wanted.clusters)
        and (not wanted.users or view.user in wanted.users)
        and (not wanted.states or view.state in wanted.states)
        and (wanted.live is None or view.live is wanted.live)
        and wanted.q in view.name
    )


def _page(views: Sequence[_View], after: str | None, limit: int) -> Page[_View]:
    start = int(after or 0)
    end = start + limit
    more = str(end) if end < len(views) else None
    return Page(items=tuple(views[start:end]), next_cursor=more)
