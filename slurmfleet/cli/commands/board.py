"""`slurmfleet board`: what is over and not put away yet."""

from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from slurmfleet.cli.ages import moment_text
from slurmfleet.cli.answers import JobAnswer
from slurmfleet.cli.client import ApiClient, Params, understood
from slurmfleet.cli.commands.events import refuse_options
from slurmfleet.cli.commands.job_sections import state_style, state_text, time_text
from slurmfleet.cli.errors import ExitCode
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.board import (
    BOARD_DAYS,
    MOST_BOARD_DAYS,
    BoardGroup,
    ClearReport,
    Mark,
    MarkReport,
)

_COLUMNS = (
    Column("ENDED"),
    Column("CLUSTER"),
    Column("JOB"),
    Column("NAME", elastic=True),
    Column("USER", elastic=True),
    Column("STATE"),
    Column("RAN", right=True),
    Column("PINNED"),
)
_TO_THE_MINUTE = len("2026-01-01 12:30")
_LIMIT_S = 90.0
_NO_NAMES: list[str] = []

Names = Annotated[list[str], typer.Option(help="May be given more than once.", metavar="NAME")]
Reason = Annotated[str, typer.Option(help="Why; stands in the audit.")]
ClusterName = Annotated[str, typer.Argument(metavar="CLUSTER", help="Name of the cluster.")]
JobIds = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Job ids: 4711, a task 4711_3, or 4711+1.")
]


class BoardItem(BaseModel):
    """One job of the board."""

    model_config = ConfigDict(extra="ignore")

    job: JobAnswer
    mark: Mark
    pinned_by: str


class BoardPage(BaseModel):
    """A page of the board."""

    model_config = ConfigDict(extra="ignore")

    items: tuple[BoardItem, ...]
    next_cursor: str | None


app = typer.Typer(help="What is over and not put away yet; clear, pin, dismiss, unmark.")


@app.callback(invoke_without_command=True)
def board(
    context: typer.Context,
    *,
    cluster: Names = _NO_NAMES,
    user: Names = _NO_NAMES,
    project: Names = _NO_NAMES,
    group: Annotated[BoardGroup | None, typer.Option(help="Only these.")] = None,
    days: Annotated[
        float, typer.Option(min=0.01, max=MOST_BOARD_DAYS, help="How long ago it may have ended.")
    ] = BOARD_DAYS,
    dismissed: Annotated[
        bool, typer.Option("--dismissed", help="What was put away instead.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many jobs.")] = 50,
    cursor: Annotated[str, typer.Option(help="Go on where a page ended.")] = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List jobs that are over and were not put away, the latest end first; `jobs` lists the rest.

    Pinned jobs are listed however old they are, and before all others while they go on.
    """
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    output = Output(as_json=as_json)
    params: Params = {
        "cluster": cluster,
        "user": user,
        "project": project,
        "group": group.value if group else "",
        "days": str(days),
        "dismissed": "true" if dismissed else "",
        "limit": limit,
        "cursor": cursor,
    }

    async def show(api: ApiClient) -> None:
        document = await api.get("/v1/board", params)
        if as_json:
            output.json(document)
        else:
            output.show(board_page(document))

    with_api(url, show)


@app.command()
def clear(
    groups: Annotated[list[BoardGroup], typer.Argument(help="failed, completed, cancelled.")],
    *,
    cluster: Names = _NO_NAMES,
    user: Names = _NO_NAMES,
    project: Names = _NO_NAMES,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Put away what is over, for everybody of the group; it stays in the history.

    What is pinned stays. `board --dismissed` lists the rest; `board unmark` brings one back.
    """
    output = Output(as_json=as_json)
    body: dict[str, JsonValue] = {
        "groups": [one.value for one in dict.fromkeys(groups)],
        "clusters": [*cluster],
        "users": [*user],
        "projects": [*project],
        "reason": reason,
    }

    async def converse(api: ApiClient) -> None:
        document = await api.send("POST", "/v1/board:clear", body, limit_s=_LIMIT_S)
        report = understood(document, ClearReport)
        if as_json:
            output.json(document)
        else:
            output.say(f"{report.cleared:,} put away.")
            if not report.complete:
                output.say("There is more than there was time for: say it again.")

    with_api(url, converse)


@app.command()
def pin(
    cluster: ClusterName,
    ids: JobIds,
    *,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Keep jobs on the board, whatever is cleared and however old they get."""
    _mark(Mark.PINNED, cluster, ids, reason=reason, as_json=as_json, url=url)


@app.command()
def dismiss(
    cluster: ClusterName,
    ids: JobIds,
    *,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Put jobs away that are over; a later run of the same job is shown again."""
    _mark(Mark.DISMISSED, cluster, ids, reason=reason, as_json=as_json, url=url)


@app.command()
def unmark(
    cluster: ClusterName,
    ids: JobIds,
    *,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Take back what was said of jobs: neither pinned nor put away."""
    _mark(Mark.NONE, cluster, ids, reason=reason, as_json=as_json, url=url)


def board_page(document: JsonValue) -> RenderableType:
    """Give a table of the board."""
    page = understood(document, BoardPage)
    if not page.items:
        return Text("Nothing is there.")
    parts: list[RenderableType] = [table(_COLUMNS, [_row(one) for one in page.items])]
    if page.next_cursor:
        parts += [Text(), Text(f"There are more: --cursor {page.next_cursor}")]
    return Group(*parts)


def _mark(
    mark: Mark, cluster: str, ids: list[str], *, reason: str, as_json: bool, url: str | None
) -> None:
    output = Output(as_json=as_json)
    words = [word for text in ids for word in text.split(",") if word]
    body: dict[str, JsonValue] = {
        "mark": mark.value,
        "jobs": [{"cluster": cluster, "job_id": word} for word in words],
        "reason": reason,
    }

    async def converse(api: ApiClient) -> None:
        document = await api.send("POST", "/v1/board:mark", body, limit_s=_LIMIT_S)
        report = understood(document, MarkReport)
        if as_json:
            output.json(document)
        else:
            for one in report.marked:
                output.say(f"{one.cluster} {one.job_id}: {_SAID[mark]}.")
            for name, why in report.refused.items():
                output.say(f"{name}: left as it is; {why}")
        if report.refused:
            raise typer.Exit(int(ExitCode.FAILED))

    with_api(url, converse)


_SAID = {Mark.PINNED: "pinned", Mark.DISMISSED: "put away", Mark.NONE: "as any other"}


def _row(item: BoardItem) -> list[str | Text]:
    one = item.job
    return [
        moment_text(one.ended_at)[:_TO_THE_MINUTE],
        one.cluster,
        one.job_id,
        one.name,
        one.user,
        Text(state_text(one), style=state_style(one)),
        time_text(one) if one.started_at else "",
        f"by {item.pinned_by}" if item.mark is Mark.PINNED else "",
    ]
