"""`slurmfleet events dead`: what could not be projected, told again or dropped."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import typer
from pydantic import BaseModel, JsonValue
from rich.console import Group
from rich.text import Text

from slurmfleet.cli.ages import moment_text
from slurmfleet.cli.client import ApiClient, understood
from slurmfleet.cli.errors import AnsweredError, CliError, ExitCode, FailedError, RefusedError
from slurmfleet.cli.options import AsJson, Url, Yes
from slurmfleet.cli.output import Column, Output, pairs, table
from slurmfleet.cli.running import with_api

app = typer.Typer(help="Messages that could not be used and were put aside.")

_PATH = "/v1/events/dead"
_COLUMNS = (
    Column("SEQ", right=True),
    Column("WHEN"),
    Column("SUBJECT"),
    Column("RETRIED", right=True),
    Column("REASON", elastic=True),
)
_PAGE = 1_000
_NO_NUMBERS: list[int] = []
_Numbers = Annotated[
    list[int], typer.Argument(metavar="N...", min=1, help="Numbers from the list.")
]


class Letter(BaseModel):
    """One dead letter in a list."""

    sequence: int
    put_aside_at: datetime
    subject: str
    cluster: str
    facts: int | None
    delivered_count: int
    retries: int
    reason: str
    size_bytes: int


class LetterList(BaseModel):
    """A page of dead letters."""

    items: tuple[Letter, ...]
    next_cursor: str | None
    total: int


class OpenedLetter(BaseModel):
    """One dead letter with all that is in it."""

    letter: Letter
    headers: Mapping[str, str]
    decoded: tuple[JsonValue, ...]
    body_hex: str


@app.callback(invoke_without_command=True)
def dead(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")] = 100,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List messages that could not be used and were put aside, oldest first."""
    if context.invoked_subcommand is not None:
        return
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        document = await api.get(_PATH, {"limit": limit})
        found = understood(document, LetterList)
        if as_json:
            output.json(document)
        elif found.items:
            output.show(table(_COLUMNS, [_row(one) for one in found.items]))
            if found.total > len(found.items):
                output.say(f"{len(found.items)} of {found.total}; --limit shows more.")
        else:
            output.show(Text("No messages were put aside."))

    with_api(url, converse)


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="Number from the list.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show one with its headers, its reason and the facts in it."""
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        document = await api.get(f"{_PATH}/{number}")
        found = understood(document, OpenedLetter)
        if as_json:
            output.json(document)
            return
        rows = [
            ("reason", found.letter.reason),
            ("subject", found.letter.subject),
            ("put aside", moment_text(found.letter.put_aside_at)),
            ("tried", f"{found.letter.delivered_count} times"),
            ("retried", f"{found.letter.retries} times"),
            ("size", f"{found.letter.size_bytes} bytes"),
            ("begins with", found.body_hex),
        ]
        output.show(Group(pairs(rows), Text(), pairs(sorted(found.headers.items()))))
        for fact in found.decoded:
            output.json(fact)

    with_api(url, converse)


@app.command()
def retry(
    numbers: _Numbers = _NO_NUMBERS,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that lie there now.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Tell messages again where they were told first; one that fails again comes back."""
    if bool(numbers) == everything:
        raise typer.BadParameter("Give numbers from the list, or --all.")
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        chosen = await _all_numbers(api) if everything else list(dict.fromkeys(numbers))
        await _each(api, output, chosen, done="told again", how=("POST", "/retry"))

    with_api(url, converse)


@app.command()
def drop(numbers: _Numbers, *, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Ask, then drop messages for good."""
    output = Output(as_json=as_json)
    chosen = list(dict.fromkeys(numbers))
    question = f"Drop {len(chosen)} of the messages that were put aside, for good?"
    if not yes and (as_json or not typer.confirm(question, err=True)):
        raise RefusedError("Nothing was dropped.", remedy="Answer yes, or pass --yes.")

    async def converse(api: ApiClient) -> None:
        await _each(api, output, chosen, done="dropped", how=("DELETE", ""))

    with_api(url, converse)


async def _all_numbers(api: ApiClient) -> list[int]:
    """Give those that lie there now: what comes back behind them is not tried for ever."""
    found: list[int] = []
    cursor = ""
    while True:
        document = await api.get(_PATH, {"limit": _PAGE, "cursor": cursor})
        page = understood(document, LetterList)
        found += [one.sequence for one in page.items]
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


async def _each(
    api: ApiClient, output: Output, numbers: list[int], *, done: str, how: tuple[str, str]
) -> None:
    """Do one thing to each; one that fails does not keep the others from it.

    Raises:
        CliError: At least one failed; the only one's own error, else a sum of them.
    """
    method, tail = how
    good: list[JsonValue] = []
    failures: dict[int, AnsweredError] = {}
    for number in numbers:
        try:
            await api.send(method, f"{_PATH}/{number}{tail}")
        except AnsweredError as exc:
            if exc.exit_code is ExitCode.UNREACHABLE:
                raise
            failures[number] = exc
        else:
            good.append(number)
    failed: list[JsonValue] = list(failures)
    if output.as_json:
        output.json({"done": good, "failed": failed})
    else:
        output.show(Text(f"{len(good)} {done}."))
    if failures:
        raise _summed(failures)


def _summed(failures: Mapping[int, AnsweredError]) -> CliError:
    first = next(iter(failures.values()))
    if len(failures) == 1:
        return first
    named = ", ".join(str(number) for number in failures)
    return FailedError(f"{len(failures)} failed ({named}): {first.detail}", remedy=first.remedy)


def _row(one: Letter) -> list[str | Text]:
    return [
        str(one.sequence),
        moment_text(one.put_aside_at),
        one.subject,
        str(one.retries),
        one.reason,
    ]
