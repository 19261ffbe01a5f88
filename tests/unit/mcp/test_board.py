"""Tools that clear the board and remove old history: what a model sends, and what it must first."""

from collections.abc import AsyncIterator
from datetime import timedelta

import jsonschema
import pytest
from fastmcp import Client
from fastmcp.exceptions import ToolError

from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.board import CleanupReport, CleanupRequest, ClearPart, ClearRequest
from slurmfleet.contracts.commands import Reply
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import JobId, cluster_name
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.streams import BUCKETS
from slurmfleet.store.read.board import OldJobView
from tests.unit.mcp.conftest import Desk

cleared: list[ClearRequest] = []
cleaned: list[CleanupRequest] = []


async def projector(request: Message) -> BusReply:
    if request.subject.endswith("board_clear"):
        cleared.append(ClearRequest.model_validate_json(request.body))
        told: Reply[ClearPart] | Reply[CleanupReport] = Reply(
            result=ClearPart(jobs=(), over_until=None)
        )
    else:
        cleaned.append(CleanupRequest.model_validate_json(request.body))
        told = Reply(result=CleanupReport(removed=cleaned[-1].at_most))
    return BusReply(body=told.model_dump_json().encode())


@pytest.fixture
async def acting(desk: Desk) -> AsyncIterator[Desk]:
    cleared.clear()
    cleaned.clear()
    await desk.bus.prepare(buckets=BUCKETS)
    over_at = desk.clock.now() - timedelta(days=200)
    desk.reader.old_views = [
        OldJobView(
            cluster=cluster_name("alpha"),
            job_id=JobId("12"),
            submitted_at=over_at,
            name="old\x1b[2J",
            user="ada",
            state=JobState.COMPLETED,
            over_at=over_at,
        )
    ]
    async with desk.bus.serve("fleet.v1.admin.projector.*", projector):
        yield desk


async def call(desk: Desk, tool: str, **arguments: object) -> tuple[dict[str, object], str]:
    async with Client(desk.server) as client:
        schemas = {one.name: one.output_schema for one in await client.list_tools()}
        result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    jsonschema.validate(result.structured_content, schemas[tool] or {})
    (text,) = [one.text for one in result.content if one.type == "text"]
    return result.structured_content, text


@pytest.mark.parametrize("group", ["failed", "completed", "cancelled"])
async def test_each_tool_clears_its_own_kind_where_it_is_told(acting: Desk, group: str):
    told, text = await call(acting, f"clear_{group}", cluster="alpha", reason="seen")

    (request,) = cleared
    assert (list(request.groups), request.clusters) == ([group], ("alpha",))
    assert (told, text) == ({"cleared": 0, "jobs": [], "complete": True}, "None was there.")


async def test_a_cluster_that_is_not_there_clears_nothing(acting: Desk):
    with pytest.raises(ToolError, match="unknown_cluster"):
        await call(acting, "clear_failed", cluster="gamma")

    assert cleared == []


async def test_history_goes_only_after_a_dry_run_of_just_that(acting: Desk):
    plan, text = await call(acting, "cleanup_history", days=90)
    with pytest.raises(ToolError, match="confirmation_needed"):
        await call(acting, "cleanup_history", days=90, dry_run=False)
    with pytest.raises(ToolError, match="confirmation_needed"):
        await call(acting, "cleanup_history", dry_run=False, before=plan["before"], confirm="no")
    assert cleaned == []

    done, said = await call(
        acting, "cleanup_history", dry_run=False, before=plan["before"], confirm=plan["confirm"]
    )

    assert (plan["dry_run"], plan["jobs"]) == (True, 1)
    assert "alpha 12 old (ada) COMPLETED" in text
    assert "\x1b" not in text
    assert (done["dry_run"], done["jobs"], done["left"]) == (False, 1, 0)
    assert said == "The history of 1 jobs was removed."
    assert len(cleaned) == 1


async def test_young_history_is_not_even_planned(acting: Desk):
    with pytest.raises(ToolError, match="days"):
        await call(acting, "cleanup_history", days=7)
