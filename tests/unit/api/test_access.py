"""Who may do what through REST: roles, scopes, limits; and every change stands in the audit."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from services.api.app import create_rest
from services.api.permits import PERMITS
from services.api.streams import event_stream
from slurmfleet.access.principal import acting_as
from slurmfleet.access.tokens import TokenStore, token_hash
from slurmfleet.contracts.access import Grant, TokenRecord
from slurmfleet.contracts.audit import AuditRecord
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.streams import ACCESS, AUDIT
from slurmfleet.store.read.events import EVERY_EVENT
from slurmfleet.testing.views import cluster_view, event_view, job_view
from tests.unit.api.conftest import Desk

BETA = ClusterName("beta")
DAY = timedelta(days=1)


async def bearer(desk: Desk, **grant: JsonValue) -> Mapping[str, str]:
    """Make a token and give the header that carries it."""
    wanted = Grant.model_validate({"name": "bot", **grant})
    made = await TokenStore(desk.bus, desk.clock).create(wanted, lifetime=DAY, by="test")
    await seen(desk)
    return {"Authorization": f"Bearer {made.token}"}


async def seen(desk: Desk) -> None:
    """Wait until what was written last is known to the book."""
    await desk.client.get("/v1/tokens")


async def audited(desk: Desk) -> list[AuditRecord]:
    stored = await desk.bus.list_stored(AUDIT.name, limit=100)
    return [AuditRecord.model_validate_json(one.message.body) for one in stored]


async def test_every_route_has_a_line_among_the_permits(desk: Desk):
    paths = create_rest(desk.gateway).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, one in paths.items() for method in one}

    assert set(PERMITS) - {"GET /docs"} == routes


async def test_what_changes_something_is_audited_and_what_reads_is_not():
    for route, permit in PERMITS.items():
        rooms = ("jobs", "scripts", "mounts", "board", "history")
        told_by_itself = route.startswith(tuple(f"POST /v1/{room}" for room in rooms))
        told_by_itself = told_by_itself or route.endswith("/refresh")
        changes = not route.startswith("GET ") and not told_by_itself
        assert bool(permit.action) == changes, route


@pytest.mark.parametrize(
    ("role", "may"),
    [("viewer", {"read"}), ("operator", {"read", "act"}), ("admin", {"read", "act", "change"})],
)
async def test_a_role_may_do_what_it_is_for(desk: Desk, role: str, may: set[str]):
    carried = await bearer(desk, role=role)

    answers = {
        "read": await desk.client.get("/v1/jobs", headers=carried),
        "act": await desk.client.post("/v1/clusters/alpha/test", headers=carried),
        "change": await desk.client.post("/v1/team", json={"login": "ada"}, headers=carried),
    }

    refused = {name for name, one in answers.items() if one.status_code == 403}
    assert refused == {"read", "act", "change"} - may
    assert all(answers[name].json()["code"] == "forbidden" for name in refused)


async def test_a_token_without_a_toolset_may_not_use_it(desk: Desk):
    carried = await bearer(desk, role="operator", toolsets=["operate"])

    answer = await desk.client.get("/v1/jobs", headers=carried)

    assert answer.status_code == 403
    assert "for operate" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/tokens", "/v1/audit", "/v1/config", "/v1/events/dead"])
async def test_an_operator_reads_no_secrets_of_the_group(desk: Desk, path: str):
    carried = await bearer(desk, role="operator")

    assert (await desk.client.get(path, headers=carried)).status_code == 403


async def test_a_token_of_one_cluster_sees_no_other(desk: Desk):
    desk.reader.cluster_views = [cluster_view(), cluster_view(name=BETA)]
    desk.reader.job_views = [job_view(), job_view(job_id="8", cluster=BETA)]
    desk.reader.event_views = [event_view(1), event_view(2, cluster=BETA)]
    carried = await bearer(desk, clusters=["beta"])

    async def get(path: str) -> dict[str, Any]:
        accept = {**carried, "Accept": "application/json"}
        return (await desk.client.get(path, headers=accept)).json()

    assert [one["name"] for one in (await get("/v1/clusters"))["items"]] == ["beta"]
    assert [one["job_id"] for one in (await get("/v1/jobs"))["items"]] == ["8"]
    assert list((await get("/v1/jobs"))["clusters"]) == ["beta"]
    assert [one["event_seq"] for one in (await get("/v1/events?after=0"))["items"]] == [2]
    for path in (
        *("/v1/jobs?cluster=alpha", "/v1/jobs?cluster=alpha,beta", "/v1/clusters/alpha"),
        *("/v1/jobs/alpha/7", "/v1/jobs/alpha/7/timeline", "/v1/jobs/alpha/7/log"),
        *(
            "/v1/clusters/never-heard-of",
            "/v1/events?cluster=alpha",
            "/v1/clusters/alpha/host-keys",
        ),
        "/v1/usage/history?cluster=alpha",
    ):
        assert (await get(path))["code"] == "forbidden", path


async def test_a_token_for_one_users_jobs_sees_nobody_elses(desk: Desk):
    desk.reader.job_views = [job_view(job_id="7", user="ada"), job_view(job_id="8", user="bob")]
    desk.reader.event_views = [event_view(1, user="ada"), event_view(2, user="bob")]
    carried = await bearer(desk, users=["ada"])

    async def get(path: str) -> dict[str, Any]:
        accept = {**carried, "Accept": "application/json"}
        return (await desk.client.get(path, headers=accept)).json()

    assert [one["job_id"] for one in (await get("/v1/jobs"))["items"]] == ["7"]
    assert (await get("/v1/jobs/alpha/7"))["user"] == "ada"
    hidden, absent = await get("/v1/jobs/alpha/8"), await get("/v1/jobs/alpha/9999")
    assert (hidden["code"], hidden["code"]) == ("job_not_found", absent["code"])
    assert (await get("/v1/jobs/alpha/8/timeline"))["code"] == "job_not_found"
    assert (await get("/v1/jobs/alpha/8/log"))["code"] == "job_not_found"
    assert (await get("/v1/jobs?user=bob"))["code"] == "forbidden"


async def test_a_cursor_of_somebody_else_opens_nothing(desk: Desk):
    desk.reader.job_views = [job_view(job_id=str(one), user="bob") for one in range(10, 15)]
    page = (await desk.client.get("/v1/jobs?limit=2")).json()
    carried = await bearer(desk, users=["ada"])

    answer = await desk.client.get(f"/v1/jobs?cursor={page['next_cursor']}", headers=carried)

    assert answer.json()["items"] == []


async def test_a_token_is_shown_once_and_kept_as_a_hash(desk: Desk):
    made = await desk.client.post("/v1/tokens", json={"name": "bot", "role": "operator"})
    token = made.json()["token"]
    listed = (await desk.client.get("/v1/tokens")).json()["items"]
    (entry,) = await desk.bus.kv_entries(ACCESS.name, "token.")

    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert [one["token_id"] for one in listed] == [made.json()["token_id"]]
    assert token.encode() not in entry.value
    assert token.rpartition("_")[2] not in str(listed)
    assert TokenRecord.model_validate_json(entry.value).secret_sha256 == token_hash(token)
    assert token not in str([one.model_dump() for one in await audited(desk)])


async def test_a_revoked_and_an_expired_token_let_nobody_in(desk: Desk):
    first, second = await bearer(desk), await bearer(desk, name="other")
    (newest, _) = (await desk.client.get("/v1/tokens")).json()["items"]
    before = await desk.client.get("/v1/jobs", headers=second)

    revoked = await desk.client.delete(f"/v1/tokens/{newest['token_id']}")
    again = await desk.client.delete(f"/v1/tokens/{newest['token_id']}")
    answers = [await desk.client.get("/v1/jobs", headers=one) for one in (first, second)]
    desk.clock.advance(86_401)
    late = [await desk.client.get("/v1/jobs", headers=one) for one in (first, second)]

    assert before.status_code == 200
    assert (revoked.status_code, revoked.json()) == (200, again.json())
    assert [one.status_code for one in answers].count(401) == 1
    assert [one.status_code for one in late] == [401, 401]
    assert any("revoked" in one.json()["detail"] for one in late)
    assert any("expired" in one.json()["detail"] for one in late)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer sf_abcdefghjk_" + "A" * 43,
        "Bearer sf_",
        "Bearer ",
        "Bearer x\ty",
        "Basic YWRtaW46YWRtaW4=",
        "sf_abcdefghjk_" + "A" * 43,
        "Bearer " + "x" * 5_000,
    ],
)
async def test_a_token_that_is_none_is_refused_even_where_none_is_needed(desk: Desk, header: str):
    answer = await desk.client.get("/v1/jobs", headers={"Authorization": header})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_token_of_one_id_with_the_secret_of_another_is_none(desk: Desk):
    first, second = [(await bearer(desk))["Authorization"].split("_") for _ in range(2)]
    mixed = "_".join([first[0], first[1], "_".join(second[2:])])

    answer = await desk.client.get("/v1/jobs", headers={"Authorization": mixed})

    assert answer.status_code == 401


async def test_more_requests_than_a_token_may_send_are_refused_for_a_while(desk: Desk):
    carried = await bearer(desk, requests_per_minute=8)

    answers = [await desk.client.get("/v1/jobs", headers=carried) for _ in range(4)]
    desk.clock.advance(8)
    later = await desk.client.get("/v1/jobs", headers=carried)
    other = await desk.client.get("/v1/jobs", headers=await bearer(desk))

    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    assert answers[2].json()["code"] == "rate_limited"
    assert answers[2].headers["retry-after"] == "8"
    assert (later.status_code, other.status_code) == (200, 200)


async def test_more_changes_than_a_token_may_make_in_a_day_are_refused(desk: Desk):
    carried = await bearer(desk, role="admin", actions_per_day=2)

    async def add(name: str) -> httpx.Response:
        return await desk.client.post("/v1/team", json={"login": name}, headers=carried)

    today = [await add(name) for name in ("ada", "bob", "eve")]
    read = await desk.client.get("/v1/jobs", headers=carried)
    left_s = int(today[2].headers["retry-after"])
    desk.clock.advance(left_s - 1)
    too_early = await add("eve")
    desk.clock.advance(1)
    tomorrow = await add("eve")

    assert [one.status_code for one in today] == [201, 201, 429]
    assert (read.status_code, too_early.status_code, tomorrow.status_code) == (200, 429, 201)


async def test_a_change_stands_in_the_audit_before_and_after(desk: Desk):
    carried = await bearer(desk, name="agent-7", role="admin")
    headers = {**carried, "Slurmfleet-Reason": "new \x1b[31mcolleague"}

    await desk.client.post("/v1/team", json={"login": "ada"}, headers=headers)

    tried, done = (await audited(desk))[-2:]
    assert (tried.phase, tried.outcome, done.phase, done.outcome) == (
        *("tried", "allowed", "done", "ok"),
    )
    assert (tried.actor, tried.actor_kind, tried.via) == ("agent-7", "agent", "rest")
    assert (tried.action, tried.details["body"]) == ("team.add", {"login": "ada"})
    assert tried.token_id == carried["Authorization"].split("_")[1]
    assert "\x1b" not in tried.reason
    assert "colleague" in tried.reason
    assert tried.action_id == done.action_id


async def test_a_change_that_failed_and_one_that_was_refused_stand_there_too(desk: Desk):
    viewer = await bearer(desk)

    await desk.client.delete("/v1/team/nobody")
    await desk.client.post("/v1/team", json={"login": "ada"}, headers=viewer)

    *_, failed, refused = await audited(desk)
    assert (failed.outcome, failed.details["code"], failed.target) == (
        *("failed", "not_found", "nobody"),
    )
    assert (refused.phase, refused.outcome, refused.actor) == ("tried", "refused", "bot")
    assert (await desk.client.get("/v1/team")).json()["items"] == []


@pytest.mark.parametrize(
    "narrowed", [{"clusters": ["beta"]}, {"users": ["ada"]}, {"toolsets": ["admin", "observe"]}]
)
async def test_a_narrowed_admin_gives_itself_nothing_wider(desk: Desk, narrowed: dict[str, Any]):
    carried = await bearer(desk, role="admin", **narrowed)
    asked = [
        await desk.client.post("/v1/tokens", json={"name": "x", "role": "admin"}, headers=carried),
        await desk.client.post("/v1/config", json={"documents": {}}, headers=carried),
        await desk.client.post("/v1/clusters", json={"name": "new", "host": "a"}, headers=carried),
        await desk.client.get("/v1/audit", headers=carried),
        await desk.client.get("/v1/config", headers=carried),
    ]

    assert [(one.status_code, one.json()["code"]) for one in asked] == [(403, "forbidden")] * 5


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("jobs/alpha/7/cancel", "job.cancel"),
        ("jobs:cancel", "job.cancel"),
        ("jobs:submit", "job.submit"),
        ("scripts:run", "script.run"),
        ("mounts/alpha", "cluster.mount"),
        ("board:clear", "board.clear"),
        ("board:mark", "board.mark"),
        ("history/cleanup", "history.cleanup"),
    ],
)
async def test_who_may_not_act_is_refused_and_audited(desk: Desk, path: str, action: str):
    carried = await bearer(desk)

    answer = await desk.client.post(f"/v1/{path}", json={}, headers=carried)

    (record,) = [one for one in await audited(desk) if one.actor == "bot"]
    assert (answer.status_code, record.outcome, record.action) == (403, "refused", action)


async def test_without_the_bus_nothing_is_changed_unaudited(desk: Desk):
    await desk.client.get("/v1/jobs")
    with desk.bus.outage():
        answer = await desk.client.post("/v1/team", json={"login": "ada"})

    assert answer.json()["code"] == "bus_unavailable"
    assert (await desk.client.get("/v1/team")).json()["items"] == []


async def test_a_stream_ends_when_its_token_does(desk: Desk):
    carried = await bearer(desk)
    who = desk.gateway.door.enter(carried["Authorization"])
    with acting_as(who):
        stream = event_stream(desk.gateway, EVERY_EVENT, after=None)
        begun = [await anext(stream) for _ in range(2)]

        await desk.client.delete(f"/v1/tokens/{who.token_id}")
        await seen(desk)
        desk.gateway.feed.ring()
        rest = [piece async for piece in stream]

    assert len(begun) == 2
    assert rest == [b": unauthenticated\n\n"]


async def test_whoever_asks_learns_what_they_may_do(desk: Desk):
    carried = await bearer(desk, name="ada-bot", role="operator", clusters=["alpha"])

    told = (await desk.client.get("/v1/whoami", headers=carried)).json()
    local = (await desk.client.get("/v1/whoami")).json()

    assert (told["name"], told["role"], told["clusters"]) == ("ada-bot", "operator", ["alpha"])
    assert "admin" not in told["toolsets"]
    assert (local["name"], local["role"], local["token_id"]) == ("local", "admin", "")
