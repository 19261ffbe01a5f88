"""`slurmfleet hosts trust`: shows a login node's keys, asks, and records them."""

import sys

import typer
from pydantic import JsonValue
from rich.text import Text

from slurmfleet.cli.answers import HostKeysAnswer
from slurmfleet.cli.client import ApiClient, segment, understood
from slurmfleet.cli.errors import FailedError, RefusedError
from slurmfleet.cli.options import AsJson, ClusterArgument, Url, Yes
from slurmfleet.cli.output import Output
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.commands import HostKey

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
        report = understood(document, HostKeysAnswer)
        if not report.keys:
            raise FailedError(f"{report.host}:{report.port} shows no host key.")
        if not report.changed and all(key.trusted for key in report.keys):
            _conclude(output, name, report, "is trusted already")
            return
        _tell(output, name, report)
        if not yes and not _agreed(output, report):
            raise RefusedError("Nothing was recorded.", remedy="Answer yes, or pass --yes.")
        shown: list[JsonValue] = [key.fingerprint for key in report.keys]
        await api.send("PUT", path, {"fingerprints": shown})
        _conclude(output, name, report, "is trusted now")

    with_api(url, converse)


def warning_text(name: str, report: HostKeysAnswer) -> str:
    """Give what is said of keys that nobody has trusted yet, or that have changed."""
    shown = "\n".join(_line(key) for key in report.keys)
    where = f"{name} ({report.host}:{report.port})"
    if not report.changed:
        return f"{where} shows these keys:\n{shown}\nCompare them with what your site publishes."
    known = "\n".join(f"  {fingerprint}" for fingerprint in report.recorded) or "  (not told)"
    return (
        f"WARNING: THE HOST KEY OF {where} HAS CHANGED.\n"
        "Either its administrators have made a new one, or somebody stands in between.\n"
        f"Trusted until now:\n{known}\nShown now:\n{shown}\n"
        "Ask the administrators before you trust it."
    )


def _tell(output: Output, name: str, report: HostKeysAnswer) -> None:
    if not output.as_json:
        text = warning_text(name, report)
        output.talk.print(Text(text, style="bold red" if report.changed else ""), soft_wrap=True)


def _agreed(output: Output, report: HostKeysAnswer) -> bool:
    """Ask; a changed key needs the whole word, and nothing is assumed without a terminal."""
    if output.as_json or not sys.stdin.isatty():
        return False
    if report.changed:
        return typer.prompt("Type 'trust' to replace the key", default="", err=True) == "trust"
    return typer.confirm("Trust these keys?", err=True)


def _conclude(output: Output, name: str, report: HostKeysAnswer, what: str) -> None:
    if output.as_json:
        output.json({"cluster": name, "trusted": [key.fingerprint for key in report.keys]})
    else:
        output.show(Text(f"{name} {what}."))


def _line(key: HostKey) -> str:
    return f"  {key.fingerprint} {key.algorithm}{' (trusted)' if key.trusted else ''}".rstrip()
