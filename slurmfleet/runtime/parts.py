"""The two parts that services share, the bus and the store: opened from settings, watched.

A service starts without them and says in /readyz what it waits for; it never dies of their
absence.
"""

from contextlib import AbstractAsyncContextManager

from slurmfleet.bus.errors import BusError
from slurmfleet.bus.nats import NatsBus, NatsLogin, NatsOptions, open_nats_bus
from slurmfleet.bus.port import Bus
from slurmfleet.runtime.health import Health
from slurmfleet.runtime.settings import SharedSettings
from slurmfleet.store.errors import SchemaOutdatedError, StoreError
from slurmfleet.store.migrate import shipped_migrations
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.health import store_health
from slurmfleet.store.rows import StoreHealth
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

_EVERY_S = 5.0
_WAITING_EVERY_S = 0.5
_RTT_LIMIT_S = 2.0


def open_bus(
    shared: SharedSettings, *, name: str, clock: Clock
) -> AbstractAsyncContextManager[NatsBus]:
    """Give the bus of the settings while the body runs; it connects in the background."""
    login = NatsLogin(user=shared.bus_user, password=shared.bus_password.get_secret_value())
    servers = tuple(url.strip() for url in shared.bus_url.split(","))
    return open_nats_bus(NatsOptions(servers=servers, name=name, login=login), clock)


async def watch_bus(bus: Bus, health: Health, clock: Clock, *, required: bool = True) -> None:
    """Report how the bus is, for ever."""
    while True:
        try:
            rtt_s = await bus.rtt(limit_s=_RTT_LIMIT_S)
        except BusError as error:
            health.report("bus", ok=False, detail=str(error), required=required)
        else:
            detail = f"round trip {rtt_s * 1_000:.1f} ms"
            health.report("bus", ok=True, detail=detail, required=required)
        await clock.sleep(_EVERY_S if health.checks["bus"].ok else _WAITING_EVERY_S)


async def watch_store(pool: StorePool, health: Health, clock: Clock) -> None:
    """Report how the store is, for ever; the first failure and the recovery are logged."""
    was_ok: bool | None = None
    while True:
        try:
            detail = _fitting(await store_health(pool, clock=clock))
            ok = True
        except StoreError as error:
            ok, detail = False, str(error)
        if ok is not was_ok:
            say = logger().info if ok else logger().warning
            say("store is ready" if ok else "waiting for the store", detail=detail)
        was_ok = ok
        health.report("store", ok=ok, detail=detail)
        await clock.sleep(_EVERY_S if ok else _WAITING_EVERY_S)


def _fitting(found: StoreHealth) -> str:
    """Describe a store whose schema is the one of this code.

    Raises:
        SchemaOutdatedError: It is older or newer.
    """
    expected = shipped_migrations()[-1].version
    if found.schema_version != expected:
        raise SchemaOutdatedError(
            "check schema",
            f"the schema is at {found.schema_version} and this version needs {expected};"
            " run `slurmfleet db migrate` with this version",
        )
    return (
        f"{found.edition} edition, schema {found.schema_version}, PostgreSQL"
        f" {found.server_version}, round trip {found.latency_s * 1_000:.1f} ms"
    )
