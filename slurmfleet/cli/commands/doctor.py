"""`slurmfleet doctor`: looks at everything, and says what mends what is wrong."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import typer
from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from slurmfleet.cli.answers import ClusterList
from slurmfleet.cli.checks import (
    Check,
    backup_check,
    bus_file_check,
    clock_check,
    door_checks,
    machine_checks,
)
from slurmfleet.cli.client import ApiClient, open_client, segment, understood
from slurmfleet.cli.commands.status import ServiceState, service_states
from slurmfleet.cli.diagnosis import diagnosis_checks
from slurmfleet.cli.errors import CliError, ExitCode
from slurmfleet.cli.options import AsJson, DataDir, Url
from slurmfleet.cli.output import Output
from slurmfleet.cli.settings import CliSettings
from slurmfleet.cli.stack.backups import rota_of
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.lock import is_held
from slurmfleet.cli.stack.record import read_record
from slurmfleet.cli.stack.services import Doors
from slurmfleet.cli.where import find_door
from slurmfleet.contracts.commands import ConnectionReport, Diagnosis
from slurmfleet.timing.clock import SystemClock


def doctor(*, data_dir: DataDir = None, as_json: AsJson = False, url: Url = None) -> None:
    """Check machine, stack and every cluster; each finding says what mends it."""
    settings = CliSettings()
    output = Output(as_json=as_json)
    layout = Layout((data_dir or settings.data_dir).expanduser().absolute())
    with output.waiting("looking"):
        checks = asyncio.run(_all_checks(settings, layout, url, data_dir))
    wrong = [check for check in checks if check.ok is False]
    if as_json:
        found: list[JsonValue] = [check.as_json() for check in checks]
        output.json({"ok": not wrong, "checks": found})
    else:
        output.show(checks_page(checks))
    if wrong:
        raise typer.Exit(ExitCode.FAILED)


def checks_page(checks: Sequence[Check]) -> RenderableType:
    """Give the findings by group, and a sum at the end."""
    lines: list[Text] = []
    group = ""
    for check in checks:
        if check.group != group:
            group = check.group
            lines.append(Text(group, style="bold"))
        lines += _lines(check)
    wrong = sum(check.ok is False for check in checks)
    skipped = sum(check.ok is None for check in checks)
    lines.append(Text())
    lines.append(Text(f"{wrong} wrong, {skipped} not looked at, {len(checks)} in all."))
    return Group(*lines)


async def _all_checks(
    settings: CliSettings, layout: Layout, url: str | None, data_dir: Path | None
) -> list[Check]:
    door = find_door(url, settings, data_dir)
    checks: list[Check] = []
    running = layout.run_dir.exists() and is_held(layout)
    far = door.found_by in ("--url", "SLURMFLEET_URL")
    if not far:
        checks += machine_checks(layout)
        checks.append(backup_check(layout, rota_of(settings, layout), SystemClock().now()))
        if running:
            checks.append(bus_file_check(layout))
        else:
            checks += door_checks(_doors(settings))
    if not running and not far:
        return [*checks, _down()]
    async with open_client(door) as api:
        states = await service_states(api, None if far else read_record(layout))
        checks += [check for state in states for check in service_checks(state)]
        checks += await _cluster_checks(api)
    return checks


_RESTART = "`slurmfleet status`; if it lasts, restart the stack."
_ADVICE = {
    "state-files": "Read docs/runbooks/state-file-damaged.md; removing the files ends this.",
    "stream": "Read docs/runbooks/stream-damaged.md, and have the disk looked at.",
    "dead-letters": "`slurmfleet events dead` lists them with their reasons, and tells them again.",
}
"""What mends a part that a service can do without, and that is wrong all the same."""


def service_checks(state: ServiceState) -> list[Check]:
    """Judge one service by what its /readyz says of its parts."""
    if not state.readiness.answered:
        return [
            Check(
                group=state.name,
                name="answers",
                ok=False,
                detail=f"nothing at {state.url}",
                remedy=f"Read its log: {state.name}.log in the folder logs of the data directory.",
            )
        ]
    return [
        Check(
            group=state.name,
            name=part,
            ok=check.ok or (False if check.required or part in _ADVICE else None),
            detail=check.detail or ("ok" if check.ok else "not ready"),
            remedy="" if check.ok else _ADVICE.get(part, _RESTART),
        )
        for part, check in state.readiness.checks.items()
    ]


async def _cluster_checks(api: ApiClient) -> list[Check]:
    try:
        clusters = understood(await api.get("/v1/clusters"), ClusterList).items
    except CliError as exc:
        return [_failed("clusters", "list", exc)]
    if not clusters:
        remedy = "slurmfleet cluster add NAME --host LOGIN_NODE"
        return [
            Check(group="clusters", name="list", ok=None, detail="none configured", remedy=remedy)
        ]
    # One by one: each test opens a connection of its own, and sites count those.
    return [check for one in clusters for check in await _tested(api, one.name)]


async def _tested(api: ApiClient, name: str) -> list[Check]:
    try:
        document = await api.send("POST", f"/v1/clusters/{segment(name)}/test")
        report = understood(document, ConnectionReport)
    except CliError as exc:
        return [_failed(name, "test", exc)]
    checks = [
        Check(group=name, name=one.name, ok=one.ok, detail=one.detail, remedy=one.remedy)
        for one in report.steps
    ]
    told = {check.name for check in checks}
    if report.ok and "clock" not in told:
        checks.append(clock_check(name, report.clock_offset_s))
    return [*checks, *await _diagnosed(api, name)]


async def _diagnosed(api: ApiClient, name: str) -> list[Check]:
    try:
        document = await api.get(f"/v1/clusters/{segment(name)}/diagnosis")
        return diagnosis_checks(name, understood(document, Diagnosis))
    except CliError as exc:
        return [_failed(name, "diagnosis", exc)]


def _failed(group: str, name: str, error: CliError) -> Check:
    return Check(group=group, name=name, ok=False, detail=error.detail, remedy=error.remedy)


def _down() -> Check:
    return Check(
        group="stack",
        name="runs",
        ok=None,
        detail="it is down, so services and clusters were not looked at",
        remedy="slurmfleet up",
    )


def _doors(settings: CliSettings) -> Doors:
    return Doors(
        api_host=settings.api_host,
        api_port=settings.api_port,
        mcp_host=settings.mcp_host,
        mcp_port=settings.mcp_port,
    )


def _lines(check: Check) -> list[Text]:
    marks = {True: ("ok  ", "green"), False: ("FAIL", "bold red"), None: ("--  ", "dim")}
    word, style = marks[check.ok]
    lines = [Text(f"  {word} ", style=style) + Text(f"{check.name}: {check.detail}", style="")]
    if check.remedy:
        lines.append(Text(f"       fix: {check.remedy}"))
    return lines
