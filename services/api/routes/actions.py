"""Actions on jobs: one, or many at once."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.api.answers import json_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import NoQuery, refuse_repeated
from slurmfleet.access.job_actions import JobActions, JobOutcome, Named, Wish
from slurmfleet.access.submission import JobSubmission, new_token, told_as_problem
from slurmfleet.contracts.actions import MOST_GRACE_S, MOST_JOBS, JobAct, Signal
from slurmfleet.contracts.ids import ClusterName, cluster_name, job_id
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.submission import MOST_SCRIPT_BYTES, SubmitReport, SubmitRequest
from slurmfleet.contracts.text import shown
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.runtime.commands import require_bus

_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.INVALID_JOB_ID,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.JOB_NOT_FOUND,
    ProblemCode.FORBIDDEN,
    ProblemCode.RATE_LIMITED,
    ProblemCode.NOT_POSSIBLE,
    ProblemCode.CLUSTER_UNREACHABLE,
    ProblemCode.STORE_UNAVAILABLE,
    ProblemCode.BUS_UNAVAILABLE,
)
_DOES = {
    JobAct.CANCEL: "Cancel",
    JobAct.HOLD: "Hold",
    JobAct.RELEASE: "Release",
    JobAct.REQUEUE: "Requeue",
}
_Nothing = Annotated[NoQuery, Query()]


class ActBody(BaseModel):
    """Why, and for a cancellation how."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2_000, description="Why; stands in the audit.")
    signal: Signal | None = Field(
        default=None, description="Of a cancellation: send this signal first."
    )
    grace_s: float | None = Field(
        default=None,
        ge=0,
        le=MOST_GRACE_S,
        description="Seconds from the signal to the cancellation; null: the signal is all.",
    )

    @model_validator(mode="after")
    def _grace_follows_a_signal(self) -> "ActBody":
        if self.grace_s is not None and self.signal is None:
            raise ValueError("grace_s is the time after a signal; name one")
        return self


class JobName(BaseModel):
    """One job."""

    model_config = ConfigDict(extra="forbid")

    cluster: str
    job_id: str

    def named(self) -> Named:
        """Give it, checked."""
        return cluster_name(self.cluster), job_id(self.job_id)


class ManyBody(ActBody):
    """Which jobs: named one by one, or the live ones of a project."""

    jobs: tuple[JobName, ...] = Field(default=(), max_length=MOST_JOBS)
    project: str = Field(default="", max_length=200, description="All live jobs of this project.")
    clusters: tuple[str, ...] = Field(
        default=(), max_length=100, description="With a project: only on these clusters."
    )
    confirm: str = Field(
        default="", max_length=64, description="For more than ten: what the refusal has named."
    )

    @model_validator(mode="after")
    def _one_way_of_naming(self) -> "ManyBody":
        if bool(self.jobs) == bool(self.project):
            raise ValueError("name either jobs or a project")
        if self.clusters and not self.project:
            raise ValueError("clusters narrow down a project; each of jobs names its own")
        return self


class SubmitBody(BaseModel):
    """What is to be submitted, and where."""

    model_config = ConfigDict(extra="forbid")

    cluster: str
    script: str = Field(
        max_length=MOST_SCRIPT_BYTES,
        description="The batch script; begins with #! and may hold #SBATCH lines.",
    )
    options: dict[str, str | bool] = Field(
        default_factory=dict[str, str | bool],
        description="Long options of sbatch without dashes; they count more than #SBATCH lines.",
    )
    work_dir: str = Field(default="", description="Where; absent: the home of our login.")
    token: str = Field(default="", description="Of this submission; absent: a new one is made.")
    reason: str = Field(default="", max_length=2_000, description="Why; stands in the audit.")

    def as_request(self) -> SubmitRequest:
        """Give the collector's request.

        Raises:
            ProblemError: It is none; the detail says what is wrong.
        """
        with told_as_problem():
            return SubmitRequest(
                token=self.token or new_token(),
                script=self.script,
                options=self.options,
                work_dir=self.work_dir,
            )


class ActAnswer(BaseModel):
    """What came of it for each job."""

    ok: bool = Field(description="Whether what was wanted is so for all of them.")
    items: tuple[JobOutcome, ...]


def action_routes(gateway: Gateway) -> APIRouter:
    """Give the routes that act on jobs."""
    router = APIRouter(
        prefix="/v1",
        tags=["actions"],
        dependencies=[Depends(refuse_repeated), Depends(partial(require_bus, gateway.bus))],
    )
    actions = JobActions(
        reader=gateway.reader,
        bus=gateway.bus,
        auditor=gateway.auditor,
        clock=gateway.clock,
        limit_s=gateway.settings.command_limit_s,
    )
    for act in JobAct:
        _add_one(router, actions, act)
        _add_many(router, actions, act)
    _add_submitting(router, gateway)
    return router


def _add_submitting(router: APIRouter, gateway: Gateway) -> None:
    submission = JobSubmission(bus=gateway.bus, auditor=gateway.auditor)
    registry = ClusterRegistry(gateway.bus)

    @router.post(
        "/jobs:submit",
        summary="Submit a job, once for each token",
        description="A token that is sent again gives the job that it has submitted, however often "
        "and whatever became of the answers; send one where a lost answer must not cost a second "
        "job.",
        operation_id="submit_job",
        status_code=HTTPStatus.CREATED,
        responses={
            200: {"model": SubmitReport, "description": "The token was used before."},
            201: {"model": SubmitReport},
            **documented(*_ERRORS, ProblemCode.CLUSTER_BUSY),
        },
    )
    async def submit_job(request: Request, body: SubmitBody, _query: _Nothing) -> Response:
        cluster = cluster_name(body.cluster)
        await registry.get_cluster(cluster)
        report = await submission.submit(cluster, body.as_request(), reason=body.reason)
        status = HTTPStatus.OK if report.was_known else HTTPStatus.CREATED
        return json_response(request, report, status=status)


def _add_one(router: APIRouter, actions: JobActions, act: JobAct) -> None:
    @router.post(
        f"/jobs/{{cluster}}/{{job}}/{act}",
        summary=f"{_DOES[act]} one job",
        operation_id=f"{act}_job",
        responses={200: {"model": JobOutcome}, **documented(*_ERRORS)},
    )
    async def act_on_one(
        request: Request, cluster: str, job: str, _query: _Nothing, body: ActBody | None = None
    ) -> Response:
        told = body or ActBody()
        named = (cluster_name(cluster), job_id(job))
        outcome = await actions.act_on_one(_wish(act, (named,), told))
        return json_response(request, shown(outcome))


def _add_many(router: APIRouter, actions: JobActions, act: JobAct) -> None:
    @router.post(
        f"/jobs:{act}",
        summary=f"{_DOES[act]} many jobs; more than ten have to be confirmed",
        operation_id=f"{act}_jobs",
        responses={
            200: {"model": ActAnswer},
            **documented(*_ERRORS, ProblemCode.CONFIRMATION_NEEDED),
        },
    )
    async def act_on_many(request: Request, body: ManyBody, _query: _Nothing) -> Response:
        clusters: tuple[ClusterName, ...] = tuple(cluster_name(one) for one in body.clusters)
        if body.project:
            named = await actions.live_jobs_of_project(body.project, clusters)
        else:
            named = tuple(one.named() for one in body.jobs)
        outcomes = await actions.act(_wish(act, named, body, confirm=body.confirm))
        answer = {"ok": all(one.ok for one in outcomes), "items": shown(outcomes)}
        return json_response(request, answer)


def _wish(act: JobAct, named: tuple[Named, ...], body: ActBody, *, confirm: str = "") -> Wish:
    return Wish(
        act=act,
        jobs=named,
        reason=body.reason,
        signal=body.signal,
        grace_s=body.grace_s,
        confirm=confirm,
    )
