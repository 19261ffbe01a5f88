"""The MCP server as a process, over HTTP in both eras of the protocol and over stdio."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError

from slurmfleet.contracts.events import JobSubmitted
from slurmfleet.contracts.jobs import Evidence
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.store.pool import StorePool
from slurmfleet.store.roles import Role
from slurmfleet.store.write.clusters import upsert_cluster
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, a_job, a_poll
from tests.plugins.services import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])


async def with_a_job(fleet: Fleet) -> None:
    """Store a cluster, a look at it and one job, as the projector would."""
    now = datetime.now(tz=UTC)
    seen = now - timedelta(seconds=1)
    config = ClusterConfig(name=ALPHA, host="login.alpha")
    revision = await ClusterRegistry(fleet.bus).add_cluster(config)
    look = a_poll(started_at=seen, finished_at=seen, state_since=now - timedelta(days=1))
    told = JobSubmitted(
        cluster=ALPHA,
        job=a_job("7", submitted_at=seen),
        observed_at=seen,
        revision=1,
        source=Evidence.QUEUE,
    )
    async with StorePool(fleet.database.settings(Role.WRITER)) as pool:
        await upsert_cluster(pool, config, revision=revision, now=now)
        await apply_facts(pool, [look, told])


@ERAS
async def test_tools_answer_over_http(fleet: Fleet, mode: str):
    await with_a_job(fleet)
    service = await fleet.start("mcp")

    async with Client(f"{service.url}/mcp", mode=mode) as client:
        names = [tool.name for tool in await client.list_tools()]
        jobs = await client.call_tool("list_jobs", {"live": True})
        health = await client.call_tool("health_check", {})
        with pytest.raises(ToolError, match=r"job_not_found: .* — fix: "):
            await client.call_tool("get_job", {"cluster": "alpha", "job_id": "99"})

    assert names == [
        *("health_check", "list_jobs", "get_job", "get_cluster_status", "get_mounts"),
        *("list_log_files", "get_job_log", "search_job_log"),
        *("submit_job", "run_script", "mount_cluster"),
        *("clear_failed", "clear_completed", "clear_cancelled", "cleanup_history"),
        *("cancel_job", "cancel_jobs", "cancel_project_jobs"),
        *("hold_job", "release_job", "requeue_job"),
    ]
    assert jobs.structured_content is not None
    (job,) = jobs.structured_content["items"]
    assert (job["job_id"], job["state"], job["stale"]) == ("7", "PENDING", False)
    assert health.structured_content is not None
    assert (health.structured_content["ok"], health.structured_content["stale"]) == (True, False)


async def test_tools_answer_over_stdio_and_it_ends_with_its_client(fleet: Fleet):
    await with_a_job(fleet)
    transport = StdioTransport(
        command=sys.executable,
        args=["-m", "services.mcp", "--stdio"],
        env=fleet.environment("mcp"),
        keep_alive=False,
        log_file=fleet.folder / "stdio.log",
    )

    async with Client(transport) as client:
        job = await client.call_tool("get_job", {"cluster": "alpha", "job_id": 7})
        status = await client.call_tool("get_cluster_status", {"cluster": "alpha"})

    assert job.structured_content is not None
    assert (job.structured_content["name"], job.structured_content["gpus"]) == ("train", 2)
    assert status.structured_content is not None
    (alpha,) = status.structured_content["items"]
    assert (alpha["name"], alpha["stale"], alpha["tracked_jobs"]) == (
        "alpha",
        False,
        {"PENDING": 1},
    )


async def test_over_stdio_only_messages_stand_on_standard_output(fleet: Fleet):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.mcp",
        "--stdio",
        env=fleet.environment("mcp"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )

    async with asyncio.timeout(30):
        output, _ = await process.communicate(b"")

    assert (process.returncode, output) == (0, b"")


async def test_over_stdio_a_signal_ends_it_while_the_client_is_silent(fleet: Fleet):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.mcp",
        "--stdio",
        env=fleet.environment("mcp"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said = process.stderr
    assert said is not None
    async with asyncio.timeout(30):  # how long the imports take is the machine's affair
        while b"mcp serves" not in await said.readline():
            assert not said.at_eof(), await process.wait()
    process.terminate()

    async with asyncio.timeout(8):
        _, complaints = await process.communicate()

    assert (process.returncode, b"Traceback" in complaints) == (0, False)


async def test_health_and_the_gate_are_those_of_the_other_services(fleet: Fleet):
    service = await fleet.start("mcp", SLURMFLEET_MCP_TOKEN="s3cret")  # noqa: S106 the case
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream"}
    token = {"Authorization": "Bearer s3cret", **accept}

    async with httpx.AsyncClient(base_url=service.url) as client:
        health = [
            (await client.get(path)).status_code for path in ("/livez", "/readyz", "/metrics")
        ]
        without = await client.post("/mcp", json=call, headers=accept)
        foreign = await client.post(
            "/mcp", json=call, headers={"Origin": "https://evil.example", **token}
        )
        rebound = await client.post("/mcp", json=call, headers={"Host": "evil.example", **token})
        listed = await client.post("/mcp", json=call, headers=token)

    assert health == [200, 200, 200]
    assert (without.status_code, without.json()["code"]) == (401, "unauthenticated")
    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    assert (rebound.status_code, rebound.json()["code"]) == (403, "forbidden")
    assert listed.status_code == 200


async def test_without_a_store_it_serves_and_says_what_is_missing(fleet: Fleet):
    nowhere = "postgresql://slurmfleet_reader@127.0.0.1:1/slurmfleet"
    transport = StdioTransport(
        command=sys.executable,
        args=["-m", "services.mcp", "--stdio"],
        env=fleet.environment("mcp", SLURMFLEET_STORE_DSN=nowhere),
        keep_alive=False,
        log_file=fleet.folder / "stdio.log",
    )

    async with Client(transport) as client:
        health = await client.call_tool("health_check", {})
        with pytest.raises(ToolError, match=r"store_unavailable: .* — fix: "):
            await client.call_tool("list_jobs", {})

    assert health.structured_content is not None
    assert health.structured_content["ok"] is False


async def test_an_unknown_toolset_is_refused_at_the_start(fleet: Fleet):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.mcp",
        "--toolsets",
        "observe,kernel",
        env=fleet.environment("mcp"),
        stderr=asyncio.subprocess.PIPE,
    )

    async with asyncio.timeout(30):
        _, told = await process.communicate()

    assert process.returncode == 1
    assert b"There is no toolset 'kernel'. Known are: observe, operate." in told
