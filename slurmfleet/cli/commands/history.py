"""`slurmfleet history`: jobs that are over, found by text and by whose they were."""

from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from slurmfleet.cli.ages import moment_text
from slurmfleet.cli.answers import JobAnswer, JobList
from slurmfleet.cli.client import ApiClient, Params, understood
from slurmfleet.cli.commands.job_sections import state_style, state_text, time_text
from slurmfleet.cli.moments import moment_option
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.running import with_api
from slurmfleet.cli.searching import search_jobs
from slurmfleet.timing.clock import SystemClock

_COLUMNS = (
    Column("ENDED"),
    Column("CLUSTER"),
    Column("JOB"),
    Column("NAME", elastic=True),
    Column("USER", elastic=True),
    Column("STATE"),
    Column("GPUS", right=True),
    Column("RAN", right=True),
)
_TO_THE_MINUTE = len("2026-01-01 12:30")
_NO_NAMES: list[str] = []
Names = Annotated[list[str], typer.Option(help="May be given more than once.", metavar="NAME")]


def history(
    text: Annotated[
        str, typer.Argument(metavar="[TEXT]", help="Text in the name or the id, whatever its case.")
    ] = "",
    *,
    cluster: Names = _NO_NAMES,
    user: Names = _NO_NAMES,
    account: Names = _NO_NAMES,
    project: Names = _NO_NAMES,
    partition: Names = _NO_NAMES,
    state: Annotated[
        list[str], typer.Option(help="FAILED, COMPLETED, TIMEOUT, …", metavar="STATE")
    ] = _NO_NAMES,
    since: Annotated[str, typer.Option(help="Submitted then or later: 2h, 3d, 2026-11-20.")] = "",
    until: Annotated[str, typer.Option(help="Submitted before.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many jobs.")] = 50,
    cursor: Annotated[str, typer.Option(help="Go on where a page ended.")] = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Search the jobs that are over, newest submission first."""
    clock = SystemClock()
    output = Output(as_json=as_json)
    filters: Params = {
        "cluster": cluster,
        "user": user,
        "account": account,
        "project": project,
        "partition": partition,
        "state": state,
        "q": text,
        "since": moment_option(since, option="--since", clock=clock),
        "until": moment_option(until, option="--until", clock=clock),
        "live": "false",
    }

    async def show(api: ApiClient) -> None:
        document = await search_jobs(api, filters, output, limit=limit, cursor=cursor)
        if as_json:
            output.json(document)
        else:
            output.show(history_page(document))

    with_api(url, show)


def history_page(document: JsonValue) -> RenderableType:
    """Give a table of jobs that are over."""
    page = understood(document, JobList)
    if not page.items:
        return Text("No jobs match.")
    parts: list[RenderableType] = [table(_COLUMNS, [_row(one) for one in page.items])]
    if page.next_cursor:
        parts += [Text(), Text(f"There are more: --cursor {page.next_cursor}")]
    return Group(*parts)


def _row(one: JobAnswer) -> list[str | Text]:
    code = one.exit_code
    return [
        moment_text(one.ended_at)[:_TO_THE_MINUTE],
        one.cluster,
        one.job_id,
        one.name,
        one.user,
        Text(state_text(one) + (f" ({code})" if code else ""), style=state_style(one)),
        str(one.gpus) if one.gpus else "",
        time_text(one) if one.started_at else "",
    ]
