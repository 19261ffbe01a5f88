"""How long a fact takes from the collector's outbox to a client of the event stream."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime

from services.collector.publisher import Publisher
from services.collector.state import StateFile
from slurmfleet.contracts.codec import encode
from slurmfleet.contracts.events import JobSubmitted
from slurmfleet.contracts.jobs import Evidence
from slurmfleet.testing.builders import a_job
from slurmfleet.timing.clock import SystemClock
from tests.bench.collector_look import CLUSTER
from tests.bench.http_load import get
from tests.bench.measure import Result, at_most, quantile
from tests.plugins.services import Fleet

_BUDGET = at_most(300)
_ARRIVAL_LIMIT_S = 10.0
_PAUSE_S = 0.02
"""Between two facts; each is waited for, so they never queue up."""


async def measure(fleet: Fleet, *, changes: int) -> list[Result]:
    """Measure one fact after the other; a collector commits, a client of SSE waits."""
    running = {service.name: service for service in fleet.running}
    api = running.get("api") or await fleet.start("api")
    if "projector" not in running:
        await fleet.start("projector")
    latencies_ms: list[float] = []
    with StateFile(fleet.folder / "outbox.sqlite") as state:
        publisher = Publisher(CLUSTER, state, fleet.bus, SystemClock())
        publishing = asyncio.create_task(publisher.run())
        try:
            async with aclosing(_arrivals(api.port)) as arrivals:
                await anext(arrivals)
                for number in range(changes):
                    latencies_ms.append(await _one(state, publisher, arrivals, number))
                    await asyncio.sleep(_PAUSE_S)
        finally:
            publishing.cancel()
            await asyncio.wait({publishing})
    return [
        Result(
            group="visible",
            what="fact committed in the collector → at a client of SSE, p95",
            unit="ms",
            value=quantile(latencies_ms, 0.95),
            budget=_BUDGET,
            repetitions=changes,
            detail={"p50_ms": quantile(latencies_ms, 0.5), "most_ms": max(latencies_ms)},
        )
    ]


async def _one(
    state: StateFile, publisher: Publisher, arrivals: AsyncGenerator[str], number: int
) -> float:
    """Tell one fact; give the milliseconds from before its commit to its arrival."""
    now = datetime.now(tz=UTC)
    job = a_job(str(90_000_000 + number), submitted_at=now)
    fact = JobSubmitted(
        cluster=CLUSTER,
        job=job,
        observed_at=now,
        revision=int(now.timestamp() * 1_000_000),
        source=Evidence.QUEUE,
    )
    messages = list(encode([fact], source="/bench"))
    began_s = time.perf_counter()
    await asyncio.to_thread(state.commit, {}, messages)
    publisher.notice()
    async with asyncio.timeout(_ARRIVAL_LIMIT_S):
        arrived = await anext(arrivals)
    if f'"{job.job_id}"' not in arrived:
        raise RuntimeError(f"not the fact that was told: {arrived[:200]}")
    return (time.perf_counter() - began_s) * 1_000


async def _arrivals(port: int) -> AsyncGenerator[str]:
    """Follow the event stream; first gives "" when it has begun, then each event's data."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(get("/v1/events").replace(b"application/json", b"text/event-stream"))
        while line := await reader.readline():
            if line.startswith(b": begins"):
                yield ""
            elif line.startswith(b"data:"):
                yield line[5:].decode()
        raise RuntimeError("the event stream ended")
    finally:
        writer.close()
