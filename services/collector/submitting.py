"""Submits jobs on the cluster, once for each token, whatever becomes of the answers."""

from collections.abc import Callable, Mapping

from services.collector.requests import require_login
from services.collector.round_trip import IncompleteAnswerError, run_sections
from services.collector.target import problem_code
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.submission import SubmitReport, SubmitRequest
from slurmfleet.slurm.frames import SectionOutput
from slurmfleet.slurm.probe import Probe
from slurmfleet.slurm.submitting import SUBMIT, SUBMIT_LIMIT_S, Refusal, submit_section, submitted
from slurmfleet.ssh.errors import SshError, SshLaneBusyError
from slurmfleet.ssh.lanes import Lane
from slurmfleet.ssh.port import Link

_ON_THE_WAY_S = 15.0
_MOST_SAID = 500
_TIMED_OUT = frozenset({124, 137})
_AGAIN = "Send the same again with the same token: it finds the job, or submits it once."

_REFUSALS: Mapping[int, tuple[ProblemCode, str, str]] = {
    Refusal.NO_PLACE: (
        ProblemCode.NOT_POSSIBLE,
        "The home of our login on the cluster takes no file, so nothing was submitted.",
        "Free some of its quota; submissions are noted in ~/.slurmfleet/submissions.",
    ),
    Refusal.BUSY: (
        ProblemCode.CLUSTER_BUSY,
        "The same submission is being made at this moment.",
        _AGAIN,
    ),
    Refusal.UNSETTLED: (
        ProblemCode.CLUSTER_BUSY,
        "This was tried a moment ago, and whether Slurm has taken it is not known yet.",
        f"Wait a minute. {_AGAIN}",
    ),
    Refusal.OTHER: (
        ProblemCode.INVALID_PARAMETER,
        "This token stands for another submission.",
        "Use a new token for a new job.",
    ),
    Refusal.NO_FOLDER: (
        ProblemCode.INVALID_PARAMETER,
        "The folder to submit from is not there, or not for our login.",
        "Give one that exists on the cluster, or none.",
    ),
    Refusal.UNSURE: (
        ProblemCode.CLUSTER_UNREACHABLE,
        "Slurm's controller did not answer to its end: the job may have been taken.",
        _AGAIN,
    ),
}


class Submitter:
    """One cluster's way of taking jobs."""

    def __init__(
        self,
        *,
        link: Link,
        probe: Callable[[], Probe | None],
        spend: Callable[[str, int], None],
        on_acted: Callable[[], None],
    ) -> None:
        """Submit over `link`.

        Args:
            link: To the login node.
            probe: What is known of the login node; None before it was asked.
            spend: Counts requests of Slurm, by program.
            on_acted: Called once something was done, so that a look follows soon.
        """
        self._link = link
        self._probe = probe
        self._spend = spend
        self._on_acted = on_acted

    async def submit(self, request: SubmitRequest) -> SubmitReport:
        """Submit a job, or find the one that this token has submitted before.

        Raises:
            ProblemError: NOT_POSSIBLE with Slurm's words; CLUSTER_UNREACHABLE or CLUSTER_BUSY,
                after which the same may be sent again.
        """
        probe = self._probe()
        if probe is None:
            raise ProblemError(
                ProblemCode.CLUSTER_UNREACHABLE,
                "The login node has not been asked yet who it is; nothing was submitted.",
                remedy="`slurmfleet cluster test NAME` goes through the steps.",
            )
        require_login(probe.user, request.only_as)
        self._spend("sbatch", 1)
        try:
            frames = await run_sections(
                self._link,
                (submit_section(request),),
                probe.environment,
                limit_s=SUBMIT_LIMIT_S + _ON_THE_WAY_S,
                lane=Lane.USER,
            )
        except SshLaneBusyError as exc:
            raise ProblemError(problem_code(exc), exc.problem, remedy=exc.remedy) from exc
        except SshError as exc:
            raise ProblemError(
                problem_code(exc),
                f"{exc.problem}. Whether the job was submitted is not known.",
                remedy=_AGAIN,
            ) from exc
        except IncompleteAnswerError as exc:
            raise ProblemError(ProblemCode.CLUSTER_UNREACHABLE, str(exc), remedy=_AGAIN) from exc
        self._on_acted()
        return _report(request, frames.sections.get(SUBMIT))


def _report(request: SubmitRequest, output: SectionOutput | None) -> SubmitReport:
    if output is None or not output.complete or output.exit_status in _TIMED_OUT:
        raise ProblemError(*_unsure())
    if output.exit_status == 0 and (found := submitted(output.stdout)) is not None:
        job, was_known = found
        return SubmitReport(
            job_id=job,
            token=request.token,
            was_known=was_known,
            warnings="" if was_known else output.stderr.strip()[:_MOST_SAID],
        )
    if output.exit_status in _REFUSALS:
        code, detail, remedy = _REFUSALS[output.exit_status or 0]
        raise ProblemError(code, detail, remedy=remedy)
    said = " ".join(output.stderr.replace("sbatch: error: ", "").split())[:_MOST_SAID]
    raise ProblemError(
        ProblemCode.NOT_POSSIBLE,
        f"Slurm does not take the job: {said or f'sbatch ended with {output.exit_status}'}",
        remedy="Mend what it says; nothing was submitted, and the token may be used again.",
    )


def _unsure() -> tuple[ProblemCode, str]:
    code, detail, remedy = _REFUSALS[Refusal.UNSURE]
    return code, f"{detail} {remedy}"
