"""Of `operate`: what is over is put away from the board, and old history removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastmcp.tools.base import Tool, ToolResult
from fastmcp.tools.function_tool import FunctionTool
from mcp_types import ToolAnnotations
from pydantic import AwareDatetime, Field

from services.mcp.arguments import CHANGES, DESTROYS, Reason, Words, cluster_names
from services.mcp.errors import told_problems
from services.mcp.schemas import schema_of
from slurmfleet.access.board import Board, Clearing
from slurmfleet.contracts.board import LEAST_CLEANUP_DAYS, BoardGroup, ClearReport
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import clean_line, shown
from slurmfleet.store.read.board import OldJobView
from slurmfleet.store.read.reader import Reader

_LISTED = 50
_DAYS = 90
Clusters = Annotated[Words, Field(description="Only these clusters.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupAnswer:
    """What a cleanup would remove, or has removed."""

    dry_run: bool
    before: datetime
    jobs: int
    """How many it would remove, or has."""

    left: int
    """Of a cleanup that ran out of time."""

    items: tuple[OldJobView, ...]
    """Of a dry run, the oldest; REST lists all of them."""

    confirm: str
    """Of a dry run: to do just this."""


def board_tools(board: Board, reader: Reader) -> list[Tool]:
    """Give the tools of this file."""
    return [
        _clear(
            board,
            "clear_failed",
            "Put failed jobs away",
            "Takes jobs that failed, timed out, ran out of memory or were lost off the board",
            (BoardGroup.FAILED,),
        ),
        _clear(
            board,
            "clear_completed",
            "Put completed jobs away",
            "Takes jobs that ended well off the board",
            (BoardGroup.COMPLETED,),
        ),
        _clear(
            board,
            "clear_cancelled",
            "Put cancelled jobs away",
            "Takes jobs that were cancelled off the board",
            (BoardGroup.CANCELLED,),
        ),
        _cleanup_history(board, reader),
    ]


def _clear(board: Board, name: str, title: str, does: str, groups: tuple[BoardGroup, ...]) -> Tool:
    async def clear(cluster: Clusters = None, *, reason: Reason = "") -> ToolResult:
        with told_problems():
            wanted = Clearing(groups=groups, clusters=cluster_names(cluster), reason=reason)
            report = await board.clear(wanted)
        told = cast("dict[str, object]", shown(report.model_dump(mode="json")))
        named = ", ".join(f"{one.cluster} {one.job_id}" for one in report.jobs)
        text = clean_line(f"{report.cleared} put away: {named}" if named else "None was there.")
        if not report.complete:
            text += " There is more than there was time for: call it again."
        return ToolResult(content=text, structured_content=told)

    return FunctionTool.from_function(
        clear,
        name=name,
        title=title,
        description=f"{does}, for everybody of the group. They stay in the history; pinned ones "
        "stay on the board.",
        annotations=ToolAnnotations(title=title, **CHANGES),
        output_schema=schema_of(ClearReport),
    )


def _cleanup_history(board: Board, reader: Reader) -> Tool:
    title = "Remove old history"

    async def cleanup_history(
        days: Annotated[
            float, Field(ge=LEAST_CLEANUP_DAYS, le=36_500, description="Over so long ago.")
        ] = _DAYS,
        cluster: Clusters = None,
        *,
        dry_run: Annotated[bool, Field(description="Only list it.")] = True,
        before: Annotated[
            AwareDatetime | None, Field(description="Instead of days; of the dry run.")
        ] = None,
        confirm: Annotated[str, Field(max_length=64, description="Of the dry run.")] = "",
        reason: Reason = "",
    ) -> ToolResult:
        with told_problems():
            clusters = cluster_names(cluster)
            if not dry_run and before is None:
                raise ProblemError(
                    ProblemCode.CONFIRMATION_NEEDED,
                    "History is removed only after a dry run.",
                    remedy="Call it with dry_run=true, then again with its before and confirm.",
                )
            if dry_run or before is None:
                plan, wanted = await board.plan(days=days, before=before, clusters=clusters)
                page = await reader.cleanup(wanted, after=None, limit=_LISTED)
                answer = CleanupAnswer(
                    dry_run=True,
                    before=plan.before,
                    jobs=plan.jobs,
                    left=plan.jobs,
                    items=page.items,
                    confirm=plan.confirm,
                )
            else:
                done = await board.clean_up(
                    before=before, confirm=confirm, clusters=clusters, reason=reason
                )
                answer = CleanupAnswer(
                    dry_run=False,
                    before=before,
                    jobs=done.removed,
                    left=done.left,
                    items=(),
                    confirm="",
                )
        told = cast("dict[str, object]", shown(answer))
        return ToolResult(content=_text(answer), structured_content=told)

    return FunctionTool.from_function(
        cleanup_history,
        title=title,
        description="Removes what the store knows of jobs that were over so long ago. A dry run "
        "first lists them; what is pinned stays, and no file on any cluster is touched.",
        annotations=ToolAnnotations(title=title, **DESTROYS),
        output_schema=schema_of(CleanupAnswer),
    )


def _text(answer: CleanupAnswer) -> str:
    if not answer.dry_run:
        left = f"; {answer.left} are left, make a dry run again" if answer.left else ""
        return f"The history of {answer.jobs} jobs was removed{left}."
    if not answer.jobs:
        return "No history is so old."
    before = answer.before.isoformat()
    lines = [
        f"The history of {answer.jobs} jobs that were over before {before} would be removed.",
        f"To do just this: dry_run=false, before={before}, confirm={answer.confirm}",
        *_lines(answer.items),
    ]
    if answer.jobs > len(answer.items):
        lines.append(f"and {answer.jobs - len(answer.items)} more")
    return "\n".join(lines)


def _lines(items: Sequence[OldJobView]) -> list[str]:
    return [
        clean_line(f"{one.cluster} {one.job_id} {one.name} ({one.user}) {one.state} {one.over_at}")
        for one in items
    ]
