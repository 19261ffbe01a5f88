"""`slurmfleet mounts`, `mount`, `unmount`, `remount`: folders of clusters as local ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import BaseModel, JsonValue
from rich.text import Text

from slurmfleet.cli.client import ApiClient, segment, understood
from slurmfleet.cli.errors import AnsweredError
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.progress import bar
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.mounts import ClusterMounts, MountAct, MountReport, MountState

_LIMIT_S = 120.0
_NONE: list[str] = []
_COLUMNS = (
    Column("cluster"),
    Column("folder"),
    Column("state"),
    Column("mounted at", elastic=True),
    Column("", elastic=True),
)
_STYLES = {MountState.MOUNTED: "green", MountState.STALE: "red"}

Clusters = Annotated[
    list[str] | None, typer.Argument(metavar="[CLUSTER...]", help="Names of clusters.")
]
Every = Annotated[bool, typer.Option("--all", help="Every cluster that names folders.")]
Reason = Annotated[str, typer.Option(help="Why; stands in the audit.")]


@dataclass(frozen=True, slots=True)
class _Found:
    """The mounts of one cluster, or why they are not known."""

    cluster: str
    report: MountReport | None
    trouble: str = ""

    @property
    def is_well(self) -> bool:
        return self.report is not None and not any(one.detail for one in self.report.mounts)


class MountList(BaseModel):
    """What the API lists."""

    items: tuple[ClusterMounts, ...]


def mounts(*, as_json: AsJson = False, url: Url = None) -> None:
    """Show which folders of clusters are mounted beside their collectors."""
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        document = await api.get("/v1/mounts")
        if as_json:
            output.json(document)
        else:
            _show(output, [_found(one) for one in understood(document, MountList).items])

    with_api(url, converse)


def mount(
    clusters: Clusters = None,
    *,
    every: Every = False,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Mount the folders that the clusters' `mount_paths` name, read-only, with sshfs."""
    _change(MountAct.MOUNT, clusters, every=every, reason=reason, as_json=as_json, url=url)


def unmount(
    clusters: Clusters = None,
    *,
    every: Every = False,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Unmount them; what hangs is let go at once."""
    _change(MountAct.UNMOUNT, clusters, every=every, reason=reason, as_json=as_json, url=url)


def remount(
    clusters: Clusters = None,
    *,
    every: Every = False,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Unmount them and mount them anew."""
    _change(MountAct.REMOUNT, clusters, every=every, reason=reason, as_json=as_json, url=url)


def _change(
    act: MountAct,
    clusters: list[str] | None,
    *,
    every: bool,
    reason: str,
    as_json: bool,
    url: str | None,
) -> None:
    if bool(clusters) == every:
        raise typer.BadParameter("Name clusters, or give --all.")
    output = Output(as_json=as_json)

    async def converse(api: ApiClient) -> None:
        names = list(dict.fromkeys(clusters or _NONE)) or await _with_folders(api)
        found = await _ask_all(api, act, names, reason, output)
        if as_json:
            output.json({"items": [_as_json(one) for one in found]})
        else:
            _show(output, found)
        if not all(one.is_well for one in found):
            raise typer.Exit(1)

    with_api(url, converse)


async def _with_folders(api: ApiClient) -> list[str]:
    """Name the clusters whose configuration names folders."""
    found = understood(await api.get("/v1/mounts"), MountList).items
    # One whose collector does not answer is tried as well: it says why.
    return [one.cluster for one in found if one.report is None or one.report.mounts]


async def _ask_all(
    api: ApiClient, act: MountAct, names: Sequence[str], reason: str, output: Output
) -> list[_Found]:
    """Have it done for all clusters at once; one that fails does not keep the others."""
    found: dict[str, _Found] = {}
    with bar(output, act) as show:

        async def ask(name: str) -> None:
            try:
                body: dict[str, JsonValue] = {"act": act, "reason": reason}
                document = await api.send(
                    "POST", f"/v1/mounts/{segment(name)}", body, limit_s=_LIMIT_S
                )
                found[name] = _Found(name, understood(document, MountReport))
            except AnsweredError as error:
                found[name] = _Found(name, None, str(error))
            show(name, len(found), len(names))

        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(ask(name), name=f"{act} {name}")
    return [found[name] for name in names]


def _found(one: ClusterMounts) -> _Found:
    trouble = f"{one.problem.detail} {one.problem.remedy}".strip() if one.problem else ""
    return _Found(one.cluster, one.report, trouble)


def _as_json(one: _Found) -> JsonValue:
    report = one.report.model_dump(mode="json") if one.report is not None else None
    return {"cluster": one.cluster, "report": report, "problem": one.trouble or None}


def _show(output: Output, found: Sequence[_Found]) -> None:
    rows: list[Sequence[str | Text]] = []
    for one in found:
        if one.report is None:
            rows.append((one.cluster, "-", "", "", one.trouble))
            continue
        if not one.report.mounts:
            rows.append((one.cluster, "-", "", "", one.report.obstacle or "no folder is named"))
        rows += [
            (
                one.cluster,
                mount.path,
                Text(mount.state.replace("_", " "), style=_STYLES.get(mount.state, "")),
                mount.mount_point,
                mount.detail or one.report.obstacle,
            )
            for mount in one.report.mounts
        ]
    output.show(table(_COLUMNS, rows) if rows else Text("No cluster is configured."))
