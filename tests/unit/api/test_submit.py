"""Submitting through REST: what a collector is asked, what is refused before, what is audited."""

from collections.abc import AsyncIterator

import pytest

from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.audit import AuditRecord
from slurmfleet.contracts.commands import ProblemBody, Reply
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.streams import AUDIT
from slurmfleet.contracts.submission import SubmitReport, SubmitRequest
from slurmfleet.registry.clusters import ClusterRegistry
from tests.unit.api.conftest import Desk

PATH = "/v1/jobs:submit"
BODY = {"cluster": "alpha", "script": "#!/bin/sh\ntrue\n"}
asked: list[SubmitRequest] = []
problem: list[ProblemCode] = []


async def collector(request: Message) -> BusReply:
    told = SubmitRequest.model_validate_json(request.body)
    was_known = told.token in {one.token for one in asked}
    asked.append(told)
    if problem:
        body = ProblemBody(code=problem.pop(), detail="no answer", remedy="Wait a minute.")
        return BusReply(body=Reply[SubmitReport](problem=body).model_dump_json().encode())
    report = SubmitReport(job_id="7", token=told.token, was_known=was_known)
    return BusReply(body=Reply(result=report).model_dump_json().encode())


@pytest.fixture(autouse=True)
async def cluster(desk: Desk) -> AsyncIterator[None]:
    asked.clear()
    problem.clear()
    await ClusterRegistry(desk.bus).add_cluster(ClusterConfig(name=cluster_name("alpha"), host="a"))
    async with desk.bus.serve("fleet.v1.cmd.alpha.*", collector):
        yield


async def test_a_submission_without_a_token_is_given_one(desk: Desk):
    first, second = [await desk.client.post(PATH, json=BODY) for _ in range(2)]

    assert [one.status_code for one in (first, second)] == [201, 201]
    assert first.json()["token"] != second.json()["token"]


async def test_a_token_that_is_sent_again_is_no_new_job(desk: Desk):
    body = {**BODY, "token": "a-token-of-mine", "options": {"hold": True}, "reason": "to see"}
    first, second = [await desk.client.post(PATH, json=body) for _ in range(2)]

    assert [one.status_code for one in (first, second)] == [201, 200]
    assert second.json() == {
        "job_id": "7",
        "token": "a-token-of-mine",
        "was_known": True,
        "warnings": "",
    }


async def test_neither_script_nor_environment_stand_in_the_audit(desk: Desk):
    options = {"export": "ALL,KEY=s3cret", "time": "1"}
    script = "#!/bin/sh\nexport KEY=s3cret\n"
    await desk.client.post(PATH, json={**BODY, "script": script, "options": options})

    stored = await desk.bus.list_stored(AUDIT.name, limit=10)
    assert not any(b"s3cret" in one.message.body for one in stored)
    assert asked[0].options == options


async def test_it_stands_in_the_audit_with_its_token_and_its_job(desk: Desk):
    await desk.client.post(PATH, json={**BODY, "reason": "to see"})

    stored = await desk.bus.list_stored(AUDIT.name, limit=10)
    tried, done = [AuditRecord.model_validate_json(one.message.body) for one in stored]
    assert (tried.action, tried.reason, tried.details["token"]) == (
        *("job.submit", "to see", asked[0].token),
    )
    assert done.details == {"job_id": "7", "was_known": False}


@pytest.mark.parametrize("code", [ProblemCode.CLUSTER_UNREACHABLE, ProblemCode.CLUSTER_BUSY])
async def test_where_nobody_knows_the_token_is_told(desk: Desk, code: ProblemCode):
    problem.append(code)

    answer = await desk.client.post(PATH, json=BODY)

    assert answer.json()["code"] == code
    assert asked[0].token in answer.json()["remedy"]
    assert "same token" in answer.json()["remedy"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"script": "true\n"}, "must begin with #!"),
        ({"script": "#!/bin/sh\n\x00"}, "no NUL"),
        ({"script": ""}, "at least 3"),
        ({"options": {"wrap": "id"}}, "'wrap' is no option"),
        ({"options": {"parsable": True}}, "'parsable' is no option"),
        ({"options": {"time": "1\n2"}}, "time has a value"),
        ({"options": {"hold": False}}, "hold has a value"),
        ({"work_dir": "relative"}, "work_dir"),
        ({"work_dir": "/a\nb"}, "work_dir"),
        ({"token": "short"}, "token"),
        ({"token": "../../etc/passwd"}, "token"),
        ({"token": "$(id)$(id)"}, "token"),
    ],
)
async def test_what_is_no_submission_reaches_no_cluster(
    desk: Desk, change: dict[str, object], said: str
):
    answer = await desk.client.post(PATH, json={**BODY, **change})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert said in answer.json()["detail"]
    assert asked == []


async def test_a_cluster_that_nobody_has_is_told(desk: Desk):
    answer = await desk.client.post(PATH, json={**BODY, "cluster": "beta"})

    assert answer.json()["code"] == "unknown_cluster"
