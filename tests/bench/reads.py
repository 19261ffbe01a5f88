"""How fast REST and MCP answer from a store with many live jobs; one worker each."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from slurmfleet.contracts.ids import JobId
from tests.bench.collector_look import CLUSTER
from tests.bench.http_load import Load, call_tool, get, load
from tests.bench.measure import Budget, Result, at_least, at_most, cpu_s, quantile
from tests.plugins.services import Fleet, Service

_P95_MS = at_most(15)
_RATE = at_least(1_000)
_TOGETHER = 8
"""Clients at once for the rate; more only wait for each other."""

_STEP = 7_919
"""A prime, so that the jobs asked for lie all over the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One kind of request."""

    what: str
    service: str
    request: Callable[[int], bytes]
    judged: bool = True
    rate: bool = False
    """Whether several clients ask at once too."""

    rate_budget: Budget | None = None


async def measure(
    fleet: Fleet, jobs: Sequence[JobId], *, requests: int, repetitions: int
) -> list[Result]:
    """Measure one client at a time for latency, then several for the rate."""
    services = {name: await fleet.start(name) for name in ("api", "mcp")}
    results: list[Result] = []
    for ask in _asks(jobs):
        service = services[ask.service]
        await load(service.port, ask.request, requests=50, connections=1)
        results += await _latency(service, ask, requests, repetitions)
        if ask.rate:
            results += await _rate(service, ask, requests, repetitions)
    return results


def _asks(jobs: Sequence[JobId]) -> list[Ask]:
    def job(number: int) -> JobId:
        return jobs[number * _STEP % len(jobs)]

    stored = f"{len(jobs):,}"
    return [
        Ask(
            what="peer: /livez, which asks nobody",
            service="api",
            request=lambda _: get("/livez"),
            judged=False,
        ),
        Ask(
            what=f"REST list of 100 of {stored} live jobs",
            service="api",
            request=lambda _: get("/v1/jobs?live=true&limit=100"),
            rate=True,
            rate_budget=_RATE,
        ),
        Ask(
            what=f"REST one of {stored} jobs",
            service="api",
            request=lambda number: get(f"/v1/jobs/{CLUSTER}/{job(number)}"),
            rate=True,
        ),
        Ask(
            what=f"MCP list_jobs, 20 of {stored} live jobs",
            service="mcp",
            request=lambda _: call_tool("list_jobs", {"live": True, "limit": 20}),
        ),
        Ask(
            what="MCP get_job",
            service="mcp",
            request=lambda number: call_tool(
                "get_job", {"cluster": CLUSTER, "job_id": job(number)}
            ),
        ),
    ]


async def _latency(service: Service, ask: Ask, requests: int, repetitions: int) -> list[Result]:
    """Give p95 of one client that waits for each answer, the median over repetitions."""
    loads: list[Load] = []
    spent_s = 0.0
    for _ in range(repetitions):
        before_s = cpu_s(service.process.pid)
        loads.append(await load(service.port, ask.request, requests=requests, connections=1))
        spent_s += cpu_s(service.process.pid) - before_s
    if ask.service == "mcp":
        _refuse_tool_error(loads[-1].last_body)
    return [
        Result(
            group="reads",
            what=f"{ask.what}, p95 of one client",
            unit="ms",
            value=median(quantile(one.latencies_s, 0.95) for one in loads) * 1_000,
            budget=_P95_MS if ask.judged else None,
            repetitions=repetitions,
            detail={
                "p50_ms": median(quantile(one.latencies_s, 0.5) for one in loads) * 1_000,
                "server_cpu_ms": spent_s * 1_000 / (requests * repetitions),
                "body_kib": len(loads[-1].last_body) / 1024,
            },
        )
    ]


async def _rate(service: Service, ask: Ask, requests: int, repetitions: int) -> list[Result]:
    """Give requests a second of several clients, and what they waited meanwhile."""
    loads = [
        await load(service.port, ask.request, requests=requests * 2, connections=_TOGETHER)
        for _ in range(repetitions)
    ]
    return [
        Result(
            group="reads",
            what=f"{ask.what}, {_TOGETHER} clients",
            unit="requests/s",
            value=median(one.requests_per_s for one in loads),
            budget=ask.rate_budget,
            repetitions=repetitions,
            detail={
                "p50_ms": median(quantile(one.latencies_s, 0.5) for one in loads) * 1_000,
                "p95_ms": median(quantile(one.latencies_s, 0.95) for one in loads) * 1_000,
            },
        )
    ]


def _refuse_tool_error(body: bytes) -> None:
    """Make sure that answers were measured and no refusals."""
    result = json.loads(body).get("result")
    if result is None or result.get("isError"):
        raise RuntimeError(f"the tool answered {body[:500].decode()}")
