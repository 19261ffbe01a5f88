"""`slurmfleet jobs` and `slurmfleet job`."""

from datetime import datetime
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from slurmfleet.cli.ages import age_text, moment_text
from slurmfleet.cli.answers import EventAnswer, EventList, JobAnswer, JobList
from slurmfleet.cli.client import ApiClient, Params, segment, understood
from slurmfleet.cli.commands.job_sections import (
    job_sections,
    state_style,
    state_text,
    time_text,
)
from slurmfleet.cli.moments import moment_option
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.running import with_api
from slurmfleet.cli.searching import search_jobs
from slurmfleet.timing.clock import SystemClock

_COLUMNS = (
    Column("CLUSTER"),
    Column("JOB"),
    Column("NAME", elastic=True),
    Column("USER", elastic=True),
    Column("PARTITION", elastic=True),
    Column("STATE"),
    Column("GPUS", right=True),
    Column("TIME", right=True),
    Column("REASON", elastic=True),
)
_NO_NAMES: list[str] = []
Names = Annotated[list[str], typer.Option(help="May be given more than once.", metavar="NAME")]


def jobs(
    *,
    cluster: Names = _NO_NAMES,
    user: Names = _NO_NAMES,
    account: Names = _NO_NAMES,
    project: Names = _NO_NAMES,
    partition: Names = _NO_NAMES,
    state: Annotated[
        list[str], typer.Option(help="RUNNING, PENDING, FAILED, …", metavar="STATE")
    ] = _NO_NAMES,
    query: Annotated[str, typer.Option("--query", "-q", help="Text in the name or the id.")] = "",
    since: Annotated[str, typer.Option(help="Submitted then or later: 2h, 3d, 2026-11-20.")] = "",
    until: Annotated[str, typer.Option(help="Submitted before.")] = "",
    over: Annotated[
        bool, typer.Option("--over", help="Jobs that are over, instead of those that are not.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Both: live jobs and those over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many jobs.")] = 50,
    cursor: Annotated[str, typer.Option(help="Go on where a page ended.")] = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show again and again.")] = False,
    interval_s: Annotated[
        float, typer.Option("--interval", min=0.5, help="Seconds between two looks.")
    ] = 2.0,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List jobs, newest first; those that are not over unless told otherwise."""
    clock = SystemClock()
    params: Params = {
        "cluster": cluster,
        "user": user,
        "account": account,
        "project": project,
        "partition": partition,
        "state": state,
        "q": query,
        "since": moment_option(since, option="--since", clock=clock),
        "until": moment_option(until, option="--until", clock=clock),
        "live": _liveness(over=over, every=every or bool(state)),
        "limit": limit,
        "cursor": cursor,
    }
    output = Output(as_json=as_json)

    async def once(api: ApiClient) -> None:
        document = await search_jobs(api, params, output, limit=limit, cursor=cursor)
        if as_json:
            output.json(document)
        else:
            output.show(jobs_page(document))

    async def again_and_again(api: ApiClient) -> None:
        with Live(console=output.data, auto_refresh=False) as live:
            while True:
                document = await api.get("/v1/jobs", params)
                if as_json:
                    output.json_line(document)
                elif output.data.is_terminal:
                    live.update(jobs_page(document), refresh=True)
                else:
                    output.show(jobs_page(document))
                await clock.sleep(interval_s)

    with_api(url, again_and_again if watch else once)


def job(
    cluster: Annotated[str, typer.Argument(help="Name of the cluster.")],
    job_id: Annotated[str, typer.Argument(metavar="ID", help="4711, 4711_3 or 4711+1.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show one job in full: state, times, resources, request, dependencies, files, its history."""
    output = Output(as_json=as_json)
    path = f"/v1/jobs/{segment(cluster)}/{segment(job_id)}"

    async def show(api: ApiClient) -> None:
        document = await api.get(path)
        timeline = await api.get(f"{path}/timeline")
        if as_json:
            output.json({"job": document, "timeline": timeline})
        else:
            output.show(job_page(document, timeline))

    with_api(url, show)


def jobs_page(document: JsonValue) -> RenderableType:
    """Give a table of jobs, with the age of what it shows."""
    page = understood(document, JobList)
    if not page.items and page.next_cursor:  # a watch does not follow a search to its end
        return Text("None found so far: say where to look, with --since and --until.")
    if not page.items:
        return Text("No jobs match.")
    rows = [_row(one) for one in page.items]
    parts: list[RenderableType] = [table(_COLUMNS, rows), Text()]
    parts += [Text(line) for line in _freshness(page)]
    if page.next_cursor:
        parts.append(Text("There are more: raise --limit, or narrow the question."))
    return Group(*parts)


def job_page(document: JsonValue, timeline: JsonValue) -> RenderableType:
    """Give one job in full, and its timeline."""
    one = understood(document, JobAnswer)
    events = understood(timeline, EventList).items
    parts: list[RenderableType] = [*job_sections(one), Text()]
    parts.append(table(_TIMELINE, [_event_row(event) for event in events]))
    return Group(*parts)


_TIMELINE = (Column("WHEN"), Column("WHAT"), Column("STATE"), Column("REASON", elastic=True))


def _liveness(*, over: bool, every: bool) -> str:
    if every:
        return ""
    return "false" if over else "true"


def _row(one: JobAnswer) -> list[str | Text]:
    state = Text(state_text(one), style="dim" if one.stale else state_style(one))
    return [
        one.cluster,
        one.job_id + (f"_[{one.array_pending}]" if one.array_pending else ""),
        one.name,
        one.user,
        one.partition,
        state,
        str(one.gpus) if one.gpus else "",
        time_text(one),
        one.reason,
    ]


def _freshness(page: JobList) -> list[str]:
    return [
        f"{name}: {age_text(one.age_s, stale=one.stale)}"
        + (f" ({one.stale_reason})" if one.stale_reason else "")
        for name, one in sorted(page.clusters.items())
    ]


def _event_row(event: EventAnswer) -> list[str | Text]:
    return [_moment(event.occurred_at), event.verb, event.state, event.reason]


def _moment(moment: datetime) -> str:
    return moment_text(moment)
