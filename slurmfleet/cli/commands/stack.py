"""`slurmfleet up` and `slurmfleet down`."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.text import Text

from slurmfleet.access.binding import require_token_beyond_loopback
from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.options import AsJson, DataDir
from slurmfleet.cli.output import Output
from slurmfleet.cli.settings import CliSettings, inherited_environment
from slurmfleet.cli.stack.backups import rota_of
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.report import Reporter
from slurmfleet.cli.stack.services import Doors
from slurmfleet.cli.stack.stopping import stop_stack
from slurmfleet.cli.stack.supervisor import StackOptions, Supervisor
from slurmfleet.telemetry.logs import configure_logs
from slurmfleet.timing.clock import SystemClock

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(
    *,
    data_dir: DataDir = None,
    api_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port of the API (SLURMFLEET_API_PORT).")
    ] = None,
    mcp_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port of MCP (SLURMFLEET_MCP_PORT).")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="What is configured at first; default: slurmfleet.toml.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start bus, database and services here, in the foreground; Ctrl-C stops them all."""
    settings = CliSettings()
    doors = Doors(
        api_host=settings.api_host,
        api_port=api_port or settings.api_port,
        mcp_host=settings.mcp_host,
        mcp_port=mcp_port or settings.mcp_port,
    )
    _require_safe(doors, settings)
    if config is not None and not config.exists():
        raise FailedError(f"There is no file {config}.", remedy="Correct --config.")
    layout = Layout((data_dir or settings.data_dir).expanduser().absolute())
    options = StackOptions(
        layout=layout,
        doors=doors,
        inherited=inherited_environment(),
        config_file=config or settings.config_file,
        rota=rota_of(settings, layout),
    )
    clock = SystemClock()
    reporter = Reporter(Output(as_json=as_json), clock)
    # What the supervisor does is told by the reporter; of its libraries only trouble is shown.
    configure_logs("supervisor", level="error")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(Supervisor(options=options, clock=clock, reporter=reporter)))


def down(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Stop what `slurmfleet up` started, from any terminal."""
    layout = Layout((data_dir or CliSettings().data_dir).expanduser().absolute())
    output = Output(as_json=as_json)
    stopped = asyncio.run(stop_stack(layout, clock=SystemClock(), say=output.say))
    if as_json:
        output.json({"was_running": stopped.ran, "ended_processes": stopped.ended})
    elif stopped.ran:
        output.show(Text("slurmfleet is down."))
    elif stopped.ended:
        output.show(Text(f"Ended {stopped.ended} processes that a killed run had left behind."))
    else:
        output.show(Text(f"Nothing runs below {layout.data_dir}."))


async def _run(supervisor: Supervisor) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    await supervisor.run(stopping)


def _require_safe(doors: Doors, settings: CliSettings) -> None:
    """Refuse before anything is started what the services would refuse one by one."""
    require_token_beyond_loopback(
        doors.api_host,
        settings.api_token.get_secret_value(),
        setting="SLURMFLEET_API_TOKEN",
    )
    require_token_beyond_loopback(
        doors.mcp_host,
        settings.mcp_token.get_secret_value(),
        setting="SLURMFLEET_MCP_TOKEN",
    )
