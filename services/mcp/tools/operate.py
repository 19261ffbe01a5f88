"""The toolset `operate`: what is done to jobs. Each call stands in the audit with its reason."""

from dataclasses import dataclass
from typing import Annotated

from fastmcp.tools.base import Tool, ToolResult
from fastmcp.tools.function_tool import FunctionTool
from mcp_types import ToolAnnotations
from pydantic import Field

from services.mcp.act_answers import ActAnswer, act_answer, act_text, outcome_text
from services.mcp.arguments import (
    CHANGES,
    DESTROYS,
    Cluster,
    JobId,
    Jobs,
    Reason,
    Words,
    cluster_names,
    listed_jobs,
)
from services.mcp.errors import told_problems
from services.mcp.schemas import schema_of
from services.mcp.sources import Sources
from services.mcp.tools.board import board_tools
from services.mcp.tools.mounts import mount_cluster_tool
from services.mcp.tools.scripts import run_script_tool
from slurmfleet.access.job_actions import JobActions, JobOutcome, Wish
from slurmfleet.access.submission import JobSubmission, new_token, told_as_problem
from slurmfleet.contracts import ids
from slurmfleet.contracts.actions import MOST_GRACE_S, JobAct, Signal
from slurmfleet.contracts.submission import MOST_SCRIPT_BYTES, SubmitReport, SubmitRequest
from slurmfleet.contracts.text import clean_line, shown_fields

SignalFirst = Annotated[
    Signal | None, Field(description="Send this signal first, so that the job can save its work.")
]
Grace = Annotated[
    float | None,
    Field(
        ge=0,
        le=MOST_GRACE_S,
        description="Seconds from the signal to the cancellation; null: only the signal is sent.",
    ),
]
Confirm = Annotated[
    str,
    Field(max_length=64, description="For more than ten jobs: what the refusal has named."),
]
_OWN = "Slurm lets only the job's owner and its operators do this."


def operate_tools(sources: Sources) -> list[Tool]:
    """Give the tools of this set."""
    actions = sources.actions
    return [
        _submit_job(sources.submission),
        run_script_tool(sources.scripts),
        mount_cluster_tool(sources.mounts),
        *board_tools(sources.board, sources.reader),
        _cancel_job(actions),
        _cancel_jobs(actions),
        _cancel_project_jobs(actions),
        _simple(
            actions,
            JobAct.HOLD,
            "Keep a waiting job from starting",
            f"Until it is released. A job that runs is refused. {_OWN}",
        ),
        _simple(
            actions,
            JobAct.RELEASE,
            "Let a held job start again",
            f"It waits its turn from then on. {_OWN}",
        ),
        _simple(
            actions,
            JobAct.REQUEUE,
            "Run a job again from the beginning",
            "Ends what it does now and puts it back into the queue under the same id; what it has "
            f"not saved is lost. One that ended lately runs again. {_OWN}",
            destroys=True,
        ),
    ]


def _submit_job(submission: JobSubmission) -> Tool:
    async def submit_job(
        cluster: Cluster,
        script: Annotated[
            str,
            Field(max_length=MOST_SCRIPT_BYTES, description="Batch script; begins with #!."),
        ],
        options: Annotated[
            dict[str, str | bool] | None,
            Field(description="sbatch's long options without dashes: {'time': '1:00:00'}."),
        ] = None,
        *,
        work_dir: Annotated[
            str, Field(max_length=4_000, description="Absolute path; empty: the home there.")
        ] = "",
        token: Annotated[
            str,
            Field(max_length=64, description="Send it again to find the job, never twice a job."),
        ] = "",
        reason: Reason = "",
    ) -> ToolResult:
        with told_problems():
            with told_as_problem():
                request = SubmitRequest(
                    token=token or new_token(),
                    script=script,
                    options=options or {},
                    work_dir=work_dir,
                )
            report = await submission.submit(ids.cluster_name(cluster), request, reason=reason)
        known = " (submitted before under this token)" if report.was_known else ""
        warnings = clean_line(report.warnings, at_most_chars=500)
        text = f"{cluster} {report.job_id}{known}" + (f": {warnings}" if warnings else "")
        return ToolResult(content=text, structured_content=shown_fields(_Submitted.of(report)))

    return FunctionTool.from_function(
        submit_job,
        title="Submit a job",
        description="Submits a batch script as our login on a cluster. If no answer comes, send "
        "the same again with the same token: it gives the same job.",
        annotations=ToolAnnotations(title="Submit a job", **CHANGES),
        output_schema=schema_of(_Submitted),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submitted:
    """The job that was submitted."""

    job_id: str
    token: str
    was_known: bool
    """Whether the token was used before: this is the job of then."""

    warnings: str

    @classmethod
    def of(cls, report: SubmitReport) -> "_Submitted":
        """Give a report as tools answer."""
        return cls(**report.model_dump())


def _cancel_job(actions: JobActions) -> Tool:
    async def cancel_job(
        cluster: Cluster,
        job_id: JobId,
        *,
        reason: Reason = "",
        signal: SignalFirst = None,
        grace_s: Grace = None,
    ) -> ToolResult:
        with told_problems():
            named = ((ids.cluster_name(cluster), ids.job_id(str(job_id))),)
            outcome = await actions.act_on_one(
                Wish(
                    act=JobAct.CANCEL,
                    jobs=named,
                    reason=reason,
                    signal=signal,
                    grace_s=grace_s if signal else None,
                )
            )
        return ToolResult(content=outcome_text(outcome), structured_content=shown_fields(outcome))

    return FunctionTool.from_function(
        cancel_job,
        title="Cancel a job",
        description="Ends a job for good, waiting or running; what it has not saved is lost. An "
        f"array's id cancels all its tasks. One that is over stays as it is. {_OWN}",
        annotations=ToolAnnotations(title="Cancel a job", **DESTROYS),
        output_schema=schema_of(JobOutcome),
    )


def _cancel_jobs(actions: JobActions) -> Tool:
    async def cancel_jobs(
        cluster: Cluster,
        job_ids: Annotated[Jobs, Field(description="Slurm job ids, a list or with commas.")],
        *,
        reason: Reason = "",
        signal: SignalFirst = None,
        grace_s: Grace = None,
        confirm: Confirm = "",
    ) -> ToolResult:
        with told_problems():
            name = ids.cluster_name(cluster)
            outcomes = await actions.act(
                Wish(
                    act=JobAct.CANCEL,
                    jobs=tuple((name, one) for one in listed_jobs(job_ids)),
                    reason=reason,
                    signal=signal,
                    grace_s=grace_s if signal else None,
                    confirm=confirm,
                )
            )
        answer = act_answer(outcomes)
        return ToolResult(content=act_text(answer), structured_content=shown_fields(answer))

    return FunctionTool.from_function(
        cancel_jobs,
        title="Cancel several jobs",
        description="Cancels each job and says of each what came of it. More than ten are refused "
        f"until they are confirmed. {_OWN}",
        annotations=ToolAnnotations(title="Cancel several jobs", **DESTROYS),
        output_schema=schema_of(ActAnswer),
    )


def _cancel_project_jobs(actions: JobActions) -> Tool:
    async def cancel_project_jobs(
        project: Annotated[str, Field(min_length=1, max_length=200, description="Its name.")],
        cluster: Annotated[Words, Field(description="Only on these clusters.")] = None,
        *,
        reason: Reason = "",
        confirm: Confirm = "",
    ) -> ToolResult:
        with told_problems():
            named = await actions.live_jobs_of_project(project, cluster_names(cluster))
            outcomes = await actions.act(
                Wish(act=JobAct.CANCEL, jobs=named, reason=reason, confirm=confirm)
            )
        answer = act_answer(outcomes)
        return ToolResult(content=act_text(answer), structured_content=shown_fields(answer))

    return FunctionTool.from_function(
        cancel_project_jobs,
        title="Cancel a project's jobs",
        description="Cancels every job of a project that waits or runs. More than ten are refused "
        f"until they are confirmed. {_OWN}",
        annotations=ToolAnnotations(title="Cancel a project's jobs", **DESTROYS),
        output_schema=schema_of(ActAnswer),
    )


def _simple(
    actions: JobActions, act: JobAct, title: str, description: str, *, destroys: bool = False
) -> Tool:
    async def do(cluster: Cluster, job_id: JobId, *, reason: Reason = "") -> ToolResult:
        with told_problems():
            named = ((ids.cluster_name(cluster), ids.job_id(str(job_id))),)
            outcome = await actions.act_on_one(Wish(act=act, jobs=named, reason=reason))
        return ToolResult(content=outcome_text(outcome), structured_content=shown_fields(outcome))

    return FunctionTool.from_function(
        do,
        name=f"{act}_job",
        title=title,
        description=f"{title}. {description}",
        annotations=ToolAnnotations(title=title, **(DESTROYS if destroys else CHANGES)),
        output_schema=schema_of(JobOutcome),
    )
