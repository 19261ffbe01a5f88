"""The one way from a face to a job that is submitted: who may, the audit, the cluster."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import ValidationError

from slurmfleet.access.audit import Action, Auditor
from slurmfleet.access.principal import current_principal
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.access import Toolset
from slurmfleet.contracts.commands import Verb
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.submission import SubmitReport, SubmitRequest
from slurmfleet.runtime.commands import ask_collector

SUBMIT_LIMIT_S = 75.0
"""For the collector's answer: what it gives the login node, and some."""

_AGAIN = "Send the same again with the same token: it finds the job, or submits it once."


def new_token() -> str:
    """Give a token for a submission that was given none."""
    return secrets.token_urlsafe(12)


@contextmanager
def told_as_problem(page: str = "docs/actions.md") -> Generator[None]:
    """Tell what is wrong with a request in a caller's words; `page` says what one may hold.

    Raises:
        ProblemError: INVALID_PARAMETER.
    """
    try:
        yield
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"{where}: {said}" if where else said,
            remedy=f"{page} says what such a request may hold.",
        ) from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSubmission:
    """Submits jobs on all clusters."""

    bus: Bus
    auditor: Auditor

    async def submit(
        self, cluster: ClusterName, request: SubmitRequest, *, reason: str = ""
    ) -> SubmitReport:
        """Submit a job once, however often the same token is sent.

        Raises:
            ProblemError: Nothing was submitted; or nobody knows, and the remedy says to send the
                same again.
        """
        # Whose job it will be is known on the cluster alone, and a token may be for some users'.
        request = request.model_copy(update={"only_as": tuple(sorted(current_principal().users))})
        action = Action(
            name="job.submit",
            needs=Toolset.OPERATE,
            cluster=cluster,
            reason=reason,
            details={
                "token": request.token,
                # Scripts and environments hold secrets, and the audit is kept for ever.
                "options": {
                    **request.options,
                    **({"export": "…"} if "export" in request.options else {}),
                },
                "work_dir": request.work_dir,
                "digest": request.digest,
            },
        )
        async with self.auditor.acting(action) as result:
            try:
                report = await ask_collector(
                    self.bus,
                    cluster,
                    Verb.SUBMIT,
                    SubmitReport,
                    limit_s=SUBMIT_LIMIT_S,
                    request=request,
                )
            except ProblemError as problem:
                raise _with_token(problem, request.token) from problem
            result.details |= {"job_id": report.job_id, "was_known": report.was_known}
        return report


def _with_token(problem: ProblemError, token: str) -> ProblemError:
    """Name the token where the same may be sent again: a caller may not have chosen it."""
    unknown = {
        ProblemCode.COLLECTOR_UNREACHABLE,
        ProblemCode.CLUSTER_UNREACHABLE,
        ProblemCode.CLUSTER_BUSY,
        ProblemCode.INTERNAL,
    }
    if problem.code not in unknown:
        return problem
    remedy = problem.remedy if _AGAIN in problem.remedy else f"{problem.remedy} {_AGAIN}".strip()
    return ProblemError(problem.code, problem.detail, remedy=f"{remedy} It is {token}.")
