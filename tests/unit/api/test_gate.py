"""Who comes in: this machine's programs, not other sites' pages, and only with the token."""

import pytest

from slurmfleet.access.binding import UnsafeBindingError, require_token_beyond_loopback
from tests.unit.api.conftest import Desk


@pytest.mark.parametrize("host", ["127.0.0.1:7272", "localhost:9", "[::1]:7272", "127.0.0.53"])
async def test_loopback_names_are_served(desk: Desk, host: str):
    answer = await desk.client.get("/v1/clusters", headers={"Host": host})

    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7272", "127.0.0.1.evil", "", "["])
@pytest.mark.parametrize("path", ["/v1/clusters", "/readyz", "/metrics"])
async def test_a_name_that_was_made_to_point_here_is_not(desk: Desk, host: str, path: str):
    answer = await desk.client.get(path, headers={"Host": host})

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_allowed_name_is_served_besides(desk: Desk):
    async with desk.client_of(allowed_hosts=("deck.example",)) as client:
        named = await client.get("/v1/clusters", headers={"Host": "deck.example:7272"})
        local = await client.get("/v1/clusters")

    assert (named.status_code, local.status_code) == (200, 200)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8000"])
async def test_another_sites_page_may_not_ask(desk: Desk, origin: str):
    answer = await desk.client.get("/v1/clusters", headers={"Origin": origin})
    before = await desk.client.options("/v1/clusters", headers={"Origin": origin})

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert before.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_a_page_of_this_server_may(desk: Desk):
    answer = await desk.client.get("/v1/clusters", headers={"Origin": "http://127.0.0.1:7272"})

    assert answer.status_code == 200


async def test_with_a_token_set_nothing_but_health_goes_without(desk: Desk):
    async with desk.client_of(token="s3cret") as client:  # noqa: S106 the case
        without = await client.get("/v1/clusters")
        wrong = await client.get("/v1/clusters", headers={"Authorization": "Bearer s3cre"})
        right = await client.get("/v1/clusters", headers={"Authorization": "bearer s3cret"})
        documents = [(await client.get(path)).status_code for path in ("/docs", "/openapi.json")]
        live = await client.get("/livez")

    assert (without.status_code, without.json()["code"]) == (401, "unauthenticated")
    assert without.headers["www-authenticate"] == 'Bearer realm="slurmfleet"'
    assert (wrong.status_code, right.status_code, live.status_code) == (401, 200, 200)
    assert documents == [401, 401]


async def test_beyond_loopback_any_name_is_served_to_who_has_the_token(desk: Desk):
    async with desk.client_of(host="0.0.0.0", token="s3cret") as client:  # noqa: S104, S106 the case
        answer = await client.get(
            "/v1/clusters", headers={"Host": "deck.lab", "Authorization": "Bearer s3cret"}
        )

    assert answer.status_code == 200


def test_beyond_loopback_a_token_is_needed():
    with pytest.raises(UnsafeBindingError, match="SLURMFLEET_API_TOKEN"):
        require_token_beyond_loopback("0.0.0.0", "", setting="SLURMFLEET_API_TOKEN")  # noqa: S104


async def test_health_paths_answer_as_in_every_service(desk: Desk):
    desk.gateway.health.expect("store")
    waiting = await desk.client.get("/readyz")
    desk.gateway.health.report("store", ok=True, detail="plain edition, schema 6")
    desk.gateway.health.report("bus", ok=False, detail="no connection", required=False)
    ready = await desk.client.get("/readyz")
    metrics = await desk.client.get("/metrics")

    assert (waiting.status_code, ready.status_code) == (503, 200)
    assert ready.json()["checks"] == {
        "bus": {"ok": False, "detail": "no connection", "required": False},
        "store": {"ok": True, "detail": "plain edition, schema 6", "required": True},
    }
    assert b"slurmfleet_request_duration_seconds" in metrics.content
