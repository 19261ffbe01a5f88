"""`slurmfleet token`: who may come in, and what they may do."""

from datetime import datetime
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue
from rich.text import Text

from slurmfleet.cli.ages import moment_text
from slurmfleet.cli.client import ApiClient, segment, understood
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, pairs, table
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.access import ActorKind, Role, Toolset

app = typer.Typer(help="Tokens: who may come in, and what they may do.", no_args_is_help=True)

_PATH = "/v1/tokens"
_COLUMNS = (
    Column("ID"),
    Column("NAME"),
    Column("KIND"),
    Column("ROLE"),
    Column("ONLY", elastic=True),
    Column("MADE"),
    Column("GOOD UNTIL"),
)
_NONE: list[str] = []
_NO_TOOLSETS: list[Toolset] = []


class TokenAnswer(BaseModel):
    """A token as the API gives it."""

    model_config = ConfigDict(extra="ignore")

    token_id: str
    name: str
    kind: str
    role: str
    toolsets: tuple[str, ...]
    clusters: tuple[str, ...]
    users: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    token: str = ""


class TokenAnswers(BaseModel):
    """All of them."""

    items: tuple[TokenAnswer, ...]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who uses it; stands in the audit.")],
    *,
    role: Annotated[
        Role, typer.Option(help="viewer reads, operator acts on jobs as well, admin does all.")
    ] = Role.VIEWER,
    kind: Annotated[ActorKind, typer.Option(help="Who stands behind the name.")] = ActorKind.AGENT,
    toolset: Annotated[
        list[Toolset], typer.Option(help="Only this of what the role may use; repeat it.")
    ] = _NO_TOOLSETS,
    cluster: Annotated[list[str], typer.Option(help="Only this cluster; repeat it.")] = _NONE,
    user: Annotated[list[str], typer.Option(help="Only this user's jobs; repeat it.")] = _NONE,
    days: Annotated[float, typer.Option(min=0.001, max=36_500, help="How long it is good.")] = 90,
    never_expires: Annotated[bool, typer.Option("--never-expires", help="Until revoked.")] = False,
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, help="More requests are refused.")
    ] = None,
    actions_per_day: Annotated[
        int | None, typer.Option(min=0, help="More changes within a UTC day are refused.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Make a token and show it, once; nobody can read it later.

    Give it to a program as SLURMFLEET_API_TOKEN, or as the header Authorization: Bearer.
    """
    output = Output(as_json=as_json)
    body: dict[str, JsonValue] = {
        "name": name,
        "role": role,
        "kind": kind,
        "toolsets": [str(one) for one in toolset],
        "clusters": list(cluster),
        "users": list(user),
        "days": None if never_expires else days,
    }
    limits = {"requests_per_minute": requests_per_minute, "actions_per_day": actions_per_day}
    body |= {key: value for key, value in limits.items() if value is not None}

    async def converse(api: ApiClient) -> None:
        document = await api.send("POST", _PATH, body)
        made = understood(document, TokenAnswer)
        if as_json:
            output.json(document)
            return
        output.show(pairs([("token", made.token), *_facts(made)]))
        output.say("Keep it now: it is not shown again.")

    with_api(url, converse)


@app.command("list")
def list_tokens(*, as_json: AsJson = False, url: Url = None) -> None:
    """List every token, the newest first; secrets are not kept."""
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        document = await api.get(_PATH)
        found = understood(document, TokenAnswers)
        if as_json:
            output.json(document)
        elif found.items:
            output.show(table(_COLUMNS, [_row(one) for one in found.items]))
        else:
            output.show(Text("No tokens. Make one with `slurmfleet token create NAME`."))

    with_api(url, converse)


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="From the list.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Make a token void for ever."""
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        document = await api.send("DELETE", f"{_PATH}/{segment(token_id)}")
        revoked = understood(document, TokenAnswer)
        if as_json:
            output.json(document)
        else:
            output.show(Text(f"Revoked {revoked.token_id}, the token of {revoked.name}."))

    with_api(url, converse)


def _facts(one: TokenAnswer) -> list[tuple[str, str]]:
    return [
        ("id", one.token_id),
        ("name", f"{one.name} ({one.kind})"),
        ("role", one.role),
        ("only", _only(one) or "nothing narrows it down"),
        ("good until", _until(one)),
    ]


def _row(one: TokenAnswer) -> tuple[str, ...]:
    return (
        *(one.token_id, one.name, one.kind, one.role, _only(one)),
        *(moment_text(one.created_at), _until(one)),
    )


def _only(one: TokenAnswer) -> str:
    narrowed = {"toolsets": one.toolsets, "clusters": one.clusters, "users": one.users}
    return "; ".join(f"{what} {', '.join(names)}" for what, names in narrowed.items() if names)


def _until(one: TokenAnswer) -> str:
    if one.revoked_at is not None:
        return f"revoked {moment_text(one.revoked_at)}"
    return "it is revoked" if one.expires_at is None else moment_text(one.expires_at)
