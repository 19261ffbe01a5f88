"""The gateway as a process: facts become answers and events, whatever goes away meanwhile."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from slurmfleet.contracts.events import Fact, JobEnded, JobStarted, JobSubmitted
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.testing.builders import ALPHA, a_job, a_poll
from tests.plugins.services import Fleet, Service, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

JSON = {"Accept": "application/json"}


def story(job_id: str) -> list[Fact]:
    """Give a job's life."""
    seen = datetime.now(tz=UTC) - timedelta(seconds=2)
    job = a_job(job_id, submitted_at=seen - timedelta(minutes=5))
    running = a_job(
        job_id, submitted_at=job.submitted_at, state=JobState.RUNNING, started_at=seen, reason=""
    )
    over = a_job(
        job_id,
        submitted_at=job.submitted_at,
        state=JobState.COMPLETED,
        started_at=seen,
        ended_at=seen,
        reason="",
    )
    revision = int(seen.timestamp() * 1_000_000)
    queue = Evidence.QUEUE
    return [
        JobSubmitted(cluster=ALPHA, job=job, observed_at=seen, revision=revision, source=queue),
        JobStarted(
            cluster=ALPHA, job=running, observed_at=seen, revision=revision + 1, source=queue
        ),
        JobEnded(
            cluster=ALPHA,
            job=over,
            observed_at=seen,
            revision=revision + 2,
            source=Evidence.ACCOUNTING,
        ),
    ]


def a_look() -> Fact:
    now = datetime.now(tz=UTC)
    return a_poll(
        started_at=now - timedelta(seconds=2),
        finished_at=now - timedelta(seconds=1),
        state_since=now - timedelta(days=1),
    )


@asynccontextmanager
async def gateway(fleet: Fleet) -> AsyncGenerator[tuple[Service, httpx.AsyncClient]]:
    service = await fleet.start("api")
    async with httpx.AsyncClient(base_url=service.url, timeout=10) as client:
        yield service, client


async def with_alpha(fleet: Fleet) -> None:
    await ClusterRegistry(fleet.bus).add_cluster(ClusterConfig(name=ALPHA, host="login.alpha"))
    await fleet.start("projector")


async def test_facts_that_were_published_are_answered_with_their_age(fleet: Fleet):
    await with_alpha(fleet)
    async with gateway(fleet) as (_, client):
        await fleet.tell([a_look(), *story("7")[:2], *story("8")])

        async def both() -> bool:
            return len((await client.get("/v1/jobs")).json()["items"]) == 2

        await eventually(both)
        live = (await client.get("/v1/jobs?live=true&user=alice")).json()
        ended = (await client.get("/v1/jobs/alpha/8")).json()
        timeline = (await client.get("/v1/jobs/alpha/8/timeline")).json()
        cluster = (await client.get("/v1/clusters/alpha")).json()

    (job,) = live["items"]
    assert (job["job_id"], job["state"], job["stale"]) == ("7", "RUNNING", False)
    assert 0 < job["age_s"] < 30
    assert (live["stale"], live["clusters"]["alpha"]["link"]) == (False, "ok")
    assert (ended["state"], ended["source"], ended["live"]) == ("COMPLETED", "accounting", False)
    assert [one["verb"] for one in timeline["items"]] == ["submitted", "started", "ended"]
    assert cluster["live_jobs"] == {"RUNNING": 1}
    assert cluster["slurm_version"] == "24.11.5"


async def read_events(
    client: httpx.AsyncClient, count: int, **headers: str
) -> list[dict[str, str]]:
    """Follow the stream until so many events came, then hang up."""
    events: list[dict[str, str]] = []
    event: dict[str, str] = {}
    url = "/v1/events?after=0"
    async with asyncio.timeout(20), client.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line and name:
                event[name] = value
            elif "data" in event:
                events.append(event)
            if not line:
                event = {}
            if len(events) == count:
                break
    return events


async def test_a_stream_that_broke_goes_on_without_gap_or_repetition(fleet: Fleet):
    await with_alpha(fleet)
    async with gateway(fleet) as (_, client):
        await fleet.tell(story("1"))
        first = await read_events(client, 2)
        await fleet.tell(story("2"))
        async with asyncio.TaskGroup() as group:
            resumed = group.create_task(
                read_events(client, 7, **{"Last-Event-ID": first[-1]["id"]})
            )
            await asyncio.sleep(0.5)
            await fleet.tell(story("3"))

    events = [*first, *resumed.result()]
    sequence = [int(event["id"]) for event in events]
    assert sequence == sorted(set(sequence))
    told = [(json.loads(event["data"])["job_id"], event["event"]) for event in events]
    assert told == [
        (job_id, f"job.{verb}")
        for job_id in ("1", "2", "3")
        for verb in ("submitted", "started", "ended")
    ]


async def test_a_waiting_poll_is_woken_by_the_commit(fleet: Fleet):
    await with_alpha(fleet)
    async with gateway(fleet) as (_, client):
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(
                client.get("/v1/events?after=0&wait_s=20", headers=JSON, timeout=30)
            )
            await asyncio.sleep(0.5)
            told_at = asyncio.get_running_loop().time()
            await fleet.tell(story("1"))
        waited_s = asyncio.get_running_loop().time() - told_at

    assert [one["verb"] for one in asked.result().json()["items"]] == [
        "submitted",
        "started",
        "ended",
    ]
    assert waited_s < 3


async def test_a_change_of_a_cluster_is_there_when_it_is_answered(fleet: Fleet):
    await fleet.start("projector")
    async with gateway(fleet) as (_, client):
        added = await client.post("/v1/clusters", json={"name": "beta", "host": "login.beta"})
        listed = (await client.get("/v1/clusters")).json()
        changed = await client.patch("/v1/clusters/beta", json={"account": "vision"})
        shown = (await client.get("/v1/clusters/beta")).json()
        removed = await client.delete("/v1/clusters/beta")
        gone = await client.get("/v1/clusters/beta")

    assert (added.status_code, added.json()["visible"]) == (201, True)
    assert [(one["name"], one["stale"]) for one in listed["items"]] == [("beta", True)]
    assert (changed.json()["visible"], shown["account"]) == (True, "vision")
    assert (removed.status_code, gone.status_code) == (204, 404)


async def test_a_store_that_is_away_is_told_within_two_seconds(fleet: Fleet):
    nowhere = "postgresql://slurmfleet_reader@127.0.0.1:1/slurmfleet"
    service = await fleet.start("api", ready=False, SLURMFLEET_STORE_DSN=nowhere)
    async with httpx.AsyncClient(base_url=service.url, timeout=10) as client:

        async def listens() -> bool:
            try:
                return (await client.get("/livez")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(listens)
        begun = asyncio.get_running_loop().time()
        answer = await client.get("/v1/jobs")
        taken_s = asyncio.get_running_loop().time() - begun
        ready = await client.get("/readyz")

    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert taken_s < 2
    assert (ready.status_code, ready.json()["checks"]["store"]["ok"]) == (503, False)


async def test_without_the_bus_reads_go_on_and_readiness_says_so(fleet: Fleet):
    async with gateway(fleet) as (service, client):
        await fleet.nats.kill()

        async def noticed() -> bool:
            return not (await client.get("/readyz")).json()["checks"]["bus"]["ok"]

        await eventually(noticed, otherwise=service.log.read_text)
        read = await client.get("/v1/jobs")
        asked = await client.post("/v1/clusters", json={"name": "beta", "host": "b"})
        ready = await client.get("/readyz")
        await fleet.nats.start()

    assert read.status_code == 200
    assert (asked.status_code, asked.json()["code"]) == (503, "bus_unavailable")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert "plain edition, schema" in ready.json()["checks"]["store"]["detail"]


async def test_a_stop_ends_open_streams_and_is_quick(fleet: Fleet):
    async with (
        gateway(fleet) as (service, client),
        client.stream("GET", "/v1/events") as answer,
    ):
        await anext(answer.aiter_lines())
        status = await service.stop(limit_s=5)

    assert status == 0


async def test_beyond_loopback_it_does_not_start_without_a_token(fleet: Fleet):
    service = await fleet.start("api", ready=False, SLURMFLEET_API_HOST="0.0.0.0")  # noqa: S104

    async with asyncio.timeout(15):
        status = await service.process.wait()

    assert status == 1
    assert "Set SLURMFLEET_API_TOKEN" in service.log.read_text()


async def test_a_taken_port_is_named_with_what_moves_it(fleet: Fleet):
    async with gateway(fleet) as (first, _):
        second = await fleet.start("api", ready=False, SLURMFLEET_API_PORT=str(first.port))
        async with asyncio.timeout(15):
            status = await second.process.wait()

    assert status == 1
    assert f"Port {first.port} on 127.0.0.1 is taken" in second.log.read_text()
    assert "SLURMFLEET_API_PORT=" in second.log.read_text()


async def test_an_unknown_cluster_is_unknown_and_a_known_one_without_jobs_is_empty(fleet: Fleet):
    await with_alpha(fleet)
    async with gateway(fleet) as (_, client):

        async def known() -> bool:
            return (await client.get("/v1/clusters/alpha")).status_code == 200

        await eventually(known)
        unknown = await client.get("/v1/jobs?cluster=alfa")
        empty = (await client.get("/v1/jobs?cluster=alpha")).json()

    assert (unknown.status_code, unknown.json()["remedy"]) == (404, "Configured are: alpha.")
    assert (empty["items"], empty["observed_at"], empty["stale"]) == ([], None, True)
    assert ClusterName("alpha") in empty["clusters"]
