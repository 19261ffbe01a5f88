"""`slurmfleet logs`: read, follow and search what a job writes."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from slurmfleet.cli.ages import moment_text
from slurmfleet.cli.client import ApiClient, Params, segment, understood
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Output
from slurmfleet.cli.running import with_api
from slurmfleet.cli.sizes import size_text
from slurmfleet.contracts.files import (
    FileKind,
    FilesReport,
    JobFile,
    Match,
    SearchReport,
    TextReport,
)
from slurmfleet.contracts.text import clean_line

_HEADS = ("LABEL", "SIZE", "CHANGED", "PATH")
_WAIT_S = 10


def logs(
    cluster: Annotated[str, typer.Argument(help="Name of the cluster.")],
    job_id: Annotated[str, typer.Argument(metavar="ID", help="4711, 4711_3 or 4711+1.")],
    *,
    path: Annotated[
        str, typer.Option(help="Which file; default: the job's main log.", metavar="PATH")
    ] = "",
    list_files: Annotated[
        bool, typer.Option("--list", "-l", help="List the job's files instead.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, max=5_000, help="The newest so many.")
    ] = 150,
    grep: Annotated[
        str, typer.Option("--grep", "-g", help="Lines that match, as grep -E.", metavar="PATTERN")
    ] = "",
    fixed: Annotated[
        bool, typer.Option("--fixed", "-F", help="The pattern is plain text.")
    ] = False,
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", "-i", help="With --grep: whatever the case.")
    ] = False,
    context: Annotated[
        int, typer.Option("--context", "-C", min=0, max=20, help="With --grep: lines around.")
    ] = 0,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as it grows; Ctrl-C ends it.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show the newest lines of a job's log; list, search or follow its files."""
    if sum(map(bool, (list_files, grep, follow))) > 1:
        raise typer.BadParameter("Choose one of --list, --grep and --follow.")
    output = Output(as_json=as_json)
    where = f"/v1/jobs/{segment(cluster)}/{segment(job_id)}"
    searched: Params = {
        "path": path,
        "q": grep,
        "regex": "false" if fixed else "true",
        "ignore_case": "true" if ignore_case else "",
        "context": context,
        "limit": min(lines, 500),
    }

    async def show(api: ApiClient) -> None:
        if list_files:
            _show(await api.get(f"{where}/logs"), files_page, output)
        elif grep:
            _show(await api.get(f"{where}/log/search", searched), matches_page, output)
        else:
            await _read(api, f"{where}/log", path=path, lines=lines, follow=follow, output=output)

    with_api(url, show)


async def _read(
    api: ApiClient, where: str, *, path: str, lines: int, follow: bool, output: Output
) -> None:
    """Print the newest lines, and what comes after them."""
    asked: Params = {"path": path, "lines": lines}
    while True:
        document = await api.get(where, asked)
        report = understood(document, TextReport)
        if output.as_json:
            (output.json_line if follow else output.json)(document)
        else:
            _print(report, output)
        if not follow:
            return
        asked = {
            "path": report.path,
            "after": report.newer_cursor,
            "wait_s": _WAIT_S,
            "lines": 5_000,
        }


def _print(report: TextReport, output: Output) -> None:
    if report.was_replaced:
        output.say("the file was replaced or cut; from its beginning:")
    if report.is_binary:
        output.say(f"{report.path} is no text ({size_text(report.size_bytes)})")
    sys.stdout.write(report.text)
    sys.stdout.flush()


def _show(document: JsonValue, page: Callable[[JsonValue], RenderableType], output: Output) -> None:
    if output.as_json:
        output.json(document)
    else:
        output.data.print(page(document), soft_wrap=True)


def files_page(document: JsonValue) -> RenderableType:
    """Give a table of a job's files and folders."""
    report = understood(document, FilesReport)
    rows = [_row(one) for one in (*report.files, *report.folders)]
    notes = [Text(clean_line(note)) for note in report.notes]
    if not rows:
        return Group(Text("No files of this job are known."), *notes)
    widths = [max(len(row[at]) for row in (_HEADS, *rows)) for at in range(len(_HEADS) - 1)]
    # No table: it would cut paths where the terminal is narrow, and they are there to be copied.
    lines = [Text(_aligned(row, widths)) for row in rows]
    return Group(Text(_aligned(_HEADS, widths), style="bold"), *lines, *notes)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    label, size, changed, path = row
    return f"{label:<{widths[0]}}  {size:>{widths[1]}}  {changed:<{widths[2]}}  {path}"


def matches_page(document: JsonValue) -> RenderableType:
    """Give the lines that were found, with their numbers."""
    report = understood(document, SearchReport)
    if not report.matches:
        return Text("No line matches." if report.next_cursor is None else "None so far.")
    parts: list[RenderableType] = []
    before: Match | None = None
    for one in report.matches:
        if before is not None and one.line is not None and one.line != (before.line or 0) + 1:
            parts.append(Text("--", style="dim"))
        parts.append(_line(one))
        before = one
    if report.next_cursor is not None:
        parts.append(Text("There are more: raise --lines, or narrow the pattern.", style="dim"))
    return Group(*parts)


def _line(one: Match) -> Text:
    number = "" if one.line is None else f"{one.line}{':' if one.is_match else '-'} "
    style = "" if one.is_match else "dim"
    return Text.assemble((number, "cyan"), (one.text, style))


def _row(one: JobFile) -> tuple[str, str, str, str]:
    label, path = clean_line(one.label), clean_line(one.path)
    if not one.is_there:
        return label, "", "not there yet", path
    size = size_text(one.size_bytes) if one.kind is FileKind.FILE else str(one.kind)
    return label, size, moment_text(one.modified_at), path
