"""`slurmfleet hosts trust`: shows a login node's keys, asks, and records them."""

import sys

import typer
from pydantic import JsonValue
from rich.text import Text

from slurmfleet.cli.client import ApiClient, segment, understood
from slurmfleet.cli.errors import FailedError, RefusedError
from slurmfleet.cli.options import AsJson, ClusterArgument, Url, Yes
from slurmfleet.cli.output import Output
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.commands import ConnectionReport, HostKey, HostKeyReport

app = typer.Typer(help="Whose host keys are trusted.", no_args_is_help=True)


@app.callback()
def hosts() -> None:
    """Whose host keys are trusted."""


@app.command()
def trust(
    name: ClusterArgument, *, yes: Yes = False, as_json: AsJson = False, url: Url = None
) -> None:
    """Show the fingerprints of a login node, ask, and record its keys."""
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        path = f"/v1/clusters/{segment(name)}/host-keys"
        with output.waiting(f"asking {name} for its host keys"):
            document = await api.get(path)
        report = understood(document, HostKeyReport)
        if not report.keys:
            raise FailedError(f"{report.host}:{report.port} shows no host key.")
        if not report.changed and all(key.trusted for key in report.keys):
            _conclude(output, name, report, "is trusted already")
            return
        before = await _what_was_trusted(api, name) if report.changed else ""
        _tell(output, report, warning_text(name, report, before))
        if not yes and not _agreed(output, report):
            raise RefusedError("Nothing was recorded.", remedy="Answer yes, or pass --yes.")
        shown: list[JsonValue] = [key.fingerprint for key in report.keys]
        await api.send("PUT", path, {"fingerprints": shown})
        _conclude(output, name, report, "is trusted now")

    with_api(url, converse)


def warning_text(name: str, report: HostKeyReport, before: str = "") -> str:
    """Give what is said of keys that nobody has trusted yet, or that have changed.

    Args:
        name: The cluster.
        report: What its login node shows.
        before: What a connection says of the change; names the keys trusted until now.
    """
    shown = "\n".join(_line(key) for key in report.keys)
    where = f"{name} ({report.host}:{report.port})"
    if not report.changed:
        return f"{where} shows these keys:\n{shown}\nCompare them with what your site publishes."
    return (
        f"WARNING: THE HOST KEY OF {where} HAS CHANGED.\n"
        "Either its administrators have made a new one, or somebody stands in between.\n"
        f"A connection says: {before}\nShown now:\n{shown}\n"
        "Ask the administrators before you trust it."
    )


async def _what_was_trusted(api: ApiClient, name: str) -> str:
    """Have a connection tried: it is refused, and its refusal names the keys expected."""
    document = await api.send("POST", f"/v1/clusters/{segment(name)}/test")
    steps = understood(document, ConnectionReport).steps
    return next((step.detail for step in steps if not step.ok), "the key is accepted")


def _tell(output: Output, report: HostKeyReport, text: str) -> None:
    if not output.as_json:
        output.talk.print(Text(text, style="bold red" if report.changed else ""), soft_wrap=True)


def _agreed(output: Output, report: HostKeyReport) -> bool:
    """Ask; a changed key needs the whole word, and nothing is assumed without a terminal."""
    if output.as_json or not sys.stdin.isatty():
        return False
    if report.changed:
        return typer.prompt("Type 'trust' to replace the key", default="", err=True) == "trust"
    return typer.confirm("Trust these keys?", err=True)


def _conclude(output: Output, name: str, report: HostKeyReport, what: str) -> None:
    if output.as_json:
        output.json({"cluster": name, "trusted": [key.fingerprint for key in report.keys]})
    else:
        output.show(Text(f"{name} {what}."))


def _line(key: HostKey) -> str:
    trusted = " (trusted)" if key.trusted else ""
    return "  " + f"{key.host} {key.fingerprint} {key.algorithm}{trusted}".strip()
