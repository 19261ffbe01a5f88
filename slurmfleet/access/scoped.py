"""A reader that shows each caller what is theirs to see.

What is asked for and is not theirs is refused by name; what is not asked for is left out. A job of
somebody else's is answered as one that is not there, so that ids cannot be probed. Counts over a
whole cluster are everybody's.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from slurmfleet.access.principal import current_principal
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.read.audit import AuditFilter, AuditView, ChainCheck
from slurmfleet.store.read.board import BoardFilter, BoardView, CleanupFilter, OldJobView
from slurmfleet.store.read.events import EventFilter
from slurmfleet.store.read.freshness import Freshness
from slurmfleet.store.read.jobs import JobFilter
from slurmfleet.store.read.reader import Reader
from slurmfleet.store.read.usage import UsageFilter, UsageView
from slurmfleet.store.rows import ClusterView, EventView, JobView, Page, StoreHealth

Filter = TypeVar("Filter", JobFilter, BoardFilter, CleanupFilter, UsageFilter, EventFilter)


class ScopedReader:
    """Answers as another reader does, within the scope of who asks."""

    def __init__(self, inner: Reader) -> None:
        """Narrow down a reader that knows no scopes."""
        self._inner = inner

    async def jobs(self, wanted: JobFilter, *, after: str | None, limit: int) -> Page[JobView]:
        """Give a page of jobs; a cursor of somebody else's tells a place and opens nothing."""
        return await self._inner.jobs(_narrowed(wanted), after=after, limit=limit)

    async def job(self, cluster: ClusterName, job_id: JobId) -> JobView:
        """Give the latest submission of a job."""
        who = current_principal()
        who.require_cluster(cluster)
        view = await self._inner.job(cluster, job_id)
        if not who.may_see(view.user):
            raise ProblemError(
                ProblemCode.JOB_NOT_FOUND,
                f"No job {job_id} of a tracked user or account is recorded on {cluster}.",
                remedy="List the cluster's jobs, or track its user or account.",
            )
        return view

    async def timeline(
        self, cluster: ClusterName, job_id: JobId, *, after: str | None, limit: int
    ) -> Page[EventView]:
        """Give a page of what happened to a job."""
        who = current_principal()
        who.require_cluster(cluster)
        if who.users:
            await self.job(cluster, job_id)
        return await self._inner.timeline(cluster, job_id, after=after, limit=limit)

    async def board(self, wanted: BoardFilter, *, after: str | None, limit: int) -> Page[BoardView]:
        """Give a page of the board."""
        return await self._inner.board(_narrowed(wanted), after=after, limit=limit)

    async def cleanup(
        self, wanted: CleanupFilter, *, after: str | None, limit: int
    ) -> Page[OldJobView]:
        """Give a page of what a cleanup would remove."""
        return await self._inner.cleanup(_narrowed(wanted), after=after, limit=limit)

    async def cleanup_counts(self, wanted: CleanupFilter) -> Mapping[ClusterName, int]:
        """Give how much a cleanup would remove."""
        return await self._inner.cleanup_counts(_narrowed(wanted))

    async def usage(self, wanted: UsageFilter) -> tuple[UsageView, ...]:
        """Give what runs held within some days."""
        return await self._inner.usage(_narrowed(wanted))

    async def clusters(self) -> tuple[ClusterView, ...]:
        """Give the configured clusters."""
        who = current_principal()
        views = await self._inner.clusters()
        return tuple(view for view in views if not who.clusters or view.name in who.clusters)

    async def cluster(self, name: ClusterName) -> ClusterView:
        """Give one configured cluster."""
        current_principal().require_cluster(name)
        return await self._inner.cluster(name)

    async def freshness(self, asked: Sequence[ClusterName] = ()) -> Freshness:
        """Give how old what is known of these clusters is."""
        return await self._inner.freshness(current_principal().narrowed_clusters(tuple(asked)))

    async def events(self, after: int, wanted: EventFilter, *, limit: int) -> tuple[EventView, ...]:
        """Give the events recorded after one."""
        return await self._inner.events(after, _narrowed(wanted), limit=limit)

    async def last_event_seq(self) -> int:
        """Give the newest event's number; it tells nothing of whose it is."""
        return await self._inner.last_event_seq()

    def wakes(self) -> AsyncGenerator[None]:
        """Yield whenever there may be new events."""
        return self._inner.wakes()

    async def health(self) -> StoreHealth:
        """Ask the store how it is."""
        return await self._inner.health()

    async def audit(self, wanted: AuditFilter, *, after: str | None, limit: int) -> Page[AuditView]:
        """Give a page of the audit; whoever may read it reads all of it."""
        return await self._inner.audit(wanted, after=after, limit=limit)

    async def check_chain(self, first: int, *, limit: int) -> ChainCheck:
        """Check a part of the audit's chain."""
        return await self._inner.check_chain(first, limit=limit)


def _narrowed(wanted: Filter) -> Filter:
    """Give a filter that lets through no more than who asks may see.

    Raises:
        ProblemError: FORBIDDEN; a cluster or a user was asked for that is not theirs.
    """
    who = current_principal()
    return replace(
        wanted,
        clusters=who.narrowed_clusters(wanted.clusters),
        users=who.narrowed_users(wanted.users),
    )
