"""`slurmfleet submit`: a batch script to a cluster, once."""

import secrets
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue
from rich.text import Text

from slurmfleet.cli.client import ApiClient, understood
from slurmfleet.cli.errors import AnsweredError, UnreachableError
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Output
from slurmfleet.cli.running import with_api
from slurmfleet.cli.script_file import read_script
from slurmfleet.contracts.submission import MOST_SCRIPT_BYTES

_LIMIT_S = 90.0
_NONE: list[str] = []


class SubmitAnswer(BaseModel):
    """The job that was submitted."""

    model_config = ConfigDict(extra="ignore")

    job_id: str
    token: str
    was_known: bool
    warnings: str


def submit(
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="Name of the cluster.")],
    script: Annotated[
        Path, typer.Argument(metavar="SCRIPT", help="Batch script on this machine; - for stdin.")
    ],
    *,
    option: Annotated[
        list[str],
        typer.Option("--option", "-o", help="Of sbatch, without dashes: time=1:00:00; repeat it."),
    ] = _NONE,
    chdir: Annotated[str, typer.Option(help="Folder on the cluster to submit from.")] = "",
    token: Annotated[
        str, typer.Option(help="Of an earlier try: gives its job, never a second one.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why; stands in the audit.")] = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Submit a batch script and print the job's id.

    Where no answer comes, the error says the token with which to ask again.
    """
    output = Output(as_json=as_json)
    known = token or secrets.token_urlsafe(12)
    body: dict[str, JsonValue] = {
        "cluster": cluster,
        "script": read_script(script, most=MOST_SCRIPT_BYTES),
        "options": _options(option),
        "work_dir": chdir,
        "token": known,
        "reason": reason,
    }

    async def converse(api: ApiClient) -> None:
        try:
            with output.waiting(f"submit to {cluster} …"):
                document = await api.send("POST", "/v1/jobs:submit", body, limit_s=_LIMIT_S)
        except UnreachableError as exc:
            if isinstance(exc, AnsweredError):
                raise
            raise UnreachableError(
                f"{exc.detail} Whether the job was submitted is not known.",
                remedy=f"Run the same again with --token {known}: it is submitted once.",
            ) from exc
        made = understood(document, SubmitAnswer)
        if as_json:
            output.json(document)
            return
        output.show(Text(made.job_id))
        if made.was_known:
            output.say("Submitted before under this token.")
        if made.warnings:
            output.say(made.warnings)

    with_api(url, converse)


def _options(given: list[str]) -> dict[str, JsonValue]:
    """Give sbatch's options; one without a value is there or not."""
    told: dict[str, JsonValue] = {}
    for one in given:
        name, separator, value = one.lstrip("-").partition("=")
        told[name] = value if separator else True
    return told
