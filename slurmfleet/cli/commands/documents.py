"""`slurmfleet team`, `account`, `path`, `filter`, `project`: what the group is and has."""

from typing import Annotated

import typer
from pydantic import BaseModel, JsonValue
from rich.text import Text

from slurmfleet.cli.client import ApiClient, segment, understood
from slurmfleet.cli.errors import AnsweredError, ExitCode
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.documents import FilterMode, PathKind, short_id

Fields = dict[str, JsonValue]
Revision = Annotated[
    int | None,
    typer.Option(min=1, help="Refuse unless it still has this revision, as `list --json` gives."),
]
SiteId = Annotated[str | None, typer.Option("--id", help="What the site's own service calls it.")]
Description = Annotated[str | None, typer.Option(help="Free text.")]
Kind = Annotated[PathKind, typer.Option("--kind", help="What is found below it.")]
Mode = Annotated[FilterMode, typer.Option("--mode", help="What happens to those that fit.")]
Many = list[str]
NONE: Many = []

team = typer.Typer(help="The people of the group.", no_args_is_help=True)
account = typer.Typer(help="Slurm accounts that the group may charge.", no_args_is_help=True)
path = typer.Typer(
    help="Folders on clusters in which something is looked for.", no_args_is_help=True
)
filters = typer.Typer(help="Which local processes the board shows.", no_args_is_help=True)
project = typer.Typer(help="Projects, told by the begin of job names.", no_args_is_help=True)
APPS = {
    "team": team,
    "account": account,
    "path": path,
    "filter": filters,
    "project": project,
}


class StoredAnswer(BaseModel):
    """One document as the API gives it."""

    id: str
    document: Fields
    registry_revision: int


class StoredAnswers(BaseModel):
    """All of a kind."""

    items: tuple[StoredAnswer, ...]


@team.command("add")
def add_member(
    login: Annotated[str, typer.Argument(help="Login name on the clusters.")],
    *,
    display_name: Annotated[str, typer.Option(help="As people call them.")] = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add a person."""
    _add("team", {"login": login, "display_name": display_name}, login, as_json=as_json, url=url)


@team.command("list")
def list_members(*, as_json: AsJson = False, url: Url = None) -> None:
    """List the people of the group."""
    _list("team", ("login", "display_name"), as_json=as_json, url=url)


@team.command("remove")
def remove_member(
    login: str, *, revision: Revision = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Remove a person from the group; their jobs stay."""
    _remove("team", login, login, revision, as_json=as_json, url=url)


@account.command("add")
def add_account(
    name: Annotated[str, typer.Argument(help="As Slurm calls it.")],
    *,
    site_id: SiteId = None,
    description: Description = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add an account."""
    fields = _given(name=name, site_id=site_id, description=description)
    _add("accounts", fields, name, as_json=as_json, url=url)


@account.command("list")
def list_accounts(*, as_json: AsJson = False, url: Url = None) -> None:
    """List the accounts of the group."""
    _list("accounts", ("name", "site_id", "description"), as_json=as_json, url=url)


@account.command("update")
def update_account(
    name: str,
    *,
    site_id: SiteId = None,
    description: Description = None,
    revision: Revision = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Change what is given."""
    fields = _given(site_id=site_id, description=description)
    if not fields:
        raise typer.BadParameter("Nothing to change: give at least one option.")
    output = Output(as_json=as_json)

    async def send(api: ApiClient) -> None:
        where = f"/v1/accounts/{segment(name)}"
        _tell(output, await api.send("PATCH", where, fields, if_revision=revision), "Updated", name)

    with_api(url, send)


@account.command("remove")
def remove_account(
    name: str, *, revision: Revision = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Remove an account; what was charged to it stays."""
    _remove("accounts", name, name, revision, as_json=as_json, url=url)


@path.command("add")
def add_path(
    folder: Annotated[str, typer.Argument(metavar="PATH", help="An absolute path.")],
    *,
    kind: Kind,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add a folder."""
    _add("paths", {"kind": str(kind), "path": folder}, folder, as_json=as_json, url=url)


@path.command("list")
def list_paths(
    *,
    kind: Annotated[PathKind | None, typer.Option("--kind", help="Only these.")] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the folders."""
    only: Fields = {"kind": str(kind)} if kind else {}
    _list("paths", ("kind", "path"), only, as_json=as_json, url=url)


@path.command("remove")
def remove_path(
    folder: Annotated[str, typer.Argument(metavar="PATH")],
    *,
    kind: Kind,
    revision: Revision = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Look below a folder no more; nothing in it is touched."""
    document_id = short_id(kind, folder.rstrip("/") or "/")
    _remove("paths", document_id, folder, revision, as_json=as_json, url=url)


@filters.command("add")
def add_filter(
    pattern: Annotated[str, typer.Argument(help="Text that the command line holds.")],
    *,
    mode: Mode,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add a filter."""
    _add("filters", {"mode": str(mode), "pattern": pattern}, pattern, as_json=as_json, url=url)


@filters.command("list")
def list_filters(*, as_json: AsJson = False, url: Url = None) -> None:
    """List the filters."""
    _list("filters", ("mode", "pattern"), as_json=as_json, url=url)


@filters.command("remove")
def remove_filter(
    pattern: str,
    *,
    mode: Mode,
    revision: Revision = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Remove a filter."""
    _remove("filters", short_id(mode, pattern), pattern, revision, as_json=as_json, url=url)


@project.command("list")
def list_projects(*, as_json: AsJson = False, url: Url = None) -> None:
    """List the projects."""
    shown = ("emoji", "name", "prefixes", "colour", "description")
    _list("projects", shown, as_json=as_json, url=url)


@project.command("set")
def set_project(
    name: str,
    *,
    prefix: Annotated[Many, typer.Option(help="Begin of its job names; may be repeated.")] = NONE,
    colour: Annotated[str | None, typer.Option("--colour", "--color", help="#rrggbb")] = None,
    emoji: Annotated[str | None, typer.Option(help="Stands before its name.")] = None,
    description: Description = None,
    revision: Revision = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Make a project, or change what is given; prefixes replace all it has."""
    fields = _given(colour=colour, emoji=emoji, description=description)
    if prefix:
        fields["prefixes"] = [*prefix]
    output = Output(as_json=as_json)

    async def send(api: ApiClient) -> None:
        where = f"/v1/projects/{segment(name)}"
        try:
            changed = await api.send("PATCH", where, fields, if_revision=revision)
        except AnsweredError as exc:
            if exc.exit_code is not ExitCode.NOT_FOUND or revision is not None:
                raise
            changed = await api.send("POST", "/v1/projects", {"name": name, **fields})
        _tell(output, changed, "Set", name)

    with_api(url, send)


@project.command("remove")
def remove_project(
    name: str, *, revision: Revision = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Remove a project; its jobs stay."""
    _remove("projects", name, name, revision, as_json=as_json, url=url)


def _add(room: str, fields: Fields, name: str, *, as_json: bool, url: str | None) -> None:
    output = Output(as_json=as_json)

    async def send(api: ApiClient) -> None:
        _tell(output, await api.send("POST", f"/v1/{room}", fields), "Added", name)

    with_api(url, send)


def _list(
    room: str,
    shown: tuple[str, ...],
    only: Fields | None = None,
    *,
    as_json: bool,
    url: str | None,
) -> None:
    output = Output(as_json=as_json)

    async def ask(api: ApiClient) -> None:
        found = understood(await api.get(f"/v1/{room}"), StoredAnswers).items
        wanted = [one for one in found if (only or {}).items() <= one.document.items()]
        if as_json:
            output.json({"items": [one.model_dump() for one in wanted]})
        elif wanted:
            columns = [Column(field.upper().replace("_", " "), elastic=True) for field in shown]
            output.show(table([*columns, Column("REVISION", right=True)], _rows(wanted, shown)))
        else:
            output.show(Text("There are none yet."))

    with_api(url, ask)


def _remove(
    room: str, document_id: str, name: str, revision: int | None, *, as_json: bool, url: str | None
) -> None:
    output = Output(as_json=as_json)

    async def send(api: ApiClient) -> None:
        await api.send("DELETE", f"/v1/{room}/{segment(document_id)}", if_revision=revision)
        if as_json:
            output.json({"removed": name})
        else:
            output.show(Text(f"Removed {name}."))

    with_api(url, send)


def _rows(found: list[StoredAnswer], shown: tuple[str, ...]) -> list[list[str | Text]]:
    return [
        [*(value_text(one.document.get(field)) for field in shown), str(one.registry_revision)]
        for one in found
    ]


def _tell(output: Output, document: JsonValue, done: str, name: str) -> None:
    if output.as_json:
        output.json(document)
    else:
        output.show(Text(f"{done} {name}."))


def _given(**given: str | None) -> Fields:
    """Give what the person said and nothing else."""
    return {field: value for field, value in given.items() if value is not None}


def value_text(value: JsonValue) -> str:
    """Give a value as one line for a person."""
    if isinstance(value, list):
        return ", ".join(value_text(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={value_text(one)}" for key, one in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
