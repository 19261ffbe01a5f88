"""The one way from a face to a job that is acted on: which jobs, who may, the audit, the cluster.

Cancelling, holding, releasing and requeueing differ in a word. Each job gets its own outcome; more
than ten are acted on only when the caller has said twice that they mean just these.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from slurmfleet.access.audit import Action, Auditor
from slurmfleet.access.principal import current_principal
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.access import Toolset
from slurmfleet.contracts.actions import (
    ACTED_AT_ONCE,
    MOST_JOBS,
    ActOutcome,
    ActReport,
    ActRequest,
    ActTarget,
    ActWord,
    JobAct,
    Signal,
)
from slurmfleet.contracts.commands import Verb
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.runtime.commands import ask_collector
from slurmfleet.store.read.jobs import JobFilter
from slurmfleet.store.read.reader import Reader
from slurmfleet.store.rows import JobView
from slurmfleet.timing.clock import Clock

UNCONFIRMED = 10
"""So many jobs are acted on without a second word."""

CONFIRM_WITHIN_S = 600
_NAMED = 20

Named = tuple[ClusterName, JobId]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What came of an action on one job."""

    cluster: ClusterName
    job_id: str
    ok: bool
    """Whether what was wanted is so."""

    word: ActWord
    """done, signalled, already_over, not_found, denied, not_possible, changed,
    unreachable, unknown."""

    detail: str
    """In Slurm's words, or ours; untrusted text."""

    state_after: str
    """What the queue said of it right afterwards; empty where it said nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants done."""

    act: JobAct
    jobs: tuple[Named, ...]
    reason: str = ""
    signal: Signal | None = None
    """Of a cancellation: sent first."""

    grace_s: float | None = None
    """From the signal to the cancellation; None: the signal is all."""

    confirm: str = ""
    """What the refusal of the first asking has named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobActions:
    """Acts on jobs of all clusters."""

    reader: Reader
    """Narrowed down to what who asks may see."""

    bus: Bus
    auditor: Auditor
    clock: Clock
    limit_s: float
    """For one answer of a collector."""

    async def act(self, wish: Wish) -> tuple[JobOutcome, ...]:
        """Do it to every job, and say what came of it, in their order.

        Raises:
            ProblemError: FORBIDDEN, RATE_LIMITED, CONFIRMATION_NEEDED, INVALID_PARAMETER or
                BUS_UNAVAILABLE: nothing was done.
        """
        named = tuple(dict.fromkeys(wish.jobs))
        if not 1 <= len(named) <= MOST_JOBS:
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"{len(named)} jobs are named.",
                remedy=f"Name 1 to {MOST_JOBS} jobs.",
            )
        self._require_confirmed(wish, named)
        by_cluster: dict[ClusterName, list[JobId]] = {}
        for cluster, job_id in named:
            by_cluster.setdefault(cluster, []).append(job_id)
        for cluster in by_cluster:
            current_principal().require_cluster(cluster)
        if len(by_cluster) == 1:
            return await self._act_on(named[0][0], [job_id for _, job_id in named], wish)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._act_beside(cluster, jobs, wish))
                for cluster, jobs in by_cluster.items()
            ]
        told = {(one.cluster, JobId(one.job_id)): one for task in tasks for one in task.result()}
        return tuple(told[one] for one in named)

    async def act_on_one(self, wish: Wish) -> JobOutcome:
        """Do it to the one job of a wish.

        Raises:
            ProblemError: As `act`; and where what was wanted is not so, with the reason.
        """
        (outcome,) = await self.act(wish)
        if not outcome.ok:
            raise _problem(wish.act, outcome)
        return outcome

    async def live_jobs_of_project(
        self, project: str, clusters: Sequence[ClusterName]
    ) -> tuple[Named, ...]:
        """Name the live jobs of a project; an array stands for its tasks.

        Raises:
            ProblemError: There is none, or there are more than can be acted on at once.
        """
        wanted = JobFilter(projects=(project,), clusters=tuple(clusters), live=True)
        page = await self.reader.jobs(wanted, after=None, limit=MOST_JOBS)
        if page.next_cursor is not None:
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"The project {project[:80]!r} has more than {MOST_JOBS} live jobs.",
                remedy="Name one cluster, or name the jobs.",
            )
        views = {(one.cluster, one.job_id): one for one in page.items}
        named = tuple(key for key, one in views.items() if not _is_covered(one, views))
        if not named:
            raise ProblemError(
                ProblemCode.JOB_NOT_FOUND,
                f"No live job belongs to the project {project[:80]!r}.",
                remedy="`slurmfleet jobs --project NAME` lists a project's jobs.",
            )
        return named

    async def _act_beside(
        self, cluster: ClusterName, jobs: Sequence[JobId], wish: Wish
    ) -> Sequence[JobOutcome]:
        """Act on one cluster of several: its failure must not hide what was done on the others."""
        try:
            return await self._act_on(cluster, jobs, wish)
        except ProblemError as problem:
            return [_not_done(cluster, job_id, problem) for job_id in jobs]

    async def _act_on(
        self, cluster: ClusterName, jobs: Sequence[JobId], wish: Wish
    ) -> tuple[JobOutcome, ...]:
        targets, told = await self._targets(cluster, jobs)
        action = Action(
            name=f"job.{wish.act}",
            needs=Toolset.OPERATE,
            cluster=cluster,
            target=_listed(jobs),
            reason=wish.reason,
            details=_details(jobs, wish),
            count=len(jobs),
        )
        async with self.auditor.acting(action) as result:
            for at in range(0, len(targets), ACTED_AT_ONCE):
                chunk = targets[at : at + ACTED_AT_ONCE]
                for one in await self._ask(cluster, chunk, wish):
                    told[one.job_id] = one
            outcomes = tuple(_outcome(cluster, told[job_id]) for job_id in jobs)
            result.failed = not all(one.ok for one in outcomes)
            result.details["jobs"] = {
                one.job_id: f"{one.word}: {one.detail}" if one.detail else one.word.value
                for one in outcomes
            }
        return outcomes

    async def _ask(
        self, cluster: ClusterName, targets: Sequence[ActTarget], wish: Wish
    ) -> Sequence[ActOutcome]:
        request = ActRequest(
            act=wish.act, jobs=tuple(targets), signal=wish.signal, grace_s=wish.grace_s
        )
        try:
            report = await ask_collector(
                self.bus,
                cluster,
                Verb.ACT,
                ActReport,
                limit_s=self.limit_s + (wish.grace_s or 0),
                request=request,
            )
        except ProblemError as problem:
            # Refused by who would do it: nothing was done. No answer: nobody knows.
            no_answer = {ProblemCode.COLLECTOR_UNREACHABLE, ProblemCode.INTERNAL}
            word = ActWord.UNKNOWN if problem.code in no_answer else ActWord.UNREACHABLE
            return [
                ActOutcome(job_id=one.job_id, word=word, detail=problem.detail) for one in targets
            ]
        return report.outcomes

    async def _targets(
        self, cluster: ClusterName, jobs: Sequence[JobId]
    ) -> tuple[list[ActTarget], dict[str, ActOutcome]]:
        """Find the jobs that are meant; what is not there, or not theirs to see, is told so."""
        targets: list[ActTarget] = []
        told: dict[str, ActOutcome] = {}
        for job_id in jobs:
            try:
                view = await self._find(cluster, job_id)
            except ProblemError as problem:
                if problem.code is not ProblemCode.JOB_NOT_FOUND:
                    raise
                told[job_id] = ActOutcome(
                    job_id=job_id, word=ActWord.NOT_FOUND, detail=problem.detail
                )
            else:
                targets.append(ActTarget(job_id=job_id, submitted_at=view.submitted_at))
        return targets, told

    async def _find(self, cluster: ClusterName, job_id: JobId) -> JobView:
        """Give a job; a task that waits has no record of its own and is its array's."""
        try:
            return await self.reader.job(cluster, job_id)
        except ProblemError as problem:
            array, _, task = job_id.partition("_")
            if problem.code is not ProblemCode.JOB_NOT_FOUND or not task:
                raise
            return await self.reader.job(cluster, JobId(array))

    def _require_confirmed(self, wish: Wish, named: Sequence[Named]) -> None:
        """Refuse many jobs until the caller has sent back what stands for just these."""
        if len(named) <= UNCONFIRMED:
            return
        windows = int(self.clock.now().timestamp() // CONFIRM_WITHIN_S)
        words = [_confirmation(wish, named, window) for window in (windows, windows - 1)]
        if wish.confirm in words:
            return
        listed = ", ".join(f"{cluster} {job_id}" for cluster, job_id in named[:_NAMED])
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        raise ProblemError(
            ProblemCode.CONFIRMATION_NEEDED,
            f"{wish.act} would be done to {len(named)} jobs: {listed}{more}.",
            remedy=f"To do just this, send the same again with confirm={words[0]}",
        )


def _confirmation(wish: Wish, named: Sequence[Named], window: int) -> str:
    """Give the word that stands for an act on just these jobs by just this caller, for a while."""
    who = current_principal()
    jobs = ",".join(sorted(f"{cluster}/{job_id}" for cluster, job_id in named))
    text = f"{who.name}|{who.token_id}|{wish.act}|{wish.signal}|{wish.grace_s}|{jobs}|{window}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _is_covered(view: JobView, views: Mapping[Named, JobView]) -> bool:
    """Whether a job is part of another one that is named as well."""
    whole = view.array_job_id if view.array_task_id is not None else None
    if view.het_offset is not None:
        whole = view.het_job_id
    return whole is not None and (view.cluster, JobId(str(whole))) in views


def _listed(jobs: Sequence[JobId]) -> str:
    return ", ".join(jobs)


def _details(jobs: Sequence[JobId], wish: Wish) -> dict[str, JsonValue]:
    details: dict[str, JsonValue] = {"jobs": [str(one) for one in jobs]}
    if wish.signal is not None:
        details |= {"signal": wish.signal.value, "grace_s": wish.grace_s}
    return details


def _outcome(cluster: ClusterName, told: ActOutcome) -> JobOutcome:
    return JobOutcome(
        cluster=cluster,
        job_id=told.job_id,
        ok=told.word.is_ok,
        word=told.word,
        detail=told.detail,
        state_after=told.state_after,
    )


_CODES: Mapping[ActWord, ProblemCode] = {
    ActWord.NOT_FOUND: ProblemCode.JOB_NOT_FOUND,
    ActWord.DENIED: ProblemCode.FORBIDDEN,
    ActWord.NOT_POSSIBLE: ProblemCode.NOT_POSSIBLE,
    ActWord.CHANGED: ProblemCode.NOT_POSSIBLE,
    ActWord.UNREACHABLE: ProblemCode.CLUSTER_UNREACHABLE,
    ActWord.UNKNOWN: ProblemCode.CLUSTER_UNREACHABLE,
}
_REMEDIES: Mapping[ActWord, str] = {
    ActWord.DENIED: "Slurm lets only the job's owner and its operators do this.",
    ActWord.UNREACHABLE: "Nothing was done. `slurmfleet cluster test NAME` goes through the steps.",
    ActWord.UNKNOWN: "Look at the job before you try again: it may have been done.",
    ActWord.CHANGED: "List the cluster's jobs; Slurm uses ids again.",
}


def _not_done(cluster: ClusterName, job_id: JobId, problem: ProblemError) -> JobOutcome:
    return JobOutcome(
        cluster=cluster,
        job_id=job_id,
        ok=False,
        word=ActWord.UNREACHABLE,
        detail=f"{problem.code}: {problem.detail}",
        state_after="",
    )


def _problem(act: JobAct, outcome: JobOutcome) -> ProblemError:
    said = outcome.detail or outcome.word.value
    return ProblemError(
        _CODES[outcome.word],
        f"{act} of {outcome.cluster} {outcome.job_id}: {said}",
        remedy=_REMEDIES.get(outcome.word, "Look at the job again; its state may have changed."),
    )
