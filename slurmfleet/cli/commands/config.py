"""`slurmfleet config`, `settings`, `get`, `set`: the configuration, whole and by single values."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, JsonValue
from rich.text import Text

from slurmfleet.cli.client import ApiClient, segment, understood
from slurmfleet.cli.commands.documents import value_text
from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, pairs, table
from slurmfleet.cli.running import with_api
from slurmfleet.registry.clausius import Note, read_clausius
from slurmfleet.registry.config_file import Given, parse_config, read_text, render_config
from slurmfleet.registry.exchange import as_documents, from_documents

app = typer.Typer(help="The whole configuration as one file.", no_args_is_help=True)

_STEPS = (
    Column("DO"),
    Column("WHAT"),
    Column("NAME", elastic=True),
    Column("FIELD"),
    Column("BEFORE", elastic=True),
    Column("AFTER", elastic=True),
)
_NOTES = (Column("KEY", elastic=True), Column("USED"), Column("AS, OR WHY NOT", elastic=True))
_SETTINGS = (Column("SETTING"), Column("VALUE", elastic=True), Column("MEANING", elastic=True))


class Source(StrEnum):
    """Whose file is imported."""

    SLURMFLEET = "slurmfleet"
    CLAUSIUS = "clausius"


class ChangeAnswer(BaseModel):
    """One field before and after."""

    field: str
    before: JsonValue
    after: JsonValue


class StepAnswer(BaseModel):
    """What an import does with one document."""

    kind: str
    id: str
    action: str
    changes: tuple[ChangeAnswer, ...]


class ImportAnswer(BaseModel):
    """What an import did, or would do."""

    dry_run: bool
    steps: tuple[StepAnswer, ...]


class DumpAnswer(BaseModel):
    """Every document."""

    documents: dict[str, list[dict[str, JsonValue]]]


class SettingAnswer(BaseModel):
    """One setting."""

    key: str
    value: JsonValue
    default: JsonValue
    description: str
    registry_revision: int | None


class SettingAnswers(BaseModel):
    """Every setting."""

    items: tuple[SettingAnswer, ...]


@app.command("export")
def export(
    *,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print the whole configuration as TOML; simulated clusters are left out."""
    output = Output(as_json=as_json)

    async def ask(api: ApiClient) -> None:
        document = await api.get("/v1/config")
        given = from_documents(understood(document, DumpAnswer).documents)
        text = json.dumps(document, indent=2) + "\n" if as_json else render_config(given)
        if file is None:
            typer.echo(text, nl=False)
            return
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise FailedError(
                f"{file} cannot be written: {exc.strerror}.", remedy="Name another file."
            ) from exc
        output.say(f"{len(given)} documents are in {file}.")

    with_api(url, ask)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML, or clausius' config.json.")],
    *,
    source: Annotated[Source, typer.Option("--from", help="Whose file it is.")] = Source.SLURMFLEET,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change.")] = False,
    replace: Annotated[
        bool, typer.Option(help="Fields that a document does not name get their defaults.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add and change what a file names; the rest stays. Nothing is written if one is wrong."""
    output = Output(as_json=as_json)
    given, notes = _read(file, source)

    async def send(api: ApiClient) -> None:
        documents: dict[str, JsonValue] = {
            word: [*listed] for word, listed in as_documents(given, only_given_fields=True).items()
        }
        body: JsonValue = {"documents": documents, "dry_run": dry_run, "replace": replace}
        document = await api.send("POST", "/v1/config", body)
        report = understood(document, ImportAnswer)
        if as_json:
            told: list[JsonValue] = [
                {"key": one.key, "used": one.used, "told": one.told} for one in notes
            ]
            output.json({"import": document, "notes": told})
            return
        if notes:
            output.show(table(_NOTES, [_note(one) for one in notes]))
            output.show(Text())
        _show_steps(output, report)

    with_api(url, send)


def settings(*, as_json: AsJson = False, url: Url = None) -> None:
    """List everything that can be set for the whole group."""
    output = Output(as_json=as_json)

    async def ask(api: ApiClient) -> None:
        document = await api.get("/v1/settings")
        found = understood(document, SettingAnswers).items
        if as_json:
            output.json(document)
        else:
            output.show(table(_SETTINGS, [_setting(one) for one in found]))

    with_api(url, ask)


def get(key: str, *, as_json: AsJson = False, url: Url = None) -> None:
    """Show one setting."""
    output = Output(as_json=as_json)

    async def ask(api: ApiClient) -> None:
        document = await api.get(f"/v1/settings/{segment(key)}")
        one = understood(document, SettingAnswer)
        if as_json:
            output.json(document)
            return
        rows = [
            (one.key, value_text(one.value)),
            ("default", value_text(one.default) or "empty"),
            ("means", one.description),
            ("revision", str(one.registry_revision or "never set")),
        ]
        output.show(pairs(rows))

    with_api(url, ask)


def set_(
    key: str,
    value: Annotated[
        str | None, typer.Argument(help="Text, or JSON for numbers, lists and maps.")
    ] = None,
    *,
    default: Annotated[bool, typer.Option("--default", help="Its default again.")] = False,
    revision: Annotated[
        int | None, typer.Option(min=1, help="Refuse unless it still has this revision.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Set one thing for the whole group."""
    if (value is None) != default:
        raise typer.BadParameter("Give a value, or --default.")
    output = Output(as_json=as_json)

    async def send(api: ApiClient) -> None:
        where = f"/v1/settings/{segment(key)}"
        if value is None:
            document = await api.send("DELETE", where, if_revision=revision)
        else:
            now = understood(await api.get(where), SettingAnswer)
            body: JsonValue = {"value": _value(value, like=now.default)}
            document = await api.send("PUT", where, body, if_revision=revision)
        one = understood(document, SettingAnswer)
        if as_json:
            output.json(document)
        else:
            output.show(Text(f"{one.key} is {value_text(one.value) or 'empty'}."))

    with_api(url, send)


def _read(file: Path, source: Source) -> tuple[tuple[Given, ...], tuple[Note, ...]]:
    text = read_text(file)
    if source is Source.CLAUSIUS:
        return read_clausius(text, str(file))
    return parse_config(text, file), ()


def _show_steps(output: Output, report: ImportAnswer) -> None:
    wanted = [step for step in report.steps if step.action != "keep"]
    if wanted:
        output.show(table(_STEPS, [row for step in wanted for row in _step(step)]))
    kept = len(report.steps) - len(wanted)
    done = "would be written" if report.dry_run else "written"
    output.show(Text(f"{len(wanted)} documents {done}, {kept} are as the file has them."))


def _step(step: StepAnswer) -> list[list[str | Text]]:
    shown = step.changes or (ChangeAnswer(field="", before=None, after=None),)
    return [
        [
            step.action if place == 0 else "",
            step.kind if place == 0 else "",
            step.id if place == 0 else "",
            one.field,
            value_text(one.before),
            value_text(one.after),
        ]
        for place, one in enumerate(shown)
    ]


def _note(one: Note) -> list[str | Text]:
    used = Text("yes", style="green") if one.used else Text("no", style="yellow")
    return [one.key, used, one.told]


def _setting(one: SettingAnswer) -> list[str | Text]:
    value = value_text(one.value) or "empty"
    return [
        one.key,
        value if one.registry_revision else Text(value, style="dim"),
        one.description,
    ]


def _value(text: str, *, like: JsonValue) -> JsonValue:
    """Read a value: a text as it stands, anything else as JSON; a list also as words."""
    if isinstance(like, str):
        return text
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        if isinstance(like, list):
            return [part.strip() for part in text.split(",") if part.strip()]
        raise typer.BadParameter(
            f"{text[:64]!r} is no JSON; write a map as '{{\"alpha\": 64}}'", param_hint="VALUE"
        ) from None
    return value
