"""Clusters over REST: read from the store, changed in the registry, asked through the bus."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from services.api.bodies import ClusterPatch
from slurmfleet.bus.port import Reply
from slurmfleet.contracts.commands import Verb
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.subjects import command_subject
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.testing.views import cluster_view
from tests.unit.api.conftest import Desk

BETA = ClusterName("beta")
KEY = "SHA256:right"
SCAN = {
    "result": {
        "host": "login.beta",
        "port": 22,
        "keys": [
            {"line": "login.beta ssh-ed25519 AAAA", "fingerprint": KEY, "trusted": False},
            {"line": "login.beta ssh-rsa BBBB", "fingerprint": "SHA256:old", "trusted": True},
        ],
    }
}
Answer = Callable[[Verb, object], None]


@pytest.fixture
async def collector(desk: Desk) -> AsyncIterator[Answer]:
    """Serve beta's commands with answers that the test sets."""
    answers: dict[str, object] = {}

    async def handler(request: Message) -> Reply:
        return Reply(body=json.dumps(answers[request.subject]).encode())

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(desk.bus.serve("fleet.v1.cmd.beta.*", handler))
        await desk.client.post("/v1/clusters", json={"name": "beta", "host": "login.beta"})

        def answer(verb: Verb, body: object) -> None:
            answers[command_subject(BETA, verb)] = body

        yield answer


async def test_the_list_of_clusters_says_how_each_is(desk: Desk):
    shown = (await desk.client.get("/v1/clusters")).json()

    (alpha,) = shown["items"]
    assert (alpha["name"], alpha["link"], alpha["age_s"], alpha["stale"], alpha["source"]) == (
        "alpha",
        "ok",
        10.0,
        False,
        "poll",
    )
    assert alpha["live_jobs"] == {"RUNNING": 1, "PENDING": 1}
    assert (shown["age_s"], list(shown["clusters"])) == (10.0, ["alpha"])


async def test_a_cluster_is_added_changed_and_removed(desk: Desk):
    added = await desk.client.post("/v1/clusters", json={"name": "beta", "host": "login.beta"})
    revision = added.json()["registry_revision"]
    again = await desk.client.post("/v1/clusters", json={"name": "beta", "host": "other"})
    changed = await desk.client.patch(
        "/v1/clusters/beta", json={"track_users": ["ada"], "expected_revision": revision}
    )
    late = await desk.client.patch(
        "/v1/clusters/beta", json={"port": 2222, "expected_revision": revision}
    )
    config, _ = await ClusterRegistry(desk.bus).get_cluster(BETA)
    removed = await desk.client.delete("/v1/clusters/beta")
    gone = await desk.client.delete("/v1/clusters/beta")

    assert (added.status_code, added.json()["config"]["host"]) == (201, "login.beta")
    assert (again.status_code, again.json()["code"]) == (409, "cluster_exists")
    assert (changed.status_code, changed.json()["config"]["track_users"]) == (200, ["ada"])
    assert (late.status_code, late.json()["code"]) == (409, "revision_conflict")
    assert (config.port, config.track_users) == (22, ("ada",))
    assert (removed.status_code, removed.content) == (204, b"")
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_cluster")


def test_every_field_of_a_cluster_can_be_changed_but_its_name_and_its_keys():
    may_not = {"name", "host_keys"}

    assert set(ClusterPatch.model_fields) - {"expected_revision"} == (
        set(ClusterConfig.model_fields) - may_not
    )


async def test_an_answer_tells_whether_readers_see_the_change(desk: Desk):
    unseen = await desk.client.post("/v1/clusters", json={"name": "beta", "host": "b"})
    revision = unseen.json()["registry_revision"] + 1
    desk.reader.cluster_views.append(cluster_view(name=BETA, registry_revision=revision))
    seen = await desk.client.patch("/v1/clusters/beta", json={"host": "c"})

    assert (unseen.json()["visible"], seen.json()["visible"]) == (False, True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "beta"}, "'host' is missing"),
        ({"name": "beta", "host": "-oProxyCommand=x"}, "is not a host name"),
        ({"name": "beta", "host": "b", "hots": 1}, "There is no field 'hots'"),
        ({"name": "beta", "host": "b", "port": 99999}, "'port' is '99999'"),
    ],
)
async def test_a_configuration_that_is_wrong_is_refused_by_field(
    desk: Desk, body: dict[str, object], words: str
):
    answer = await desk.client.post("/v1/clusters", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert words in answer.json()["detail"]


async def test_a_connection_test_is_the_collectors_own_report(desk: Desk, collector: Answer):
    report = {"ok": True, "steps": [{"name": "login", "ok": True}], "login_user": "ada"}
    collector(Verb.TEST_CONNECTION, {"result": report})

    answer = await desk.client.post("/v1/clusters/beta/test")

    assert answer.status_code == 200
    assert (answer.json()["ok"], answer.json()["login_user"]) == (True, "ada")
    assert answer.json()["steps"] == [{"name": "login", "ok": True, "detail": "", "remedy": ""}]


async def test_a_collectors_problem_keeps_its_code(desk: Desk, collector: Answer):
    problem = {"code": "ssh_auth_denied", "detail": "The key was refused.", "remedy": "Load it."}
    collector(Verb.REFRESH, {"problem": problem})

    answer = await desk.client.post("/v1/clusters/beta/refresh")

    shown = answer.json()
    assert answer.status_code == 502
    assert {name: shown[name] for name in problem} == problem


async def test_without_a_collector_only_commands_fail(desk: Desk):
    await desk.client.post("/v1/clusters", json={"name": "beta", "host": "login.beta"})

    asked = await desk.client.post("/v1/clusters/beta/refresh")
    read = await desk.client.get("/v1/jobs")

    assert (asked.status_code, asked.json()["code"]) == (503, "collector_unreachable")
    assert asked.headers["retry-after"] == "5"
    assert read.status_code == 200


async def test_without_the_bus_reading_goes_on(desk: Desk):
    with desk.bus.outage():
        asked = await desk.client.post("/v1/clusters/alpha/test")
        added = await desk.client.post("/v1/clusters", json={"name": "beta", "host": "b"})
        read = await desk.client.get("/v1/jobs")

    assert (asked.status_code, asked.json()["code"]) == (503, "bus_unavailable")
    assert (added.status_code, added.json()["code"]) == (503, "bus_unavailable")
    assert read.status_code == 200


async def test_a_key_is_trusted_only_if_the_login_node_shows_it(desk: Desk, collector: Answer):
    collector(Verb.SCAN_HOST_KEYS, SCAN)
    registry = ClusterRegistry(desk.bus)

    shown = await desk.client.get("/v1/clusters/beta/host-keys")
    wrong = await desk.client.put(
        "/v1/clusters/beta/host-keys", json={"fingerprints": ["SHA256:forged"]}
    )
    before, _ = await registry.get_cluster(BETA)
    right = await desk.client.put("/v1/clusters/beta/host-keys", json={"fingerprints": [KEY]})
    after, _ = await registry.get_cluster(BETA)

    assert [key["fingerprint"] for key in shown.json()["keys"]] == [KEY, "SHA256:old"]
    assert (wrong.status_code, wrong.json()["code"]) == (409, "host_key_unknown")
    assert before.host_keys == ()
    assert right.status_code == 200
    assert after.host_keys == ("login.beta ssh-ed25519 AAAA", "login.beta ssh-rsa BBBB")


async def test_commands_go_to_configured_clusters_only(desk: Desk):
    answer = await desk.client.post("/v1/clusters/nowhere/test")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_cluster")
