"""The board through REST: what the projector is asked, what is refused before, what is audited."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from slurmfleet.access.tokens import TokenStore
from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.access import Grant
from slurmfleet.contracts.audit import AuditRecord
from slurmfleet.contracts.board import (
    CleanupReport,
    CleanupRequest,
    ClearPart,
    ClearRequest,
    Mark,
    MarkReport,
    MarkRequest,
    NamedJob,
)
from slurmfleet.contracts.commands import Reply
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import JobId, cluster_name
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.streams import AUDIT
from slurmfleet.store.read.board import BoardView, OldJobView
from slurmfleet.testing.views import cluster_view, job_view
from tests.unit.api.conftest import Desk

ALPHA, BETA = cluster_name("alpha"), cluster_name("beta")
asked: list[BaseModel] = []


def an_old_job(desk: Desk, job_id: str, *, days: float, user: str = "ada") -> OldJobView:
    now = desk.clock.now()
    return OldJobView(
        cluster=ALPHA,
        job_id=JobId(job_id),
        submitted_at=now - timedelta(days=days + 1),
        name="old",
        user=user,
        state=JobState.COMPLETED,
        over_at=now - timedelta(days=days),
    )


@pytest.fixture(autouse=True)
async def projector(desk: Desk) -> AsyncIterator[None]:
    asked.clear()
    desk.reader.cluster_views = [cluster_view(), replace(cluster_view(), name=BETA)]
    desk.reader.old_views = [an_old_job(desk, "1", days=200), an_old_job(desk, "2", days=40)]
    desk.reader.old_views += [an_old_job(desk, "3", days=50, user="ben")]

    async def serve(request: Message) -> BusReply:
        verb = request.subject.rpartition(".")[2]
        told: BaseModel
        match verb:
            case "board_clear":
                asked.append(ClearRequest.model_validate_json(request.body))
                wanted_part = ClearRequest.model_validate_json(request.body)
                name = "7" if wanted_part.over_until is None else "8"
                told = ClearPart(
                    jobs=(NamedJob(cluster="alpha", job_id=name),),
                    over_until=desk.clock.now() if name == "7" else None,
                )
            case "board_mark":
                wanted = MarkRequest.model_validate_json(request.body)
                asked.append(wanted)
                told = MarkReport(marked=wanted.jobs, refused={})
            case _:
                cleanup = CleanupRequest.model_validate_json(request.body)
                asked.append(cleanup)
                told = CleanupReport(removed=cleanup.at_most)
        reply = Reply(result=told)
        return BusReply(body=reply.model_dump_json(serialize_as_any=True).encode())

    async with desk.bus.serve("fleet.v1.admin.projector.*", serve):
        yield


async def bearer(desk: Desk, **grant: object) -> dict[str, str]:
    wanted = Grant.model_validate({"name": "bot", "role": "operator", **grant})
    made = await TokenStore(desk.bus, desk.clock).create(
        wanted, lifetime=timedelta(days=1), by="test"
    )
    await desk.client.get("/v1/tokens")
    return {"Authorization": f"Bearer {made.token}"}


async def ended_records(desk: Desk) -> list[AuditRecord]:
    stored = await desk.bus.list_stored(AUDIT.name, limit=100)
    records = [AuditRecord.model_validate_json(one.message.body) for one in stored]
    return [one for one in records if one.action.startswith(("board", "history"))]


async def test_clearing_asks_the_projector_and_stands_in_the_audit(desk: Desk):
    body = {"groups": ["failed", "cancelled"], "clusters": ["alpha"], "reason": "seen"}
    answer = await desk.client.post("/v1/board:clear", json=body)

    jobs = [{"cluster": "alpha", "job_id": one} for one in ("7", "8")]
    assert answer.json() == {"cleared": 2, "jobs": jobs, "complete": True}
    first, _second = asked
    assert isinstance(first, ClearRequest)
    assert (first.clusters, first.seen_until) == ((ALPHA,), desk.clock.now())
    _tried, done = await ended_records(desk)
    assert (done.action, done.cluster, done.details) == ("board.clear", "alpha", {"cleared": 2})


async def test_a_narrowed_token_clears_only_what_is_its_own(desk: Desk):
    carried = await bearer(desk, clusters=["beta"], users=["ada"])
    mine = await desk.client.post("/v1/board:clear", json={"groups": ["failed"]}, headers=carried)
    body = {"groups": ["failed"], "clusters": ["alpha"]}
    other = await desk.client.post("/v1/board:clear", json=body, headers=carried)
    body = {"groups": ["failed"], "users": ["ben"]}
    bens = await desk.client.post("/v1/board:clear", json=body, headers=carried)

    assert mine.status_code == 200
    assert [one.json()["code"] for one in (other, bens)] == ["forbidden", "forbidden"]
    request = asked[0]
    assert isinstance(request, ClearRequest)
    assert (request.clusters, request.users) == ((BETA,), ("ada",))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"groups": []},
        {"groups": ["everything"]},
        {"groups": ["failed"], "clusters": ["a;b"]},
        {"groups": ["failed"], "clusters": ["gamma"]},
        {"groups": ["failed"], "reason": "x" * 2_001},
        {"groups": ["failed"], "force": True},
    ],
)
async def test_what_clears_nothing_is_refused(desk: Desk, body: dict[str, object]):
    answer = await desk.client.post("/v1/board:clear", json=body)

    assert answer.status_code in {400, 404}
    assert asked == []


async def test_marks_go_to_jobs_that_the_caller_may_see(desk: Desk):
    desk.reader.job_views = [job_view(), replace(job_view(), job_id=JobId("9"), user="ben")]
    carried = await bearer(desk, users=[job_view().user])
    jobs = [{"cluster": "alpha", "job_id": one} for one in (job_view().job_id, "9", "88")]
    body = {"mark": "pinned", "jobs": jobs, "reason": "keep"}
    answer = await desk.client.post("/v1/board:mark", json=body, headers=carried)

    told = answer.json()
    assert told["marked"] == [{"cluster": "alpha", "job_id": job_view().job_id}]
    assert set(told["refused"]) == {"alpha 9", "alpha 88"}
    (request,) = asked
    assert isinstance(request, MarkRequest)
    assert (request.mark, request.by, request.reason) == (Mark.PINNED, "bot", "keep")
    _tried, done = await ended_records(desk)
    assert (done.action, done.outcome) == ("board.pin", "failed")


async def test_the_board_is_listed_with_its_marks(desk: Desk):
    view = BoardView(
        job=job_view(), mark=Mark.PINNED, pinned_by="ada\x1b[31m", pinned_at=None, reason=""
    )
    desk.reader.board_views = [view]

    told = (await desk.client.get("/v1/board", params={"days": "3", "group": "failed"})).json()

    (item,) = told["items"]
    assert (item["mark"], item["pinned_by"], item["job"]["job_id"]) == (
        *("pinned", "ada", job_view().job_id),
    )
    assert "age_s" in told


async def test_a_cleanup_is_planned_then_done_as_planned(desk: Desk):
    plan = (await desk.client.get("/v1/history/cleanup", params={"days": "45"})).json()
    body = {"before": plan["before"], "confirm": plan["confirm"], "reason": "disk"}
    done = await desk.client.post("/v1/history/cleanup", json=body)

    assert [one["job_id"] for one in plan["items"]] == ["1", "3"]
    assert (plan["jobs"], plan["by_cluster"]) == (2, {"alpha": 2})
    assert done.json() == {"removed": 2, "left": 0}
    (request,) = asked
    assert isinstance(request, CleanupRequest)
    assert request.at_most == 2
    _tried, ended = await ended_records(desk)
    assert (ended.action, ended.details) == ("history.cleanup", {"removed": 2})


async def test_a_cleanup_of_something_else_than_was_planned_is_refused(desk: Desk):
    plan = (await desk.client.get("/v1/history/cleanup", params={"days": "45"})).json()
    body = {"before": plan["before"], "confirm": plan["confirm"]}
    desk.reader.old_views.append(an_old_job(desk, "4", days=60))
    more = await desk.client.post("/v1/history/cleanup", json=body)
    other = await desk.client.post("/v1/history/cleanup", json={**body, "users": ["ada"]})
    carried = await bearer(desk)
    somebody = await desk.client.post("/v1/history/cleanup", json=body, headers=carried)

    answers = (more, other, somebody)
    assert [one.json()["code"] for one in answers] == ["confirmation_needed"] * 3
    assert asked == []


@pytest.mark.parametrize("days", ["30.9", "7", "0", "-1", "nan", "1e9"])
async def test_what_the_stream_still_tells_is_not_removed(desk: Desk, days: str):
    plan = await desk.client.get("/v1/history/cleanup", params={"days": days})
    before = datetime.now(tz=UTC) + timedelta(days=1)
    body = {"before": before.isoformat(), "confirm": "x"}
    done = await desk.client.post("/v1/history/cleanup", json=body)

    assert [one.json()["code"] for one in (plan, done)] == ["invalid_parameter"] * 2
    assert asked == []


async def test_without_the_bus_nothing_is_said_to_be_done(desk: Desk):
    plan = (await desk.client.get("/v1/history/cleanup", params={"days": "45"})).json()
    with desk.bus.outage():
        body = {"before": plan["before"], "confirm": plan["confirm"]}
        answers = [
            await desk.client.post("/v1/history/cleanup", json=body),
            await desk.client.post("/v1/board:clear", json={"groups": ["failed"]}),
        ]

    assert [one.json()["code"] for one in answers] == ["bus_unavailable"] * 2
