"""`slurmfleet cancel`, `hold`, `release`, `requeue`: what is done to jobs."""

from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue

from slurmfleet.cli.client import ApiClient, understood
from slurmfleet.cli.errors import AnsweredError, ExitCode
from slurmfleet.cli.options import AsJson, Url, Yes
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.actions import MOST_GRACE_S, JobAct, Signal
from slurmfleet.contracts.problems import ProblemCode

_COLUMNS = (
    Column("CLUSTER"),
    Column("JOB"),
    Column("OUTCOME"),
    Column("NOW"),
    Column("DETAIL", elastic=True),
)
_LIMIT_S = 180.0
_NONE: list[str] = []

ClusterName = Annotated[str, typer.Argument(metavar="CLUSTER", help="Name of the cluster.")]
JobIds = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Job ids: 4711, a task 4711_3, or 4711+1.")
]
Reason = Annotated[str, typer.Option(help="Why; stands in the audit.")]


class OutcomeAnswer(BaseModel):
    """What came of it for one job."""

    model_config = ConfigDict(extra="ignore")

    cluster: str
    job_id: str
    ok: bool
    word: str
    detail: str
    state_after: str


class ActAnswer(BaseModel):
    """What came of it for each job."""

    ok: bool
    items: tuple[OutcomeAnswer, ...]


def cancel(
    cluster: Annotated[
        str, typer.Argument(metavar="CLUSTER", help="Name of the cluster; 'all' with --project.")
    ],
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Job ids: 4711, a task 4711_3, or 4711+1."),
    ] = None,
    *,
    project: Annotated[str, typer.Option(help="All live jobs of this project instead.")] = "",
    signal: Annotated[
        Signal | None, typer.Option(help="Send this first, so that jobs can save their work.")
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MOST_GRACE_S,
            help="Seconds from signal to end; without: signal only.",
        ),
    ] = None,
    reason: Reason = "",
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Cancel jobs, for good; an array's id cancels all its tasks. Each one's outcome is told.

    More than ten are asked about first; --yes does not ask.
    """
    if bool(ids) == bool(project):
        raise typer.BadParameter("Name job ids, or a project with --project, and not both.")
    body: dict[str, JsonValue] = {"reason": reason}
    if signal is not None:
        body |= {"signal": signal.value, "grace_s": grace}
    elif grace is not None:
        raise typer.BadParameter("--grace is the time after --signal; give both.")
    if project:
        body |= {"project": project, "clusters": [] if cluster == "all" else [cluster]}
    else:
        body["jobs"] = _named(cluster, ids or _NONE)
    _act(JobAct.CANCEL, body, yes=yes, as_json=as_json, url=url)


def hold(
    cluster: ClusterName,
    ids: JobIds,
    *,
    reason: Reason = "",
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Keep waiting jobs from starting until they are released."""
    body: dict[str, JsonValue] = {"reason": reason, "jobs": _named(cluster, ids)}
    _act(JobAct.HOLD, body, yes=yes, as_json=as_json, url=url)


def release(
    cluster: ClusterName,
    ids: JobIds,
    *,
    reason: Reason = "",
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Let held jobs start again."""
    body: dict[str, JsonValue] = {"reason": reason, "jobs": _named(cluster, ids)}
    _act(JobAct.RELEASE, body, yes=yes, as_json=as_json, url=url)


def requeue(
    cluster: ClusterName,
    ids: JobIds,
    *,
    reason: Reason = "",
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Run jobs again from the beginning, under their ids; what they have not saved is lost."""
    body: dict[str, JsonValue] = {"reason": reason, "jobs": _named(cluster, ids)}
    _act(JobAct.REQUEUE, body, yes=yes, as_json=as_json, url=url)


def _named(cluster: str, ids: list[str]) -> list[JsonValue]:
    """Give the jobs; ids may stand in one word with commas."""
    words = [word for text in ids for word in text.split(",") if word]
    return [{"cluster": cluster, "job_id": word} for word in words]


def _act(
    act: JobAct, body: dict[str, JsonValue], *, yes: bool, as_json: bool, url: str | None
) -> None:
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        path = f"/v1/jobs:{act}"
        try:
            with output.waiting(f"{act} …"):
                document = await api.send("POST", path, body, limit_s=_LIMIT_S)
        except AnsweredError as refusal:
            if refusal.code != ProblemCode.CONFIRMATION_NEEDED:
                raise
            if not (yes or (not as_json and typer.confirm(f"{refusal.detail} Go on?", err=True))):
                raise
            confirmed = {**body, "confirm": refusal.remedy.rpartition("confirm=")[2]}
            document = await api.send("POST", path, confirmed, limit_s=_LIMIT_S)
        found = understood(document, ActAnswer)
        if as_json:
            output.json(document)
        else:
            output.show(table(_COLUMNS, [_row(one) for one in found.items]))
        if not found.ok:
            raise typer.Exit(int(ExitCode.FAILED))

    with_api(url, converse)


def _row(one: OutcomeAnswer) -> tuple[str, ...]:
    return one.cluster, one.job_id, one.word, one.state_after, one.detail
