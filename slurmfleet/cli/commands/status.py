"""`slurmfleet status`: what runs, and how old each cluster's picture is."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from slurmfleet.cli.client import ApiClient, open_client
from slurmfleet.cli.commands.cluster_pages import clusters_page
from slurmfleet.cli.errors import CliError
from slurmfleet.cli.options import AsJson, DataDir, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.settings import CliSettings
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.readiness import Readiness, ask_readiness
from slurmfleet.cli.stack.record import StackRecord, read_record
from slurmfleet.cli.where import Door, find_door


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """One service as it answers now."""

    name: str
    url: str
    pid: int | None
    readiness: Readiness

    def as_json(self) -> dict[str, JsonValue]:
        """Give it as JSON."""
        return {
            "name": self.name,
            "url": self.url,
            "pid": self.pid,
            "ready": self.readiness.ready,
            "detail": self.readiness.complaint,
        }


def status(*, data_dir: DataDir = None, as_json: AsJson = False, url: Url = None) -> None:
    """Show services, ports and clusters, and how old what they show is."""
    settings = CliSettings()
    output = Output(as_json=as_json)
    door = find_door(url, settings, data_dir)
    record = read_record(Layout(data_dir or settings.data_dir))
    asyncio.run(_status(output, door, record))


async def _status(output: Output, door: Door, record: StackRecord | None) -> None:
    async with open_client(door) as api:
        services = await service_states(api, record)
        problem: CliError | None = None
        clusters: JsonValue = None
        try:
            clusters = await api.get("/v1/clusters")
        except CliError as exc:
            problem = exc
    if output.as_json:
        output.json({"services": [one.as_json() for one in services], "clusters": clusters})
    else:
        output.show(services_page(services))
        if clusters is not None:
            output.show(Group(Text(), clusters_page(clusters)))
    if problem is not None:
        raise problem


async def service_states(api: ApiClient, record: StackRecord | None) -> list[ServiceState]:
    """Ask each service that is known here; from afar only the API itself is."""
    urls = services_of(api.door, record)
    pids = {one.name: one.pid for one in record.processes} if record else {}
    async with httpx.AsyncClient(trust_env=False) as http:
        return [
            ServiceState(
                name=name, url=url, pid=pids.get(name), readiness=await ask_readiness(http, url)
            )
            for name, url in urls.items()
        ]


def services_of(door: Door, record: StackRecord | None) -> Mapping[str, str]:
    """Give the services to ask: those of the local stack if it is the one that is addressed."""
    if record is not None and record.urls.get("api") == door.url:
        return record.urls
    return {"api": door.url}


def services_page(services: list[ServiceState]) -> RenderableType:
    """Give a table of services."""
    columns = (Column("SERVICE"), Column("URL"), Column("PID", right=True), Column("STATE"))
    return table(columns, [_row(one) for one in services])


def _row(one: ServiceState) -> list[str | Text]:
    return [one.name, one.url, str(one.pid or ""), _state(one.readiness)]


def _state(readiness: Readiness) -> Text:
    if not readiness.ready:
        return Text(readiness.complaint, style="bold red")
    if readiness.complaint:
        return Text(f"ready; {readiness.complaint}", style="yellow")
    return Text("ready", style="green")
