"""Mounts through REST: what collectors are asked, who may, what the audit says."""

from collections.abc import AsyncIterator

import pytest

from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.audit import AuditRecord
from slurmfleet.contracts.commands import Reply, Verb
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.mounts import Mount, MountReport, MountRequest, MountState
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.streams import AUDIT
from slurmfleet.contracts.subjects import command_subject
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.testing.builders import NOON
from tests.unit.api.conftest import Desk
from tests.unit.api.test_access import bearer

ALPHA = cluster_name("alpha")
asked: list[MountRequest] = []


def report() -> MountReport:
    good = Mount(path="/lustre/a", mount_point="/m/lustre-a", state=MountState.MOUNTED)
    bad = Mount(
        path="/lustre/\x1b[31mb",
        mount_point="/m/lustre-b",
        state=MountState.NOT_MOUNTED,
        detail="No such file or directory",
    )
    return MountReport(
        cluster=ALPHA, machine="deck", is_possible=True, mounts=(good, bad), observed_at=NOON
    )


async def show(_request: Message) -> BusReply:
    return BusReply(body=Reply(result=report()).model_dump_json().encode())


async def act(request: Message) -> BusReply:
    asked.append(MountRequest.model_validate_json(request.body))
    return await show(request)


@pytest.fixture(autouse=True)
async def collectors(desk: Desk) -> AsyncIterator[None]:
    """Serve one cluster; nobody looks after the other."""
    asked.clear()
    for name in ("alpha", "beta"):
        config = ClusterConfig(name=cluster_name(name), host=name)
        await ClusterRegistry(desk.bus).add_cluster(config)
    async with (
        desk.bus.serve(command_subject(ALPHA, Verb.SHOW_MOUNTS), show),
        desk.bus.serve(command_subject(ALPHA, Verb.MOUNT), act),
    ):
        yield


async def test_each_cluster_tells_its_mounts_or_why_they_are_not_known(desk: Desk):
    alpha, beta = (await desk.client.get("/v1/mounts")).json()["items"]

    assert [(one["path"], one["state"]) for one in alpha["report"]["mounts"]] == [
        ("/lustre/a", "mounted"),
        ("/lustre/b", "not_mounted"),
    ]
    assert (alpha["problem"], beta["report"]) == (None, None)
    assert beta["problem"]["code"] == "collector_unreachable"


async def test_one_cluster_is_asked_for_by_name(desk: Desk):
    one = await desk.client.get("/v1/mounts", params={"cluster": "alpha"})
    unknown = await desk.client.get("/v1/mounts", params={"cluster": "gamma"})

    assert [item["cluster"] for item in one.json()["items"]] == ["alpha"]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_cluster")


async def test_a_token_for_one_cluster_sees_and_mounts_that_one(desk: Desk):
    carried = await bearer(desk, role="operator", clusters=["alpha"])

    seen = await desk.client.get("/v1/mounts", headers=carried)
    mounted = await desk.client.post("/v1/mounts/alpha", json={"act": "mount"}, headers=carried)
    refused = [
        await desk.client.get("/v1/mounts", params={"cluster": "beta"}, headers=carried),
        await desk.client.post("/v1/mounts/beta", json={"act": "mount"}, headers=carried),
    ]

    assert [item["cluster"] for item in seen.json()["items"]] == ["alpha"]
    assert mounted.status_code == 200
    assert [one.status_code for one in refused] == [403, 403]


async def test_an_act_reaches_the_collector_and_the_audit_says_what_came_of_it(desk: Desk):
    carried = await bearer(desk, role="operator", users=["ada"])
    body = {"act": "remount", "reason": "it hangs"}

    answer = await desk.client.post("/v1/mounts/alpha", json=body, headers=carried)

    stored = await desk.bus.list_stored(AUDIT.name, limit=20)
    records = [AuditRecord.model_validate_json(one.message.body) for one in stored]
    done = [one for one in records if one.action == "cluster.remount"][-1]
    assert (answer.status_code, asked[0].act, asked[0].only_as) == (200, "remount", ("ada",))
    assert (done.cluster, done.reason, done.outcome) == ("alpha", "it hangs", "ok")
    assert done.details == {
        "/m/lustre-a": "mounted",
        "/m/lustre-b": "No such file or directory",
    }


@pytest.mark.parametrize("body", [{}, {"act": "destroy"}, {"act": "mount", "path": "/etc"}])
async def test_what_is_no_act_reaches_no_cluster(desk: Desk, body: dict[str, object]):
    answer = await desk.client.post("/v1/mounts/alpha", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert asked == []
