"""`slurmfleet run-script`: a script on a cluster's login node or data host."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue

from slurmfleet.cli.client import ApiClient, understood
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Output
from slurmfleet.cli.running import with_api
from slurmfleet.cli.script_file import read_script
from slurmfleet.contracts.scripts import (
    DEFAULT_LIMIT_S,
    LONGEST_LIMIT_S,
    MOST_SCRIPT_BYTES,
    Interpreter,
    ScriptHost,
)

_WAY_S = 90.0
_NONE: list[str] = []
_BY_ENDING = {".sh": Interpreter.BASH, ".bash": Interpreter.BASH, ".py": Interpreter.PYTHON3}


class ScriptAnswer(BaseModel):
    """What a script did."""

    model_config = ConfigDict(extra="ignore")

    exit_status: int
    timed_out: bool
    flooded: bool
    stdout: str
    stderr: str


def run_script(
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="Name of the cluster.")],
    script: Annotated[
        Path, typer.Argument(metavar="SCRIPT", help="Script on this machine; - for stdin.")
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- ARGUMENT...]", help="Of the script, after --."),
    ] = None,
    *,
    interpreter: Annotated[
        Interpreter | None,
        typer.Option(help="What reads it; default: bash for .sh, otherwise python3."),
    ] = None,
    host: Annotated[ScriptHost, typer.Option(help="Where it runs.")] = ScriptHost.LOGIN,
    time_limit_s: Annotated[
        int, typer.Option("--time-limit", min=1, max=LONGEST_LIMIT_S, help="Seconds it may run.")
    ] = DEFAULT_LIMIT_S,
    reason: Annotated[str, typer.Option(help="Why; stands in the audit.")] = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Run a script on a cluster and print what it writes; ends with the script's status.

    Only where the cluster allows it: `slurmfleet cluster update NAME --allow-scripts`.
    """
    output = Output(as_json=as_json)
    given: list[JsonValue] = [*(arguments or _NONE)]
    body: dict[str, JsonValue] = {
        "cluster": cluster,
        "script": read_script(script, most=MOST_SCRIPT_BYTES),
        "interpreter": interpreter or _BY_ENDING.get(script.suffix, Interpreter.PYTHON3),
        "host": host,
        "arguments": given,
        "limit_s": time_limit_s,
        "reason": reason,
    }

    async def converse(api: ApiClient) -> None:
        with output.waiting(f"runs on {cluster} …"):
            document = await api.send(
                "POST", "/v1/scripts:run", body, limit_s=time_limit_s + _WAY_S
            )
        done = understood(document, ScriptAnswer)
        if as_json:
            output.json(document)
        else:
            _print(output, done)
        if done.exit_status:
            raise typer.Exit(done.exit_status)

    with_api(url, converse)


def _print(output: Output, done: ScriptAnswer) -> None:
    sys.stdout.write(done.stdout)  # as it is, for what reads it in a pipe
    sys.stderr.write(done.stderr)
    if done.timed_out:
        output.say("It was ended: its time was over. --time-limit gives it more.")
    if done.flooded:
        output.say("It was ended: it wrote too much. Let it write to a file.")
