"""Run the REST gateway: `python -m services.api`."""

import sys
from contextlib import AsyncExitStack
from functools import partial

from services.api.app import create_app
from services.api.feed import EventFeed
from services.api.gateway import Gateway
from services.api.settings import ApiSettings
from slurmfleet.access.audit import Auditor
from slurmfleet.access.binding import require_token_beyond_loopback
from slurmfleet.access.door import Door
from slurmfleet.access.scoped import ScopedReader
from slurmfleet.access.tokens import TokenBook
from slurmfleet.contracts.audit import Via
from slurmfleet.runtime.bus_part import open_bus, watch_bus
from slurmfleet.runtime.http import HttpServer
from slurmfleet.runtime.process import Process, run_service, serve_until_stopped, supervise
from slurmfleet.runtime.settings import SharedSettings
from slurmfleet.runtime.store_part import watch_store
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.read.reader import StoreReader
from slurmfleet.telemetry.logs import logger


def main() -> int:
    """Run until a signal arrives; give the exit status."""
    shared, settings = SharedSettings(), ApiSettings()
    body = partial(_serve, shared, settings)
    return run_service("api", body, shared=shared, serve_health=False)


async def _serve(shared: SharedSettings, settings: ApiSettings, process: Process) -> None:
    require_token_beyond_loopback(
        settings.host, settings.token.get_secret_value(), setting="SLURMFLEET_API_TOKEN"
    )
    clock, health = process.clock, process.health
    health.expect("store")
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(shared, name="api", clock=clock))
        pool = await stack.enter_async_context(StorePool(_store_settings(shared, settings)))
        reader = StoreReader(pool, clock)
        feed = EventFeed(reader)
        book = TokenBook(bus)
        gateway = Gateway(
            reader=ScopedReader(reader),
            bus=bus,
            clock=clock,
            health=health,
            settings=settings,
            feed=feed,
            door=Door(
                via=Via.REST,
                setting_token=settings.token.get_secret_value(),
                book=book,
                clock=clock,
            ),
            auditor=Auditor(bus, clock),
            stopping=process.stopping,
        )
        server = HttpServer(
            create_app(gateway),
            host=settings.host,
            port=settings.port,
            setting="SLURMFLEET_API_PORT",
        )
        bodies = {
            "bus-health": partial(watch_bus, bus, health, clock, required=False),
            "store-health": partial(watch_store, pool, health, clock),
            "event-feed": feed.run,
            "tokens": book.follow,
        }
        for name, body in bodies.items():
            process.tasks.create_task(supervise(name, body, clock=clock), name=name)
        process.tasks.create_task(_let_go(gateway), name="let-go")
        logger().info("api serves", host=settings.host, port=server.port)
        await serve_until_stopped(server, process.stopping)


async def _let_go(gateway: Gateway) -> None:
    """Wake whoever follows events when the process is asked to stop, so that streams end."""
    await gateway.stopping.wait()
    gateway.feed.ring()


def _store_settings(shared: SharedSettings, settings: ApiSettings) -> StoreSettings:
    return StoreSettings(
        dsn=shared.store_dsn.get_secret_value(),
        application_name="slurmfleet api",
        max_connections=settings.max_store_connections,
        acquire_timeout_s=settings.store_wait_s,
        statement_timeout_s=settings.statement_timeout_s,
        call_timeout_s=settings.statement_timeout_s + 1,
    )


if __name__ == "__main__":
    sys.exit(main())
