"""`slurmfleet audit`: who did what, and the proof that nobody has changed it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from rich.text import Text

from slurmfleet.cli.ages import moment_text
from slurmfleet.cli.client import ApiClient, understood
from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.moments import moment_option
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.progress import bar
from slurmfleet.cli.running import with_api
from slurmfleet.timing.clock import SystemClock

app = typer.Typer(help="Who did what, why, and what came of it.")

_PATH = "/v1/audit"
_PAGE = 1_000
_CHECKED_AT_ONCE = 5_000
_NAMES = ("name", "login", "path", "pattern")
"""Fields by which documents are called."""

_COLUMNS = (
    Column("WHEN"),
    Column("WHO"),
    Column("VIA"),
    Column("ACTION"),
    Column("CLUSTER"),
    Column("TARGET"),
    Column("OUTCOME"),
    Column("REASON", elastic=True),
)


class AuditAnswer(BaseModel):
    """One action as the API gives it."""

    model_config = ConfigDict(extra="ignore")

    actor: str
    actor_kind: str
    via: str
    action: str
    cluster: str
    target: str
    reason: str
    outcome: str
    acted_at: datetime
    details: Mapping[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    result: Mapping[str, JsonValue] | None = None


class AuditAnswers(BaseModel):
    """One page."""

    items: tuple[AuditAnswer, ...]
    next_cursor: str | None


class ChainAnswer(BaseModel):
    """What the check of a part of the chain found."""

    ok: bool
    checked: int
    last_seq: int
    last_hash: str
    next_first: int | None
    noted_seq: int
    problem: str


@app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    *,
    actor: Annotated[str, typer.Option(help="Only what this person or agent did.")] = "",
    action: Annotated[str, typer.Option(help="Only this, or what begins so: job.")] = "",
    cluster: Annotated[str, typer.Option(help="Only on this cluster.")] = "",
    target: Annotated[str, typer.Option(help="Only to this: a job's id, a document's key.")] = "",
    outcome: Annotated[str, typer.Option(help="Only ok, failed, refused or allowed.")] = "",
    since: Annotated[str, typer.Option(help="Since then: 2h, 3d, 2026-11-20.")] = "",
    until: Annotated[str, typer.Option(help="Before then, in the same forms.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="At most so many.")] = 50,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show what was done by whom and what came of it, the newest first.

    allowed: it went on, and nobody has told what came of it.
    """
    if context.invoked_subcommand is not None:
        return
    output = Output(as_json=as_json)
    clock = SystemClock()
    params = {
        "actor": actor,
        "action": action,
        "cluster": cluster,
        "target": target,
        "outcome": outcome,
        "since": moment_option(since, option="--since", clock=clock),
        "until": moment_option(until, option="--until", clock=clock),
        "limit": limit,
    }

    async def converse(api: ApiClient) -> None:
        document = await api.get(_PATH, params)
        found = understood(document, AuditAnswers)
        if as_json:
            output.json(document)
        elif found.items:
            output.show(table(_COLUMNS, [_row(one) for one in found.items]))
            if found.next_cursor:
                output.say(f"There are more than {limit}; --limit and --until show others.")
        else:
            output.show(Text("Nothing was done that fits."))

    with_api(url, converse)


@app.command()
def verify(*, as_json: AsJson = False, url: Url = None) -> None:
    """Check every record and its place in the chain; whoever touched one is found out."""
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        checked, first = 0, 1
        with bar(output, "check") as show:
            while True:
                params = {"first": first, "limit": _CHECKED_AT_ONCE}
                found = understood(await api.get(f"{_PATH}/verify", params), ChainAnswer)
                checked += found.checked
                show(f"record {found.last_seq}", checked, max(found.noted_seq, checked))
                if found.next_first is None:
                    break
                first = found.next_first
        told: dict[str, JsonValue] = {
            "ok": found.ok,
            "checked": checked,
            "last_seq": found.last_seq,
            "last_hash": found.last_hash,
            "problem": found.problem,
        }
        if as_json:
            output.json(told)
        if not found.ok:
            raise FailedError(
                f"The audit was touched: {found.problem}",
                remedy="Keep the database as it is and compare it with a backup.",
            )
        if not as_json:
            output.show(Text(f"{checked} records, all as they were written."))
            output.say(f"The last is {found.last_seq}: {found.last_hash}")

    with_api(url, converse)


def _row(one: AuditAnswer) -> tuple[str, ...]:
    return (
        *(moment_text(one.acted_at), f"{one.actor} ({one.actor_kind})", one.via, one.action),
        *(one.cluster, _target(one), one.outcome, one.reason),
    )


def _target(one: AuditAnswer) -> str:
    """Give what was acted on; what an action has made is known by its result or its document."""
    if one.target:
        return one.target
    body = one.details.get("body")
    document = body if isinstance(body, dict) else {}
    made = [(one.result or {}).get("job_id"), *(document.get(name) for name in _NAMES)]
    return next((str(name) for name in made if name), "")
