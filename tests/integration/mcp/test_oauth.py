"""The MCP server as a resource server: tokens of a real issuer on this machine, and no others."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastmcp import Client
from fastmcp.exceptions import ToolError

from tests.harness.issuer import RESOURCE, LocalIssuer, serving
from tests.plugins.services import Fleet, Service, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
JSON = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    made = LocalIssuer()
    made.make_key("first", "ES256")
    async with serving(made):
        yield made


async def start(fleet: Fleet, issuer: LocalIssuer) -> Service:
    """Start the server, and wait until it knows the issuer's keys."""
    service = await fleet.start(
        "mcp",
        SLURMFLEET_MCP_OAUTH_ISSUER=issuer.url,
        SLURMFLEET_MCP_OAUTH_RESOURCE=RESOURCE,
    )
    await answered(service, issuer.token("first"), 200)
    return service


async def answered(service: Service, token: str, status: int) -> None:
    async def is_so() -> bool:
        return await ping(service, token) == status

    await eventually(is_so)


async def ping(service: Service, token: str) -> int:
    async with httpx.AsyncClient(headers=JSON) as http:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await http.post(f"{service.url}/mcp", json=INITIALIZE, headers=headers)
    return answer.status_code


async def test_who_has_no_token_is_told_where_to_get_one(fleet: Fleet, issuer: LocalIssuer):
    service = await start(fleet, issuer)

    async with httpx.AsyncClient(headers=JSON) as http:
        refused = await http.post(f"{service.url}/mcp", json=INITIALIZE)
        place = f"{service.url}/.well-known/oauth-protected-resource"
        told = [await http.get(one) for one in (place, f"{place}/mcp")]

    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == (
        'Bearer realm="slurmfleet", resource_metadata='
        '"https://deck.example.org/.well-known/oauth-protected-resource/mcp"'
    )
    for one in told:
        assert one.status_code == 200
        assert one.json() == {
            "resource": RESOURCE,
            "authorization_servers": [issuer.url],
            "scopes_supported": ["slurmfleet:viewer", "slurmfleet:operator", "slurmfleet:admin"],
            "bearer_methods_supported": ["header"],
            "resource_name": "slurmfleet",
        }


async def test_a_token_reaches_as_far_as_its_scope(fleet: Fleet, issuer: LocalIssuer):
    service = await start(fleet, issuer)
    viewer = issuer.token("first", scope="slurmfleet:viewer")
    nobody = issuer.token("first", scope="openid")

    async with Client(f"{service.url}/mcp", auth=viewer) as client:
        names = {tool.name for tool in await client.list_tools()}
        with pytest.raises(ToolError, match="forbidden"):
            await client.call_tool("cancel_job", {"cluster": "alpha", "job_id": "7"})
    async with Client(f"{service.url}/mcp", auth=issuer.token("first")) as client:
        more = {tool.name for tool in await client.list_tools()}
    async with httpx.AsyncClient(headers={**JSON, "Authorization": f"Bearer {nobody}"}) as http:
        refused = await http.post(f"{service.url}/mcp", json=INITIALIZE)

    assert "list_jobs" in names
    assert {"cancel_job", "submit_job"} <= more - names
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


async def test_tokens_for_others_do_not_come_in(fleet: Fleet, issuer: LocalIssuer):
    service = await start(fleet, issuer)
    other = LocalIssuer(url=issuer.url)
    other.make_key("first", "ES256")
    tokens = {
        "ours": issuer.token("first"),
        "of another server": issuer.token("first", aud="https://other.example.org/mcp"),
        "signed by another": other.token("first"),
        "expired": issuer.token("first", exp=1_700_000_000),
        "of the group, unknown": "sf_0123456789_" + "x" * 43,
    }

    told = {what: await ping(service, token) for what, token in tokens.items()}

    assert told == {**dict.fromkeys(tokens, 401), "ours": 200}


async def test_new_keys_of_the_issuer_are_taken_and_an_outage_keeps_the_old(
    fleet: Fleet, issuer: LocalIssuer
):
    service = await start(fleet, issuer)
    issuer.is_broken = True
    issuer.make_key("second", "RS256")
    meanwhile = [await ping(service, issuer.token(kid)) for kid in ("first", "second")]
    issuer.is_broken = False

    await answered(service, issuer.token("second"), 200)

    assert meanwhile == [200, 401]
    assert issuer.asked.count("/keys") < 10  # whatever the number of tokens with unknown keys


async def test_an_issuer_over_plain_http_is_refused_at_the_start(fleet: Fleet):
    service = await fleet.start(
        "mcp",
        ready=False,
        SLURMFLEET_MCP_OAUTH_ISSUER="http://issuer.example.org",
        SLURMFLEET_MCP_OAUTH_RESOURCE=RESOURCE,
    )

    assert await service.process.wait() == 1
    assert "over http anybody" in service.log.read_text()
