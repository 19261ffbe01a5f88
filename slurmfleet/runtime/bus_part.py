"""The bus as a part of a process: opened from settings, watched for /readyz.

A service starts without it and says what it waits for; it never dies of its absence.
"""

from contextlib import AbstractAsyncContextManager

from slurmfleet.bus.errors import BusError
from slurmfleet.bus.nats import NatsBus, NatsLogin, NatsOptions, open_nats_bus
from slurmfleet.bus.port import Bus
from slurmfleet.runtime.health import Health
from slurmfleet.runtime.settings import SharedSettings
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
