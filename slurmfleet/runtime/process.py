"""How a process starts, lives and stops: one TaskGroup, two signals, a health endpoint.

Every task of a process is a descendant of the group opened here. A task that must outlive its
own failures runs under `supervise`; the death of any other ends the process, and whoever started
it (compose, systemd, `slurmfleet up`) starts it again.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvloop

from slurmfleet.runtime.errors import ProcessError, leaves
from slurmfleet.runtime.health import Health, health_app
from slurmfleet.runtime.http import HttpServer
from slurmfleet.runtime.settings import SharedSettings
from slurmfleet.telemetry.logs import configure_logs, logger
from slurmfleet.telemetry.metrics import TASK_RESTARTS
from slurmfleet.timing.clock import Clock, SystemClock


class _StopRequestedError(Exception):
    """Ends the process's TaskGroup; never leaves this module."""


@dataclass(slots=True, kw_only=True)
class Process:
    """What a service's body is given."""

    tasks: asyncio.TaskGroup
    health: Health
    clock: Clock
    stopping: asyncio.Event
    """Set when the process was asked to stop; servers that drain wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait after the n-th failure in a row: doubling, with a ceiling."""

    first_s: float = 0.2
    most_s: float = 15.0

    def delay_s(self, failures: int) -> float:
        """Give the wait after `failures` failures in a row, counted from 1."""
        return min(self.most_s, self.first_s * 2 ** min(failures - 1, 16))


Body = Callable[[Process], Awaitable[None]]


def run_service(
    name: str,
    body: Body,
    *,
    shared: SharedSettings,
    serve_health: bool = True,
) -> int:
    """Run a service until it ends or a signal arrives.

    Args:
        name: The service, for logs and health.
        body: The service itself; it returns only when it has nothing left to do.
        shared: Where to log and where to serve health.
        serve_health: False where the service serves the three paths on its own port.

    Returns:
        Exit status: 0 after a clean stop, 1 when a task died or the start failed.
    """
    configure_logs(name, level=shared.log_level, fmt=shared.log_format)
    status = 0
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_live(name, body, shared, serve_health=serve_health))
        except* ProcessError as refused:
            for refusal in leaves(refused):
                sys.stderr.write(f"slurmfleet {name}: {refusal}\n")
            status = 1
        except* Exception:  # noqa: BLE001 the process ends here, with its reason on record
            logger().exception("process failed")
            status = 1
    return status


async def supervise(
    name: str,
    body: Callable[[], Awaitable[None]],
    *,
    clock: Clock,
    backoff: Backoff | None = None,
    on_failure: Callable[[Exception], None] | None = None,
) -> None:
    """Run `body` again whenever it fails, slower and slower; return when it returns.

    The first failure and the recovery are logged; the failures between are counted.
    """
    waits = backoff or Backoff()
    failures = 0
    while True:
        started_s = clock.monotonic_s()
        try:
            await body()
        except Exception as exc:  # noqa: BLE001 this is what supervision is for
            if clock.monotonic_s() - started_s > waits.most_s:
                failures = 0
            failures += 1
            TASK_RESTARTS.labels(task=name).inc()
            if on_failure is not None:
                on_failure(exc)
            if failures == 1:
                logger().warning("task failed, will retry", task=name, error=repr(exc))
            await clock.sleep(waits.delay_s(failures))
        else:
            return


async def _live(name: str, body: Body, shared: SharedSettings, *, serve_health: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for received in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(received, stopping.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            process = Process(
                tasks=tasks, health=Health(name), clock=SystemClock(), stopping=stopping
            )
            if serve_health:
                server = HttpServer(
                    health_app(process.health),
                    host=shared.health_host,
                    port=shared.health_port,
                    setting="SLURMFLEET_HEALTH_PORT",
                )
                tasks.create_task(serve_until_stopped(server, stopping), name="health")
            main = tasks.create_task(_awaited(body(process)), name=name)
            main.add_done_callback(lambda _: stopping.set())
            await _until_stopped(main, stopping, drain=not serve_health)
    except* _StopRequestedError:
        logger().info("process stopped")


async def serve_until_stopped(server: HttpServer, stopping: asyncio.Event) -> None:
    """Serve, and once asked to stop let open requests end."""
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(), name="http")
        await stopping.wait()
        server.stop()


async def _awaited(body: Awaitable[None]) -> None:
    await body


async def _until_stopped(main: asyncio.Task[None], stopping: asyncio.Event, *, drain: bool) -> None:
    """Wait for the end and then end the group; one that drains by itself gets a moment first."""
    await stopping.wait()
    if drain and not main.done():
        await asyncio.wait({main}, timeout=5)
    raise _StopRequestedError
