"""`slurmfleet cleanup`: old history that is listed, and removed on request."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from slurmfleet.cli.ages import moment_text
from slurmfleet.cli.client import ApiClient, Params, understood
from slurmfleet.cli.errors import ExitCode
from slurmfleet.cli.options import AsJson, Url, Yes
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.progress import bar
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.board import LEAST_CLEANUP_DAYS

_COLUMNS = (
    Column("ENDED"),
    Column("CLUSTER"),
    Column("JOB"),
    Column("NAME", elastic=True),
    Column("USER", elastic=True),
    Column("STATE"),
)
_TO_THE_MINUTE = len("2026-01-01 12:30")
_LIMIT_S = 90.0
_LISTED = 20
_PAGE = 1_000
_NO_NAMES: list[str] = []

Names = Annotated[list[str], typer.Option(help="May be given more than once.", metavar="NAME")]
Reason = Annotated[str, typer.Option(help="Why; stands in the audit.")]


class OldJob(BaseModel):
    """A job whose history would go."""

    model_config = ConfigDict(extra="ignore")

    cluster: str
    job_id: str
    name: str
    user: str
    state: str
    over_at: datetime


class CleanupPage(BaseModel):
    """What a cleanup would remove."""

    model_config = ConfigDict(extra="ignore")

    items: tuple[OldJob, ...]
    next_cursor: str | None
    before: str
    jobs: int
    by_cluster: Mapping[str, int]
    confirm: str


class CleanedAnswer(BaseModel):
    """What a cleanup removed."""

    removed: int
    left: int


def cleanup(
    *,
    days: Annotated[
        float, typer.Option(min=LEAST_CLEANUP_DAYS, help="What was over so long ago.")
    ] = 90,
    cluster: Names = _NO_NAMES,
    user: Names = _NO_NAMES,
    every: Annotated[bool, typer.Option("--all", help="List every job that would go.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it, after a question.")] = False,
    reason: Reason = "",
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List old jobs whose history could be removed from the store, and with --remove remove it.

    Pinned jobs stay, and so do sums of use by day. No file on any cluster is touched.
    """
    output = Output(as_json=as_json)
    asked: Params = {"cluster": cluster, "user": user, "limit": _PAGE}

    async def converse(api: ApiClient) -> None:
        document = await api.get("/v1/history/cleanup", {**asked, "days": str(days)})
        plan = understood(document, CleanupPage)
        if not remove:
            rest = await _rest(api, plan, asked, output) if every else ()
            _show_plan(output, plan, [*plan.items, *rest], every=every)
            return
        if plan.jobs and not as_json:
            output.say(f"The history of {plan.jobs:,} jobs would be removed.")
        if plan.jobs and not yes and not (not as_json and typer.confirm("Go on?", err=True)):
            raise typer.Exit(int(ExitCode.REFUSED))
        named: dict[str, JsonValue] = {
            "clusters": [*cluster],
            "users": [*user],
            "reason": reason,
        }
        cleaned = await _remove(api, plan, asked, named, output)
        if as_json:
            output.json(cleaned.model_dump())
        else:
            output.say(f"The history of {cleaned.removed:,} jobs was removed.")

    with_api(url, converse)


def _show_plan(output: Output, plan: CleanupPage, items: Sequence[OldJob], *, every: bool) -> None:
    if not output.as_json:
        output.show(_plan_page(plan, items if every else items[:_LISTED]))
        return
    told = plan.model_dump(mode="json", include={"before", "jobs", "by_cluster"})
    output.json({**told, "items": [one.model_dump(mode="json") for one in items]})


async def _rest(
    api: ApiClient, plan: CleanupPage, asked: Params, output: Output
) -> Sequence[OldJob]:
    """Give what stands on the pages behind the first."""
    items: list[OldJob] = []
    cursor = plan.next_cursor
    with bar(output, "listing") as showing:
        while cursor:
            behind = {**asked, "before": plan.before, "cursor": cursor}
            page = understood(await api.get("/v1/history/cleanup", behind), CleanupPage)
            items += page.items
            cursor = page.next_cursor
            showing("listing", len(plan.items) + len(items), plan.jobs)
    return items


async def _remove(
    api: ApiClient,
    plan: CleanupPage,
    asked: Params,
    named: Mapping[str, JsonValue],
    output: Output,
) -> CleanedAnswer:
    """Remove what a plan names; what one request has no time for is asked for again."""
    removed, left, confirm = 0, plan.jobs, plan.confirm
    with bar(output, "removing") as showing:
        while left:
            body = {**named, "before": plan.before, "confirm": confirm}
            document = await api.send("POST", "/v1/history/cleanup", body, limit_s=_LIMIT_S)
            done = understood(document, CleanedAnswer)
            removed, left = removed + done.removed, done.left
            showing("removing", removed, plan.jobs)
            if not left or not done.removed:
                break
            again = await api.get("/v1/history/cleanup", {**asked, "before": plan.before})
            confirm = understood(again, CleanupPage).confirm
    return CleanedAnswer(removed=removed, left=left)


def _plan_page(plan: CleanupPage, items: Sequence[OldJob]) -> RenderableType:
    if not plan.jobs:
        return Text("No history is so old.")
    parts: list[RenderableType] = [table(_COLUMNS, [_row(one) for one in items]), Text()]
    if len(items) < plan.jobs:
        parts.append(Text(f"and {plan.jobs - len(items):,} more; --all lists every one"))
    counts = ", ".join(f"{name} {count:,}" for name, count in plan.by_cluster.items())
    parts.append(Text(f"{plan.jobs:,} jobs: {counts}. Nothing was removed; --remove does it."))
    return Group(*parts)


def _row(one: OldJob) -> list[str | Text]:
    ended = moment_text(one.over_at)[:_TO_THE_MINUTE]
    return [ended, one.cluster, one.job_id, one.name, one.user, one.state]
