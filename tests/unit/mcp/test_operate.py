"""Tools that act on jobs: what a model sends, what it reads, and what it must say twice."""

from collections.abc import AsyncIterator
from dataclasses import replace

import jsonschema
import pytest
from fastmcp import Client
from fastmcp.exceptions import ToolError

from slurmfleet.access.principal import acting_as, local_principal
from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.access import Toolset
from slurmfleet.contracts.actions import ActOutcome, ActReport, ActRequest, ActWord
from slurmfleet.contracts.audit import AuditRecord, Via
from slurmfleet.contracts.commands import Reply
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import AUDIT, BUCKETS
from slurmfleet.testing.views import job_view
from tests.unit.mcp.conftest import Desk

asked: list[ActRequest] = []


async def collector(request: Message) -> BusReply:
    """Do everything, but what is called 13."""
    told = ActRequest.model_validate_json(request.body)
    asked.append(told)
    outcomes = tuple(
        ActOutcome(
            job_id=one.job_id,
            word=ActWord.DENIED if one.job_id == "13" else ActWord.DONE,
            detail="Access/permission \x1b[31mdenied" if one.job_id == "13" else "",
            state_after="CANCELLED",
        )
        for one in told.jobs
    )
    answer = Reply(result=ActReport(outcomes=outcomes))
    return BusReply(body=answer.model_dump_json().encode())


@pytest.fixture
async def acting(desk: Desk) -> AsyncIterator[Desk]:
    asked.clear()
    await desk.bus.prepare(buckets=BUCKETS)
    desk.reader.job_views = [job_view(job_id=str(one)) for one in range(1, 30)]
    async with desk.bus.serve("fleet.v1.cmd.alpha.*", collector):
        yield desk


async def call(desk: Desk, tool: str, **arguments: object) -> tuple[dict[str, object], str]:
    async with Client(desk.server) as client:
        schemas = {one.name: one.output_schema for one in await client.list_tools()}
        result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    jsonschema.validate(result.structured_content, schemas[tool] or {})
    (text,) = [one.text for one in result.content if one.type == "text"]
    return result.structured_content, text


@pytest.mark.parametrize("act", ["cancel", "hold", "release", "requeue"])
async def test_one_job_is_acted_on_and_the_reason_is_kept(acting: Desk, act: str):
    shown, text = await call(
        acting, f"{act}_job", cluster="alpha", job_id=7, reason="the user asked for it"
    )

    assert (shown["word"], text) == ("done", "alpha 7 done (now CANCELLED)")
    assert asked[0].act == act
    stored = await acting.bus.list_stored(AUDIT.name, limit=10)
    record = AuditRecord.model_validate_json(stored[0].message.body)
    assert (record.via, record.action, record.reason) == (
        *("mcp", f"job.{act}", "the user asked for it"),
    )


async def test_a_refusal_of_slurm_is_an_error_that_says_who_may(acting: Desk):
    with pytest.raises(ToolError, match=r"forbidden: .*denied — fix: .*owner") as caught:
        await call(acting, "cancel_job", cluster="alpha", job_id="13")

    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("given", [["1", "13"], "1,13", [1, 13], "1, 13"])
async def test_of_several_each_is_told(acting: Desk, given: object):
    shown, text = await call(acting, "cancel_jobs", cluster="alpha", job_ids=given)

    assert shown["ok"] is False
    assert text.startswith("1 of 2 as wanted.\nalpha 1 done")
    assert "\x1b" not in text


async def test_more_than_ten_are_said_twice(acting: Desk):
    many = [str(one) for one in range(14, 26)]
    with pytest.raises(ToolError, match=r"confirmation_needed: .* 12 jobs") as caught:
        await call(acting, "cancel_jobs", cluster="alpha", job_ids=many)
    word = str(caught.value).rpartition("confirm=")[2]

    shown, _ = await call(acting, "cancel_jobs", cluster="alpha", job_ids=many, confirm=word)

    assert shown["ok"] is True
    assert len(asked) == 1


async def test_a_project_is_cancelled_as_a_whole(acting: Desk):
    acting.reader.job_views = acting.reader.job_views[:3]

    shown, text = await call(acting, "cancel_project_jobs", project="atlas")

    assert shown["ok"] is True
    assert text.startswith("3 of 3 as wanted.")


async def test_a_tool_that_is_not_the_callers_is_refused_and_audited(acting: Desk):
    viewer = replace(local_principal(Via.MCP), name="bot", toolsets=frozenset({Toolset.OBSERVE}))
    with acting_as(viewer), pytest.raises(ToolError, match="forbidden"):
        async with Client(acting.server) as client:
            await client.call_tool("cancel_job", {"cluster": "alpha", "job_id": "7"})

    (stored,) = await acting.bus.list_stored(AUDIT.name, limit=10)
    record = AuditRecord.model_validate_json(stored.message.body)
    assert (record.actor, record.action, record.outcome) == ("bot", "tool.cancel_job", "refused")
    assert asked == []


@pytest.mark.parametrize("job_id", ["7;id", "$(id)", "", "-u"])
async def test_what_is_no_id_reaches_nobody(acting: Desk, job_id: str):
    with pytest.raises(ToolError):
        await call(acting, "cancel_job", cluster="alpha", job_id=job_id)
    with pytest.raises(ToolError):
        await call(acting, "cancel_jobs", cluster="alpha", job_ids=[job_id])

    assert asked == []
