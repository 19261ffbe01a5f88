"""Every question of the read side behind one value, with problems instead of store errors.

REST and MCP ask a `Reader`. The store answers through `StoreReader`; tests answer from memory
(`slurmfleet.testing.reader`).
"""

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.errors import (
    SchemaOutdatedError,
    StoreConflictError,
    StoreError,
    StoreForbiddenError,
    StoreUnavailableError,
)
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.audit import (
    AuditFilter,
    AuditView,
    ChainCheck,
    check_chain,
    list_audit,
)
from slurmfleet.store.read.board import (
    BoardFilter,
    BoardView,
    CleanupFilter,
    OldJobView,
    count_cleanup,
    list_board,
    list_cleanup,
)
from slurmfleet.store.read.clusters import get_cluster, list_clusters
from slurmfleet.store.read.events import (
    EventFilter,
    events_after,
    last_event_seq,
    wait_for_events,
)
from slurmfleet.store.read.freshness import Freshness, freshness_of
from slurmfleet.store.read.health import store_health
from slurmfleet.store.read.jobs import JobFilter, get_job, job_timeline, list_jobs
from slurmfleet.store.read.usage import UsageFilter, UsageView, read_usage
from slurmfleet.store.rows import ClusterView, EventView, JobView, Page, StoreHealth
from slurmfleet.timing.clock import Clock

_MAX_CLUSTERS = 1_000
_REMEMBER_CLUSTERS_S = 1.0
"""How long the state of all clusters serves the age of lists; far below any polling interval."""


class Reader(Protocol):
    """What may be asked; every method raises ProblemError and nothing else of ours."""

    async def jobs(self, wanted: JobFilter, *, after: str | None, limit: int) -> Page[JobView]:
        """Give a page of jobs, newest submission first."""
        ...

    async def job(self, cluster: ClusterName, job_id: JobId) -> JobView:
        """Give the latest submission of a job."""
        ...

    async def board(self, wanted: BoardFilter, *, after: str | None, limit: int) -> Page[BoardView]:
        """Give a page of what is over and not put away, the latest end first."""
        ...

    async def cleanup(
        self, wanted: CleanupFilter, *, after: str | None, limit: int
    ) -> Page[OldJobView]:
        """Give a page of what a cleanup would remove, the oldest submission first."""
        ...

    async def cleanup_counts(self, wanted: CleanupFilter) -> Mapping[ClusterName, int]:
        """Give of how many jobs of each cluster a cleanup would remove the history."""
        ...

    async def timeline(
        self, cluster: ClusterName, job_id: JobId, *, after: str | None, limit: int
    ) -> Page[EventView]:
        """Give a page of what happened to a job, in the order of recording."""
        ...

    async def usage(self, wanted: UsageFilter) -> tuple[UsageView, ...]:
        """Give what runs held within some days, by group."""
        ...

    async def clusters(self) -> tuple[ClusterView, ...]:
        """Give every configured cluster, by name."""
        ...

    async def cluster(self, name: ClusterName) -> ClusterView:
        """Give one configured cluster."""
        ...

    async def freshness(self, asked: Sequence[ClusterName] = ()) -> Freshness:
        """Give how old what is known of these clusters is; of all when none is named."""
        ...

    async def events(self, after: int, wanted: EventFilter, *, limit: int) -> tuple[EventView, ...]:
        """Give the events recorded after one, in the order of recording."""
        ...

    async def last_event_seq(self) -> int:
        """Give the newest event's number; 0 before the first."""
        ...

    def wakes(self) -> AsyncGenerator[None]:
        """Yield whenever there may be new events, and at the latest every few seconds."""
        ...

    async def health(self) -> StoreHealth:
        """Ask the store how it is."""
        ...

    async def audit(self, wanted: AuditFilter, *, after: str | None, limit: int) -> Page[AuditView]:
        """Give a page of what was done by whom, the newest first."""
        ...

    async def check_chain(self, first: int, *, limit: int) -> ChainCheck:
        """Check the chain of audit records from a number on."""
        ...


class StoreReader:
    """Answers from PostgreSQL."""

    def __init__(self, pool: StorePool, clock: Clock) -> None:
        """Keep where to ask and what ages are measured with."""
        self._pool = pool
        self._clock = clock
        self._remembered: tuple[ClusterView, ...] = ()
        self._remembered_at_s = -_REMEMBER_CLUSTERS_S

    async def jobs(self, wanted: JobFilter, *, after: str | None, limit: int) -> Page[JobView]:
        """Give a page of jobs, newest submission first."""
        with _problems():
            now = self._clock.now()
            return await list_jobs(
                self._pool, wanted, now=now, after=after, limit=limit, clock=self._clock
            )

    async def job(self, cluster: ClusterName, job_id: JobId) -> JobView:
        """Give the latest submission of a job."""
        with _problems():
            return await get_job(self._pool, cluster, job_id, now=self._clock.now())

    async def board(self, wanted: BoardFilter, *, after: str | None, limit: int) -> Page[BoardView]:
        """Give a page of what is over and not put away, the latest end first."""
        with _problems():
            now = self._clock.now()
            return await list_board(self._pool, wanted, now=now, after=after, limit=limit)

    async def cleanup(
        self, wanted: CleanupFilter, *, after: str | None, limit: int
    ) -> Page[OldJobView]:
        """Give a page of what a cleanup would remove, the oldest submission first."""
        with _problems():
            return await list_cleanup(self._pool, wanted, after=after, limit=limit)

    async def cleanup_counts(self, wanted: CleanupFilter) -> Mapping[ClusterName, int]:
        """Give of how many jobs of each cluster a cleanup would remove the history."""
        with _problems():
            return await count_cleanup(self._pool, wanted)

    async def timeline(
        self, cluster: ClusterName, job_id: JobId, *, after: str | None, limit: int
    ) -> Page[EventView]:
        """Give a page of what happened to a job, in the order of recording."""
        with _problems():
            return await job_timeline(self._pool, cluster, job_id, limit=limit, after=after)

    async def usage(self, wanted: UsageFilter) -> tuple[UsageView, ...]:
        """Give what runs held within some days, by group."""
        with _problems():
            return await read_usage(self._pool, wanted, now=self._clock.now())

    async def clusters(self) -> tuple[ClusterView, ...]:
        """Give every configured cluster, by name."""
        with _problems():
            return await list_clusters(self._pool, now=self._clock.now())

    async def cluster(self, name: ClusterName) -> ClusterView:
        """Give one configured cluster."""
        with _problems():
            return await get_cluster(self._pool, name, now=self._clock.now())

    async def freshness(self, asked: Sequence[ClusterName] = ()) -> Freshness:
        """Give how old what is known of these clusters is; of all when none is named."""
        age_s = self._clock.monotonic_s() - self._remembered_at_s
        names = {view.name for view in self._remembered}
        if age_s >= _REMEMBER_CLUSTERS_S or not names.issuperset(asked):
            await self._remember_clusters()
        return freshness_of(self._remembered, asked, now=self._clock.now())

    async def _remember_clusters(self) -> None:
        """Read how clusters are without counting their jobs: ages need no counts."""
        params = {"cluster": None, "now": self._clock.now(), "limit": _MAX_CLUSTERS}
        with _problems():
            views = await self._pool.rows("list_clusters", ClusterView, params)
        self._remembered = tuple(views)
        self._remembered_at_s = self._clock.monotonic_s()

    async def events(self, after: int, wanted: EventFilter, *, limit: int) -> tuple[EventView, ...]:
        """Give the events recorded after one, in the order of recording."""
        with _problems():
            return await events_after(self._pool, after, wanted, limit=limit)

    async def last_event_seq(self) -> int:
        """Give the newest event's number; 0 before the first."""
        with _problems():
            return await last_event_seq(self._pool)

    def wakes(self) -> AsyncGenerator[None]:
        """Yield whenever there may be new events, and at the latest every few seconds."""
        return wait_for_events(self._pool, clock=self._clock)

    async def health(self) -> StoreHealth:
        """Ask the store how it is."""
        with _problems():
            return await store_health(self._pool, clock=self._clock)

    async def audit(self, wanted: AuditFilter, *, after: str | None, limit: int) -> Page[AuditView]:
        """Give a page of what was done by whom, the newest first."""
        with _problems():
            return await list_audit(self._pool, wanted, after=after, limit=limit)

    async def check_chain(self, first: int, *, limit: int) -> ChainCheck:
        """Check the chain of audit records from a number on."""
        with _problems():
            return await check_chain(self._pool, first, limit=limit)


def store_problem(error: StoreError) -> ProblemError:
    """Say a store error in the words that faces share."""
    match error:
        case StoreUnavailableError() | StoreConflictError():
            return ProblemError(
                ProblemCode.STORE_UNAVAILABLE,
                "The store does not answer at the moment.",
                remedy="Try again in a few seconds; `slurmfleet status` shows how it is.",
            )
        case SchemaOutdatedError():
            return ProblemError(
                ProblemCode.STORE_UNAVAILABLE,
                "The store's schema is not the one of this version.",
                remedy="Run `slurmfleet db migrate` with this version, then try again.",
            )
        case StoreForbiddenError():
            return ProblemError(
                ProblemCode.STORE_UNAVAILABLE,
                "The store refuses this process's login.",
                remedy="Check the user and password in SLURMFLEET_STORE_DSN.",
            )
        case _:
            return ProblemError(
                ProblemCode.INTERNAL,
                "The store refused the question; that is a mistake of slurmfleet.",
                remedy="Report it with the log line of the service that answered.",
            )


@contextmanager
def _problems() -> Generator[None]:
    try:
        yield
    except StoreError as error:
        raise store_problem(error) from error
