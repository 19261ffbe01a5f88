"""Folders of clusters on the collector's machine: seen in `observe`, changed in `operate`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastmcp.tools.base import Tool, ToolResult
from fastmcp.tools.function_tool import FunctionTool
from mcp_types import ToolAnnotations
from pydantic import Field

from services.mcp.arguments import CHANGES, READS_ONLY, Cluster, Reason, Words, cluster_names
from services.mcp.errors import told_problems
from services.mcp.schemas import schema_of
from slurmfleet.access.mounts import Mounts
from slurmfleet.contracts import ids
from slurmfleet.contracts.mounts import ClusterMounts, MountAct, MountReport
from slurmfleet.contracts.text import clean_line, shown

_SHOW, _ACT = "Show mounted folders", "Mount a cluster's folders"


@dataclass(frozen=True, slots=True, kw_only=True)
class MountsAnswer:
    """The mounts of clusters."""

    items: tuple[ClusterMounts, ...]


def get_mounts_tool(mounts: Mounts) -> Tool:
    """Give the tool that shows them."""

    async def get_mounts(
        cluster: Annotated[Words, Field(description="Only these clusters.")] = None,
    ) -> ToolResult:
        with told_problems():
            items = await mounts.show(cluster_names(cluster))
        told = [shown(one.model_dump(mode="json")) for one in items]
        return ToolResult(content=mounts_text(items), structured_content={"items": told})

    return FunctionTool.from_function(
        get_mounts,
        title=_SHOW,
        description="Which folders of clusters are mounted on the machine of their collector, "
        "and where: programs there read them as local files.",
        annotations=ToolAnnotations(title=_SHOW, **READS_ONLY),
        output_schema=schema_of(MountsAnswer),
    )


def mount_cluster_tool(mounts: Mounts) -> Tool:
    """Give the tool that changes them."""

    async def mount_cluster(
        cluster: Cluster, action: MountAct = MountAct.MOUNT, *, reason: Reason = ""
    ) -> ToolResult:
        with told_problems():
            report = await mounts.act(ids.cluster_name(cluster), action, reason=reason)
        told = cast("dict[str, object]", shown(report.model_dump(mode="json")))
        text = mounts_text([ClusterMounts(cluster=report.cluster, report=report)])
        return ToolResult(content=text, structured_content=told)

    return FunctionTool.from_function(
        mount_cluster,
        title=_ACT,
        description="Mounts the folders that a cluster's configuration names on the machine of "
        "its collector, read-only; unmounts them; or mounts them anew.",
        annotations=ToolAnnotations(title=_ACT, **CHANGES),
        output_schema=schema_of(MountReport),
    )


def mounts_text(items: Sequence[ClusterMounts]) -> str:
    """Say where folders are, and what is wrong, a line each."""
    lines: list[str] = []
    for one in items:
        if one.problem is not None:
            lines.append(f"{one.cluster}: not known; {one.problem.detail} {one.problem.remedy}")
        if one.report is None:
            continue
        if one.report.obstacle:
            lines.append(f"{one.cluster}: {one.report.obstacle}")
        elif not one.report.mounts:
            lines.append(f"{one.cluster}: no folder is named (mount_paths)")
        for mount in one.report.mounts:
            why = f" ({mount.detail})" if mount.detail else ""
            where = f"{one.report.machine}:{mount.mount_point}"
            lines.append(f"{one.cluster}: {mount.path} {mount.state} at {where}{why}")
    return "\n".join(map(clean_line, lines)) or "No cluster is configured."
