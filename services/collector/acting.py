"""Does to jobs what people ask for, on the cluster, job by job.

In people's lane, so that nothing of it holds up the watch; Slurm's words decide what came of it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.collector.desk import requests_by_command
from services.collector.jobs.tracked import Memory
from services.collector.round_trip import IncompleteAnswerError, run_sections
from services.collector.target import problem_code
from slurmfleet.contracts.actions import (
    ActOutcome,
    ActReport,
    ActRequest,
    ActTarget,
    ActWord,
    JobAct,
    Signal,
)
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.slurm.acting import act_sections, is_up, outcomes, ping_section
from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.frames import Frames
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.errors import SshError
from slurmfleet.ssh.lanes import Lane
from slurmfleet.ssh.port import Link
from slurmfleet.timing.clock import Clock

PING_LIMIT_S = 15.0
SCRIPT_LIMIT_S = 30.0
"""For all jobs of one request; what has no answer by then is told as not known."""


class JobActor:
    """One cluster's jobs, acted on."""

    def __init__(
        self,
        cluster: ClusterName,
        *,
        link: Link,
        clock: Clock,
        probe: Callable[[], Probe | None],
        memory: Callable[[], Memory],
        spend: Callable[[str, int], None],
        on_acted: Callable[[], None],
    ) -> None:
        """Act over `link`.

        Args:
            cluster: Whose jobs.
            link: To the login node.
            clock: For all times.
            probe: What is known of the login node; None before it was asked.
            memory: Gives the tracked jobs, to tell whose id it is now.
            spend: Counts requests of Slurm, by program.
            on_acted: Called once something was done, so that a look follows soon.
        """
        self._cluster = cluster
        self._link = link
        self._clock = clock
        self._probe = probe
        self._memory = memory
        self._spend = spend
        self._on_acted = on_acted

    async def act(self, request: ActRequest) -> ActReport:
        """Do it to each job that still is the one that was meant.

        Raises:
            ProblemError: The cluster cannot be asked now: nothing was done.
        """
        told = {
            one.job_id: ActOutcome(job_id=one.job_id, word=ActWord.CHANGED, detail=why)
            for one in request.jobs
            if (why := self._changed(one))
        }
        meant = [JobId(one.job_id) for one in request.jobs if one.job_id not in told]
        if meant:
            await self._require_controller()
            for outcome in await self._do(request, meant):
                told[outcome.job_id] = outcome
            self._on_acted()
        return ActReport(outcomes=tuple(told[one.job_id] for one in request.jobs))

    async def _do(self, request: ActRequest, jobs: Sequence[JobId]) -> Sequence[ActOutcome]:
        if request.act is not JobAct.CANCEL or request.signal is None:
            return await self._run(request.act, jobs, None)
        signalled = await self._run(request.act, jobs, request.signal)
        if request.grace_s is None:
            return [_as_signalled(one) for one in signalled]
        await self._clock.sleep(request.grace_s)
        # Whatever the signal did: a job that waits knows none, and one that obeyed is over.
        return await self._run(request.act, jobs, None)

    async def _run(
        self, act: JobAct, jobs: Sequence[JobId], signal: Signal | None
    ) -> Sequence[ActOutcome]:
        sections = act_sections(act, jobs, signal=signal)
        try:
            frames = await self._ask(sections, limit_s=SCRIPT_LIMIT_S)
        except (SshError, IncompleteAnswerError) as exc:
            # The script may have run: nobody knows.
            return [
                ActOutcome(job_id=one, word=ActWord.UNKNOWN, detail=str(exc)[:300]) for one in jobs
            ]
        return outcomes(act, jobs, frames)

    async def _require_controller(self) -> None:
        """Refuse to begin where Slurm could not be told.

        Raises:
            ProblemError: The login node or the controller does not answer.
        """
        section = ping_section()
        try:
            frames = await self._ask((section,), limit_s=PING_LIMIT_S)
        except SshError as exc:
            raise ProblemError(problem_code(exc), exc.problem, remedy=exc.remedy) from exc
        except IncompleteAnswerError as exc:
            raise ProblemError(ProblemCode.CLUSTER_UNREACHABLE, str(exc)) from exc
        if not is_up(frames.sections.get(section.name)):
            raise ProblemError(
                ProblemCode.CLUSTER_UNREACHABLE,
                f"Slurm's controller of {self._cluster} does not answer; nothing was done.",
                remedy="Try again once `slurmfleet status` shows fresh looks of it.",
            )

    async def _ask(self, sections: Sequence[Section], *, limit_s: float) -> Frames:
        probe = self._probe()
        if probe is None:
            raise IncompleteAnswerError("The login node has not been asked yet who it is.")
        for program, count in requests_by_command(sections).items():
            self._spend(program, count)
        return await run_sections(
            self._link, sections, probe.environment, limit_s=limit_s, lane=Lane.USER
        )

    def _changed(self, target: ActTarget) -> str:
        """Say why a job is not the one that was meant; empty if it is."""
        submitted_at = self._submitted_at(target)
        if submitted_at is None:
            return "The collector does not follow a job of this id now."
        if submitted_at != target.submitted_at:
            return f"The id belongs to a job that was submitted at {submitted_at:%Y-%m-%d %H:%M}."
        return ""

    def _submitted_at(self, target: ActTarget) -> datetime | None:
        """Give when the job of an id was submitted; a task that still waits is its array's."""
        memory = self._memory()
        known = memory.get(JobId(target.job_id)) or memory.get(
            JobId(target.job_id.partition("_")[0])
        )
        return None if known is None else known.job.submitted_at


def _as_signalled(outcome: ActOutcome) -> ActOutcome:
    if outcome.word is not ActWord.DONE:
        return outcome
    return outcome.model_copy(update={"word": ActWord.SIGNALLED})
