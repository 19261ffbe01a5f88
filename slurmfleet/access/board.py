"""The one way from a face to the board and to old history: who may, the audit, the projector."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slurmfleet.access.audit import Action, Auditor
from slurmfleet.access.principal import current_principal
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.access import Toolset
from slurmfleet.contracts.board import (
    CLEANUP,
    CLEAR,
    CLEARED_NAMED,
    LEAST_CLEANUP_DAYS,
    MARK,
    MOST_MARKED,
    BoardGroup,
    CleanupReport,
    CleanupRequest,
    ClearPart,
    ClearReport,
    ClearRequest,
    Mark,
    MarkReport,
    MarkRequest,
    NamedJob,
)
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.runtime.commands import ask_projector
from slurmfleet.store.read.board import CleanupFilter
from slurmfleet.store.read.reader import Reader
from slurmfleet.timing.clock import Clock

_LIMIT_S = 30.0
_REMOVED_AT_ONCE = 1_000
"""Of history in one transaction of the projector: it holds up the ingest for some tenths of a s."""

_PATIENCE_S = 40.0
"""What takes longer ends with a part, and says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """What is to be put away; an empty tuple lets everything through."""

    groups: tuple[BoardGroup, ...]
    clusters: tuple[ClusterName, ...] = ()
    users: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupPlan:
    """What a cleanup would remove."""

    before: datetime
    """What was over before this moment."""

    jobs: int
    by_cluster: Mapping[ClusterName, int]
    confirm: str
    """Stands for just this for just this caller; needed to do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What a cleanup removed."""

    removed: int
    left: int
    """Ran out of time before these; ask for them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Changes what is on the board, and removes old history."""

    reader: Reader
    """Narrowed down to what who asks may see."""

    bus: Bus
    auditor: Auditor
    clock: Clock

    async def clear(self, wanted: Clearing) -> ClearReport:
        """Put away ended jobs of some groups; what is pinned stays.

        Raises:
            ProblemError: A cluster is unknown or not the caller's, or no projector answers.
        """
        who = current_principal()
        clusters = who.narrowed_clusters(wanted.clusters)
        for one in wanted.clusters:
            await self.reader.cluster(one)
        request = ClearRequest(
            groups=wanted.groups,
            clusters=clusters,
            users=who.narrowed_users(wanted.users),
            projects=wanted.projects,
            seen_until=self.clock.now(),
        )
        action = Action(
            name="board.clear",
            needs=Toolset.OPERATE,
            cluster=clusters[0] if len(clusters) == 1 else None,
            target=", ".join(wanted.groups),
            reason=wanted.reason,
            details=request.model_dump(mode="json", exclude={"over_until"}),
        )
        cleared = 0
        named: list[NamedJob] = []
        async with self.auditor.acting(action) as result:
            until_s = self.clock.monotonic_s() + _PATIENCE_S
            while True:
                part = await ask_projector(self.bus, CLEAR, request, ClearPart, limit_s=_LIMIT_S)
                cleared += len(part.jobs)
                named += part.jobs[: CLEARED_NAMED - len(named)]
                result.details["cleared"] = cleared
                if part.over_until is None or self.clock.monotonic_s() >= until_s:
                    break
                request = request.model_copy(update={"over_until": part.over_until})
        complete = part.over_until is None
        return ClearReport(cleared=cleared, jobs=tuple(named), complete=complete)

    async def mark(
        self, mark: Mark, jobs: Sequence[tuple[ClusterName, JobId]], *, reason: str = ""
    ) -> MarkReport:
        """Pin jobs to the board, put them away, or take back what was said of them.

        Raises:
            ProblemError: Too many jobs, a cluster is not the caller's, or no projector answers.
        """
        named = tuple(dict.fromkeys(jobs))
        if not 1 <= len(named) <= MOST_MARKED:
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"{len(named)} jobs are named.",
                remedy=f"Name 1 to {MOST_MARKED} jobs.",
            )
        who = current_principal()
        for cluster, _ in named:
            who.require_cluster(cluster)
        clusters = {cluster for cluster, _ in named}
        action = Action(
            name=f"board.{_VERBS[mark]}",
            needs=Toolset.OPERATE,
            cluster=named[0][0] if len(clusters) == 1 else None,
            target=", ".join(job_id for _, job_id in named),
            reason=reason,
            details={
                "jobs": [job_id for _, job_id in named],  # by which the audit finds them
                "clusters": [cluster for cluster, _ in named],
            },
            count=len(named),
        )
        async with self.auditor.acting(action) as result:
            seen, refused = await self._seen(named)
            marked: tuple[NamedJob, ...] = ()
            if seen:
                request = MarkRequest(mark=mark, jobs=tuple(seen), by=who.name, reason=reason)
                told = await ask_projector(self.bus, MARK, request, MarkReport, limit_s=_LIMIT_S)
                marked, refused = told.marked, {**refused, **told.refused}
            result.failed = bool(refused)
            result.details["refused"] = {**refused}
        return MarkReport(marked=marked, refused=refused)

    async def plan(
        self,
        *,
        days: float | None = None,
        before: datetime | None = None,
        clusters: tuple[ClusterName, ...] = (),
        users: tuple[str, ...] = (),
    ) -> tuple[CleanupPlan, CleanupFilter]:
        """Say what a cleanup would remove, and give the filter that lists it job by job.

        Args:
            days: What was over so long ago; or
            before: what was over before this moment.
            clusters: Only on these.
            users: Only of these.

        Raises:
            ProblemError: Too young, or a cluster is unknown or not the caller's.
        """
        who = current_principal()
        now = self.clock.now()
        if before is None:
            before = now - timedelta(days=days or 0)
        if before > now - timedelta(days=LEAST_CLEANUP_DAYS):
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"History that is younger than {LEAST_CLEANUP_DAYS} days cannot be removed: "
                "the stream of facts would tell it again.",
                remedy=f"Name {LEAST_CLEANUP_DAYS} days or more.",
            )
        wanted = CleanupFilter(
            before=before,
            clusters=who.narrowed_clusters(clusters),
            users=who.narrowed_users(users),
        )
        counts = await self.reader.cleanup_counts(wanted)
        jobs = sum(counts.values())
        confirm = _confirmation(wanted, jobs) if jobs else ""
        return CleanupPlan(before=before, jobs=jobs, by_cluster=counts, confirm=confirm), wanted

    async def clean_up(
        self,
        *,
        before: datetime,
        confirm: str,
        clusters: tuple[ClusterName, ...] = (),
        users: tuple[str, ...] = (),
        reason: str = "",
    ) -> Cleaned:
        """Remove what a plan has named, and nothing if that is not what is there now.

        Raises:
            ProblemError: CONFIRMATION_NEEDED: no plan, somebody else's, or more or fewer jobs now;
                as `plan`; or no projector answers: what went before that is gone.
        """
        plan, wanted = await self.plan(before=before, clusters=clusters, users=users)
        if not plan.jobs:
            return Cleaned(removed=0, left=0)
        if confirm != plan.confirm:
            raise ProblemError(
                ProblemCode.CONFIRMATION_NEEDED,
                f"The history of {plan.jobs:,} jobs that were over before"
                f" {before.isoformat()} would be removed.",
                remedy="Look at the list of a dry run; to do just this, send the same again with"
                f" confirm={plan.confirm}",
            )
        action = Action(
            name="history.cleanup",
            needs=Toolset.OPERATE,
            cluster=wanted.clusters[0] if len(wanted.clusters) == 1 else None,
            target=f"before {before.isoformat()}",
            reason=reason,
            details={
                "clusters": [*wanted.clusters],
                "users": [*wanted.users],
                "jobs": plan.jobs,
            },
        )
        removed = 0
        async with self.auditor.acting(action) as result:
            until_s = self.clock.monotonic_s() + _PATIENCE_S
            while removed < plan.jobs and self.clock.monotonic_s() < until_s:
                request = CleanupRequest(
                    before=before,
                    clusters=wanted.clusters,
                    users=wanted.users,
                    at_most=min(_REMOVED_AT_ONCE, plan.jobs - removed),
                )
                told = await ask_projector(
                    self.bus, CLEANUP, request, CleanupReport, limit_s=_LIMIT_S
                )
                removed += told.removed
                result.details["removed"] = removed
                if not told.removed:
                    break
        return Cleaned(removed=removed, left=plan.jobs - removed)

    async def _seen(
        self, named: Sequence[tuple[ClusterName, JobId]]
    ) -> tuple[list[NamedJob], dict[str, str]]:
        """Leave out what is not the caller's to see, as if it were not there."""
        seen: list[NamedJob] = []
        refused: dict[str, str] = {}
        for cluster, job_id in named:
            try:
                await self.reader.job(cluster, job_id)
            except ProblemError as problem:
                if problem.code not in {ProblemCode.JOB_NOT_FOUND, ProblemCode.UNKNOWN_CLUSTER}:
                    raise
                refused[f"{cluster} {job_id}"] = problem.detail
            else:
                seen.append(NamedJob(cluster=cluster, job_id=job_id))
        return seen, refused


_VERBS = {Mark.PINNED: "pin", Mark.DISMISSED: "dismiss", Mark.NONE: "unmark"}


def _confirmation(wanted: CleanupFilter, jobs: int) -> str:
    """Give the word that stands for the removal of just so many jobs by just this caller."""
    who = current_principal()
    text = "|".join(
        [
            who.name,
            who.token_id,
            wanted.before.isoformat(),
            ",".join(wanted.clusters),
            ",".join(wanted.users),
            str(jobs),
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]
