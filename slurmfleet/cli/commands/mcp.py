"""`slurmfleet mcp`: becomes a full MCP server on stdin and stdout, for an agent to start."""

import os
import sys
from typing import Annotated

import typer

from slurmfleet.cli.errors import UnreachableError
from slurmfleet.cli.options import AsJson, DataDir
from slurmfleet.cli.settings import CliSettings, inherited_environment
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.lock import is_held
from slurmfleet.cli.stack.record import read_record


def mcp(
    *,
    toolsets: Annotated[
        str, typer.Option(help="Which tools to offer, with commas: observe,operate; else all.")
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Serve MCP on stdin and stdout, from the database of the running stack.

    It may do what whoever starts it may; with SLURMFLEET_MCP_AGENT_TOKEN what that token may.
    """
    _ = as_json  # what this command prints is the protocol, which is JSON
    settings = CliSettings()
    environment = {**inherited_environment(), **_connection(settings, data_dir)}
    command = [sys.executable, "-m", "services.mcp", "--stdio"]
    command += ["--toolsets", toolsets] if toolsets else []
    os.execve(sys.executable, command, environment)  # noqa: S606 no shell is wanted


def _connection(settings: CliSettings, data_dir: DataDir) -> dict[str, str]:
    """Tell the server where the store and the bus are.

    Raises:
        UnreachableError: No stack runs here and the environment names no database.
    """
    layout = Layout((data_dir or settings.data_dir).expanduser().absolute())
    record = read_record(layout)
    if record is not None and record.access and layout.run_dir.exists() and is_held(layout):
        return {"PYTHONSAFEPATH": "1", **record.access}
    if settings.store_dsn.get_secret_value():
        return {"PYTHONSAFEPATH": "1"}
    raise UnreachableError(
        f"No stack runs below {layout.data_dir}, so there is nothing to read.",
        remedy="Start it with `slurmfleet up`, or name its folder with --data-dir.",
    )
