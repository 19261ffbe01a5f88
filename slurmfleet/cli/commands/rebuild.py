"""`slurmfleet rebuild`: tables made again from the stream, while everything goes on."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.text import Text

from slurmfleet.cli.client import ApiClient, understood
from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.progress import Show, bar
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.rebuilds import Corrected, Phase, Projection, RebuildReport
from slurmfleet.timing.clock import SystemClock

_PATH = "/v1/rebuilds"
_LOOK_EVERY_S = 0.5
_SILENT_FOR_S = 60.0
"""A rebuild that has told nothing for so long has died with its projector."""

_COLUMNS = (
    Column("TABLE"),
    Column("CHECKED", right=True),
    Column("MENDED", right=True),
    Column("ADDED", right=True),
    Column("KEPT", right=True),
    Column("UNEXPLAINED", right=True),
    Column("REMOVED", right=True),
)


def rebuild(
    *,
    projection: Annotated[
        Projection, typer.Option(help="What is made again; jobs: jobs and their events.")
    ] = Projection.JOBS,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove what nothing in the stream explains, though it should have it."
        ),
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Begin nothing: show how the newest one goes or went.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Bring tables to what the stream says; readers and new facts go on meanwhile.

    Rows that are older than the stream are kept as they are.
    """
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        if not show:
            await api.send("POST", _PATH, {"projection": projection.value, "prune": prune})
        document, report = await _followed(api, output)
        if as_json:
            output.json(document)
        elif not report.error:
            _tell(output, report)
        if report.error:
            raise FailedError(f"The rebuild failed: {report.error}")

    with_api(url, converse)


async def _followed(api: ApiClient, output: Output) -> tuple[JsonValue, RebuildReport]:
    """Look until it is over."""
    clock = SystemClock()
    with bar(output, "rebuilding") as showing:
        while True:
            document = await api.get(f"{_PATH}/current")
            report = understood(document, RebuildReport)
            _show(showing, report)
            if report.is_over:
                return document, report
            if (silent_s := _silent_s(report, clock.now())) > _SILENT_FOR_S:
                raise FailedError(
                    f"The rebuild has told nothing for {silent_s:.0f} s.",
                    remedy="The projector was restarted in the middle; what was corrected stays"
                    " so. Begin another.",
                )
            await clock.sleep(_LOOK_EVERY_S)


def _show(showing: Show, report: RebuildReport) -> None:
    what = "reading the stream" if report.phase is Phase.READING else "correcting"
    showing(what, report.done, max(report.total, report.done, 1))


def _silent_s(report: RebuildReport, now: datetime) -> float:
    return (now - report.reported_at.astimezone(UTC)).total_seconds()


def _tell(output: Output, report: RebuildReport) -> None:
    output.show(table(_COLUMNS, [_row(one) for one in report.tables]))
    output.say(f"{report.facts:,} facts of the stream were read.")
    if report.lost_messages:
        output.say(
            f"The stream has lost {report.lost_messages} messages, so unexplained rows may well be"
            " right; docs/runbooks/stream-damaged.md."
        )
    elif any(one.unexplained > one.removed for one in report.tables):
        output.say("Unexplained rows stay until `slurmfleet rebuild --prune` removes them.")
    if report.unusable:
        output.show(Text(f"{report.unusable} messages could not be read: slurmfleet events dead"))


def _row(one: Corrected) -> list[str | Text]:
    return [
        one.table,
        *(
            f"{value:,}"
            for value in (
                one.checked,
                one.mended,
                one.added,
                one.kept,
                one.unexplained,
                one.removed,
            )
        ),
    ]
