"""Scripts through REST: what a collector is asked, what is refused before, what is audited."""

from collections.abc import AsyncIterator

import pytest

from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.audit import AuditRecord
from slurmfleet.contracts.commands import Reply
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.scripts import ScriptReport, ScriptRequest
from slurmfleet.contracts.streams import AUDIT
from slurmfleet.registry.clusters import ClusterRegistry
from tests.unit.api.conftest import Desk

PATH = "/v1/scripts:run"
BODY = {"cluster": "alpha", "script": "print(1)"}
asked: list[ScriptRequest] = []


async def collector(request: Message) -> BusReply:
    asked.append(ScriptRequest.model_validate_json(request.body))
    report = ScriptReport(
        exit_status=3,
        timed_out=False,
        flooded=False,
        stdout="one\n\x1b[31mtwo\x1b[0m\n",
        stderr="\u202eodd",
        stdout_bytes=8,
        stderr_bytes=4,
        duration_s=0.25,
        machine="login1",
        login="alice",
    )
    return BusReply(body=Reply(result=report).model_dump_json().encode())


@pytest.fixture(autouse=True)
async def cluster(desk: Desk) -> AsyncIterator[None]:
    asked.clear()
    await ClusterRegistry(desk.bus).add_cluster(ClusterConfig(name=cluster_name("alpha"), host="a"))
    async with desk.bus.serve("fleet.v1.cmd.alpha.*", collector):
        yield


async def test_what_it_wrote_comes_back_cleaned_and_in_lines(desk: Desk):
    answer = await desk.client.post(PATH, json={**BODY, "arguments": ["a b"], "limit_s": 5})

    assert answer.status_code == 200
    told = answer.json()
    assert (told["stdout"], told["stderr"]) == ("one\ntwo\n", "odd")
    assert (told["exit_status"], told["machine"], told["login"]) == (3, "login1", "alice")
    assert (asked[0].script, asked[0].arguments, asked[0].limit_s) == ("print(1)", ("a b",), 5)


async def test_the_audit_knows_it_by_its_digest_alone(desk: Desk):
    body = {**BODY, "script": "s3cret", "arguments": ["s3cret"], "reason": "to see"}
    await desk.client.post(PATH, json=body)

    stored = await desk.bus.list_stored(AUDIT.name, limit=10)
    tried, done = [AuditRecord.model_validate_json(one.message.body) for one in stored]
    assert not any(b"s3cret" in one.message.body for one in stored)
    assert (tried.action, tried.cluster, tried.target, tried.reason) == (
        *("script.run", "alpha", "login", "to see"),
    )
    assert tried.details["sha256"] == (
        "1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0"
    )
    assert done.details == {
        "exit_status": 3,
        "timed_out": False,
        "machine": "login1",
        "login": "alice",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"script": ""}, "script"),
        ({"script": "a\x00b"}, "no NUL"),
        ({"script": "é" * 140_000}, "at most"),
        ({"interpreter": "perl"}, "interpreter"),
        ({"interpreter": "bash -c id"}, "interpreter"),
        ({"host": "evil.example.org"}, "host"),
        ({"limit_s": 0}, "limit_s"),
        ({"limit_s": 301}, "limit_s"),
        ({"arguments": ["a\x00b"]}, "arguments"),
        ({"arguments": ["a"] * 101}, "arguments"),
        ({"arguments": ["a" * 8_000] * 20}, "arguments"),
    ],
)
async def test_what_is_no_script_reaches_no_cluster(
    desk: Desk, change: dict[str, object], said: str
):
    answer = await desk.client.post(PATH, json={**BODY, **change})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert said in answer.json()["detail"]
    assert asked == []


async def test_a_cluster_that_nobody_has_is_told(desk: Desk):
    answer = await desk.client.post(PATH, json={**BODY, "cluster": "beta"})

    assert answer.json()["code"] == "unknown_cluster"
