"""`slurmfleet jobs` and `slurmfleet job`."""

from datetime import datetime
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from slurmfleet.cli.ages import age_text, duration_text, moment_text
from slurmfleet.cli.answers import EventAnswer, EventList, JobAnswer, JobList
from slurmfleet.cli.client import ApiClient, Params, segment, understood
from slurmfleet.cli.moments import moment_option
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, pairs, table
from slurmfleet.cli.running import with_api
from slurmfleet.timing.clock import SystemClock

_STATE_STYLES = {
    "RUNNING": "green",
    "PENDING": "yellow",
    "SUSPENDED": "yellow",
    "COMPLETED": "dim",
    "CANCELLED": "dim",
}
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
        document = await api.get("/v1/jobs", params)
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
    """Show one job and what happened to it."""
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
    parts: list[RenderableType] = [pairs(_details(one)), Text()]
    parts.append(table(_TIMELINE, [_event_row(event) for event in events]))
    return Group(*parts)


_TIMELINE = (Column("WHEN"), Column("WHAT"), Column("STATE"), Column("REASON", elastic=True))


def _liveness(*, over: bool, every: bool) -> str:
    if every:
        return ""
    return "false" if over else "true"


def _row(one: JobAnswer) -> list[str | Text]:
    state = Text(_state(one), style="dim" if one.stale else _STATE_STYLES.get(one.state, "red"))
    return [
        one.cluster,
        one.job_id + (f"_[{one.array_pending}]" if one.array_pending else ""),
        one.name,
        one.user,
        one.partition,
        state,
        str(one.gpus) if one.gpus else "",
        _time(one),
        one.reason,
    ]


def _state(one: JobAnswer) -> str:
    flags = f"+{'+'.join(one.state_flags)}" if one.state_flags else ""
    return f"{one.state}{flags}{' (stale)' if one.stale else ''}"


def _time(one: JobAnswer) -> str:
    """Say how long it ran; of one that waits, how long it has waited."""
    until = one.ended_at or one.observed_at
    if one.started_at is not None:
        return duration_text((until - one.started_at).total_seconds())
    if one.live:
        return f"waits {duration_text((until - one.submitted_at).total_seconds())}"
    return ""


def _freshness(page: JobList) -> list[str]:
    return [
        f"{name}: {age_text(one.age_s, stale=one.stale)}"
        + (f" ({one.stale_reason})" if one.stale_reason else "")
        for name, one in sorted(page.clusters.items())
    ]


def _details(one: JobAnswer) -> list[tuple[str, str | Text]]:
    stale = f" ({one.stale_reason})" if one.stale_reason else ""
    return [
        ("job", f"{one.job_id} on {one.cluster}"),
        ("name", one.name),
        ("state", Text(_state(one), style=_STATE_STYLES.get(one.state, "red"))),
        ("reason", one.reason),
        ("user", one.user),
        ("account", one.account),
        ("partition", one.partition),
        ("qos", one.qos),
        ("submitted", moment_text(one.submitted_at)),
        ("started", moment_text(one.started_at)),
        ("expected start", moment_text(one.expected_start_at)),
        ("ended", moment_text(one.ended_at)),
        ("time", _time(one)),
        ("time limit", duration_text(one.time_limit_s) if one.time_limit_s else ""),
        ("nodes", f"{one.nodes} {one.node_list}".strip() if one.nodes else ""),
        ("CPUs", str(one.cpus) if one.cpus else ""),
        ("memory", f"{one.memory_mib / 1024:.1f} GiB" if one.memory_mib else ""),
        ("GPUs", _gpus(one)),
        ("tasks", ", ".join(f"{count} {state}" for state, count in one.task_states.items())),
        ("exit", _exit(one)),
        ("restarts", str(one.restart_count) if one.restart_count else ""),
        ("dependency", one.dependency),
        ("directory", one.work_dir),
        ("command", one.command),
        ("stdout", one.stdout_path),
        ("stderr", one.stderr_path),
        ("comment", one.comment),
        ("seen", age_text(one.age_s, stale=one.stale) + stale),
        ("source", one.source),
    ]


def _gpus(one: JobAnswer) -> str:
    types = ", ".join(f"{count} {kind}" for kind, count in one.gpus_by_type.items())
    return f"{one.gpus} ({types})" if types else (str(one.gpus) if one.gpus else "")


def _exit(one: JobAnswer) -> str:
    if one.exit_signal:
        return f"signal {one.exit_signal}"
    return "" if one.exit_code is None else f"status {one.exit_code}"


def _event_row(event: EventAnswer) -> list[str | Text]:
    return [_moment(event.occurred_at), event.verb, event.state, event.reason]


def _moment(moment: datetime) -> str:
    return moment_text(moment)
