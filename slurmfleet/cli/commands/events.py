"""`slurmfleet events`: what happened, and what happens."""

from typing import Annotated

import httpx
import typer
from pydantic import TypeAdapter
from rich.text import Text

from slurmfleet.cli.ages import moment_text
from slurmfleet.cli.answers import EventAnswer, EventList
from slurmfleet.cli.client import ApiClient, Params, understood
from slurmfleet.cli.commands import dead
from slurmfleet.cli.errors import AnsweredError, ExitCode, UnreachableError
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.running import with_api
from slurmfleet.cli.stream import Reset, ServerEvent, stream
from slurmfleet.runtime.process import Backoff
from slurmfleet.timing.clock import Clock, SystemClock

_COLUMNS = (
    Column("SEQ", right=True),
    Column("WHEN"),
    Column("CLUSTER"),
    Column("JOB"),
    Column("WHAT"),
    Column("STATE"),
    Column("USER", elastic=True),
    Column("NAME", elastic=True),
)
_NO_NAMES: list[str] = []
_EVENT = TypeAdapter(EventAnswer)


app = typer.Typer(help="What happened, and what happens; dead: what could not be used.")
app.add_typer(dead.app, name="dead")


@app.callback(invoke_without_command=True)
def events(
    context: typer.Context,
    *,
    cluster: Annotated[list[str], typer.Option(help="Name of a cluster.")] = _NO_NAMES,
    user: Annotated[list[str], typer.Option(help="Owner of the job.")] = _NO_NAMES,
    verb: Annotated[
        list[str], typer.Option(help="submitted, started, changed, ended, vanished.")
    ] = _NO_NAMES,
    job: Annotated[str, typer.Option(help="One job id.")] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens next.")
    ] = False,
    after: Annotated[
        int | None, typer.Option(min=0, help="Only later than this number; 0: all that is kept.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many events.")] = 100,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print events, oldest first; with --follow, go on as they happen.

    Under --json each event is one line. A stream that breaks resumes where it broke.
    """
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    output = Output(as_json=as_json)
    wanted: Params = {"cluster": cluster, "user": user, "verb": verb, "job": job}

    async def page(api: ApiClient) -> None:
        start = await _some_back(api, limit) if after is None else after
        document = await api.get("/v1/events", {**wanted, "after": start, "limit": limit})
        found = understood(document, EventList)
        if as_json:
            output.json(document)
        elif found.items:
            output.show(table(_COLUMNS, [_row(event) for event in found.items]))
        else:
            output.show(Text("No events."))

    async def forever(api: ApiClient) -> None:
        await follow_events(api, wanted, after=after, output=output, clock=SystemClock())

    with_api(url, forever if follow else page)


def refuse_options(context: typer.Context) -> None:
    """Refuse options that stand before a sub-command: they would be passed over in silence."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"Options go behind `{context.invoked_subcommand}`.")


async def _some_back(api: ApiClient, count: int) -> int:
    """Give the number from which on there are `count` events of all clusters."""
    newest = understood(await api.get("/v1/events", {"limit": 1}), EventList).next_after or 0
    return max(0, newest - count)


async def follow_events(
    api: ApiClient, wanted: Params, *, after: int | None, output: Output, clock: Clock
) -> None:
    """Print events as they come; a lost connection is told once and resumed.

    Raises:
        CliError: The API refuses, or was not there even once.
    """
    seen = after
    failures = 0
    connected = False
    waits = Backoff(first_s=0.5, most_s=10)
    while True:
        try:
            async for event in stream(api, wanted, after=seen):
                connected = True
                if failures:
                    output.say("connected again")
                    failures = 0
                seen = event.sequence if event.sequence is not None else seen
                _print(event, output)
        except (UnreachableError, AnsweredError, httpx.TransportError) as exc:
            if not connected or _is_final(exc):
                raise
            failures += 1
            if failures == 1:
                output.say(f"connection lost ({exc}); trying again")
        await clock.sleep(waits.delay_s(max(1, failures)))


def _is_final(error: Exception) -> bool:
    """Whether trying again cannot help: the question itself is wrong, or refused."""
    return isinstance(error, AnsweredError) and error.exit_code is not ExitCode.UNREACHABLE


def _print(event: ServerEvent, output: Output) -> None:
    if isinstance(event.what, Reset):
        output.say("the store was made anew: numbers begin again")
    elif event.what is not None and output.as_json:
        output.json_line(event.what)
    elif event.what is not None:
        output.show(Text(_line(_EVENT.validate_python(event.what)), no_wrap=True))


def _line(event: EventAnswer) -> str:
    reason = f" ({event.reason})" if event.reason else ""
    return (
        f"{moment_text(event.occurred_at)}  {event.cluster} {event.job_id} {event.verb}: "
        f"{event.state}{reason}  {event.user}  {event.job_name}"
    )


def _row(event: EventAnswer) -> list[str | Text]:
    return [
        str(event.event_seq),
        moment_text(event.occurred_at),
        event.cluster,
        event.job_id,
        event.verb,
        event.state,
        event.user,
        event.job_name,
    ]
