"""Tokens open both doors as far as they go, and the audit proves what was done through them."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import psycopg
import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.exceptions import ToolError
from pydantic import JsonValue

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.store.pool import StorePool
from slurmfleet.store.roles import Role
from slurmfleet.store.write.clusters import upsert_cluster
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, a_job, a_poll
from tests.integration.mcp.test_mcp import with_a_job
from tests.plugins.services import Fleet, Service, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]


@dataclass(kw_only=True)
class Doors:
    """The two gateways over one bus and one store."""

    fleet: Fleet
    rest: httpx.AsyncClient
    mcp: Service

    async def token(self, **grant: JsonValue) -> str:
        made = await self.rest.post("/v1/tokens", json={"name": "bot", **grant})
        assert made.status_code == 201, made.text
        return made.json()["token"]

    def agent(self, token: str) -> Client[StreamableHttpTransport]:
        headers = {"Authorization": f"Bearer {token}"}
        return Client(StreamableHttpTransport(f"{self.mcp.url}/mcp", headers=headers))

    async def known(self, token: str) -> None:
        """Wait until both have heard of a token."""

        async def is_known() -> bool:
            carried = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(headers=carried) as client:
                seen = await client.post(f"{self.mcp.url}/mcp", json={})
                return seen.status_code not in {401, 503}

        await eventually(is_known)

    async def verified(self) -> tuple[int, str]:
        told = (await self.rest.get("/v1/audit/verify")).json()
        return told["checked"], told["problem"]


@pytest.fixture
async def doors(fleet: Fleet) -> AsyncIterator[Doors]:
    await fleet.start("projector")
    api, mcp = await asyncio.gather(fleet.start("api"), fleet.start("mcp"))
    async with httpx.AsyncClient(base_url=api.url) as rest:
        yield Doors(fleet=fleet, rest=rest, mcp=mcp)


async def test_an_agent_sees_and_does_what_its_token_is_for(doors: Doors):
    await with_a_job(doors.fleet)
    beta = ClusterName("beta")
    now = datetime.now(tz=UTC)
    async with StorePool(doors.fleet.database.settings(Role.WRITER)) as pool:
        config = ClusterConfig(name=beta, host="login.beta")
        await upsert_cluster(pool, config, revision=2, now=now)
        await apply_facts(pool, [a_poll(cluster=beta, started_at=now, finished_at=now)])
    narrow = await doors.token(clusters=["beta"])
    useless = await doors.token(role="operator", toolsets=["kernels"])
    await doors.known(useless)

    async with doors.agent(narrow) as agent:
        jobs = await agent.call_tool("list_jobs", {})
        clusters = await agent.call_tool("get_cluster_status", {})
        with pytest.raises(ToolError, match=r"forbidden: .* not for the cluster alpha"):
            await agent.call_tool("get_job", {"cluster": "alpha", "job_id": "7"})
    async with doors.agent(useless) as agent:
        tools = await agent.list_tools()
        with pytest.raises(ToolError, match="forbidden: This needs the toolset observe"):
            await agent.call_tool("list_jobs", {})

    assert jobs.structured_content is not None
    assert jobs.structured_content["items"] == []
    assert clusters.structured_content is not None
    assert [one["name"] for one in clusters.structured_content["items"]] == ["beta"]
    assert tools == []


async def test_two_callers_at_once_are_not_mistaken_for_each_other(doors: Doors):
    await with_a_job(doors.fleet)
    mine = await doors.token(users=["somebody-else"])
    all_of_it = await doors.token()
    await doors.known(all_of_it)

    async def count(token: str) -> int:
        async with doors.agent(token) as agent:
            answer = await agent.call_tool("list_jobs", {})
        assert answer.structured_content is not None
        return len(answer.structured_content["items"])

    seen = await asyncio.gather(*(count(one) for one in [mine, all_of_it] * 10))

    assert seen == [0, 1] * 10


async def test_a_revoked_token_is_shut_out_of_both_doors(doors: Doors):
    token = await doors.token()
    await doors.known(token)

    await doors.rest.delete(f"/v1/tokens/{token.split('_')[1]}")

    async def is_out() -> bool:
        carried = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=carried) as client:
            answers = [
                await client.post(f"{doors.mcp.url}/mcp", json={}),
                await client.get(f"{doors.rest.base_url}/v1/jobs"),
            ]
        return [one.status_code for one in answers] == [401, 401]

    await eventually(is_out)


async def test_an_agent_over_standard_input_has_the_rights_of_its_token(doors: Doors):
    await with_a_job(doors.fleet)
    token = await doors.token(users=["somebody-else"], toolsets=["observe"])
    told = {"SLURMFLEET_MCP_AGENT_TOKEN": token}
    transport = StdioTransport(
        command=sys.executable,
        args=["-m", "services.mcp", "--stdio"],
        env=doors.fleet.environment("mcp", **told),
        keep_alive=False,
        log_file=doors.fleet.folder / "stdio.log",
    )

    async with Client(transport) as agent:
        tools = {one.name for one in await agent.list_tools()}
        jobs = await agent.call_tool("list_jobs", {})
        with pytest.raises(ToolError, match="forbidden"):
            await agent.call_tool("cancel_job", {"cluster": ALPHA, "job_id": "7"})
        await doors.rest.delete(f"/v1/tokens/{token.split('_')[1]}")

        async def is_out() -> bool:
            try:
                await agent.call_tool("list_jobs", {})
            except ToolError as refusal:
                return "unauthenticated" in str(refusal)
            return False

        await eventually(is_out)

    assert "list_jobs" in tools
    assert "cancel_job" not in tools
    assert jobs.structured_content is not None
    assert jobs.structured_content["items"] == []


async def test_a_token_that_is_none_starts_no_server_over_standard_input(doors: Doors):
    told = {"SLURMFLEET_MCP_AGENT_TOKEN": "sf_abcdefghjk_" + "A" * 43}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.mcp", "--stdio"),
        env=doors.fleet.environment("mcp", **told),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )

    async with asyncio.timeout(30):
        said, _ = await process.communicate()

    assert process.returncode == 1
    assert b"SLURMFLEET_MCP_AGENT_TOKEN: The request carries no token" in said


async def test_what_was_done_stands_in_a_chain_that_is_proved(doors: Doors):
    token = await doors.token(name="ada", role="admin", kind="person")
    await doors.known(token)
    carried = {"Authorization": f"Bearer {token}", "Slurmfleet-Reason": "she joined"}
    await doors.rest.post("/v1/team", json={"login": "eve"}, headers=carried)
    await doors.rest.delete("/v1/team/nobody", headers=carried)

    async def is_written() -> bool:
        return await doors.verified() == (6, "")

    await eventually(is_written)
    shown = (await doors.rest.get("/v1/audit?actor=ada")).json()["items"]
    assert [(one["action"], one["target"], one["outcome"]) for one in shown] == [
        *(("team.remove", "nobody", "failed"), ("team.add", "", "ok")),
    ]
    assert [one["reason"] for one in shown] == ["she joined", "she joined"]
    assert token not in str((await doors.rest.get("/v1/audit")).json())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM audit_records WHERE audit_seq = 4", "The chain ends with record 3, and 4"),
        ("UPDATE audit_records SET reason = 'x' WHERE audit_seq = 2", "Record 2 was changed"),
        ("DELETE FROM audit_records", "The chain ends with record 0, and 4"),
    ],
)
async def test_whoever_tampers_with_it_is_found_out(doors: Doors, change: str, problem: str):
    for login in ("ada", "eve"):
        await doors.rest.post("/v1/team", json={"login": login})

    async def is_written() -> bool:
        return await doors.verified() == (4, "")

    await eventually(is_written)
    async with await psycopg.AsyncConnection.connect(
        doors.fleet.database.superuser_dsn, autocommit=True
    ) as connection:
        await connection.execute("ALTER TABLE audit_records DISABLE TRIGGER ALL")
        await connection.execute(change.encode())
    _, told = await doors.verified()

    assert told.startswith(problem)


async def test_what_was_done_while_the_store_was_away_is_written_later(doors: Doors):
    projector = doors.fleet.running[0]
    await projector.kill()
    await doors.rest.post("/v1/team", json={"login": "ada"})
    before = await doors.verified()

    await doors.fleet.start("projector")

    async def is_written() -> bool:
        return await doors.verified() == (2, "")

    await eventually(is_written)
    assert before == (0, "")


async def test_a_job_of_a_token_for_nobody_is_not_there(doors: Doors):
    await with_a_job(doors.fleet)
    token = await doors.token(users=["somebody-else"])
    await doors.known(token)
    carried = {"Authorization": f"Bearer {token}"}

    one = await doors.rest.get(f"/v1/jobs/{ALPHA}/7", headers=carried)
    log = await doors.rest.get(f"/v1/jobs/{ALPHA}/7/log", headers=carried)
    async with doors.agent(token) as agent:
        with pytest.raises(ToolError, match="job_not_found"):
            await agent.call_tool("get_job_log", {"cluster": ALPHA, "job_id": "7"})

    assert {one.json()["code"], log.json()["code"]} == {"job_not_found"}
    assert a_job("7").user != "somebody-else"
