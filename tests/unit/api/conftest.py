"""A gateway over a reader and a bus in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from services.api.app import create_app
from services.api.feed import EventFeed
from services.api.gateway import Gateway
from services.api.settings import ApiSettings
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.streams import BUCKETS
from slurmfleet.runtime.health import Health
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.reader import MemoryReader
from slurmfleet.testing.views import cluster_view, event_view, job_view


@dataclass
class Desk:
    """A gateway and what stands behind it."""

    clock: ManualClock
    reader: MemoryReader
    bus: MemoryBus
    gateway: Gateway
    client: httpx.AsyncClient

    def client_of(self, **settings: object) -> httpx.AsyncClient:
        """Give a client of the same gateway under other settings."""
        changed = ApiSettings.model_validate({"settle_limit_s": 0, **settings})
        gateway = Gateway(
            reader=self.reader,
            bus=self.bus,
            clock=self.clock,
            health=Health("api"),
            settings=changed,
            feed=EventFeed(self.reader),
        )
        return _client(gateway)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = ManualClock()
    reader = MemoryReader(clock)
    reader.cluster_views = [cluster_view()]
    reader.job_views = [job_view()]
    reader.event_views = [event_view(1)]
    bus = MemoryBus(clock)
    await bus.prepare(buckets=BUCKETS)
    gateway = Gateway(
        reader=reader,
        bus=bus,
        clock=clock,
        health=Health("api"),
        settings=ApiSettings(settle_limit_s=0, command_limit_s=1),
        feed=EventFeed(reader),
    )
    async with _client(gateway) as client:
        yield Desk(clock=clock, reader=reader, bus=bus, gateway=gateway, client=client)


def _client(gateway: Gateway) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(gateway), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7272")
