"""A gateway over a reader and a bus in memory."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from services.api.app import create_app
from services.api.feed import EventFeed
from services.api.gateway import Gateway
from services.api.settings import ApiSettings
from slurmfleet.access.audit import Auditor
from slurmfleet.access.door import Door
from slurmfleet.access.scoped import ScopedReader
from slurmfleet.access.tokens import TokenBook
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.audit import Via
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
    book: TokenBook
    gateway: Gateway
    client: httpx.AsyncClient

    def client_of(self, **settings: object) -> httpx.AsyncClient:
        """Give a client of the same gateway under other settings."""
        changed = ApiSettings.model_validate({"settle_limit_s": 0, **settings})
        return _client(a_gateway(self.reader, self.bus, self.clock, changed, self.book))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = ManualClock()
    reader = MemoryReader(clock)
    reader.cluster_views = [cluster_view()]
    reader.job_views = [job_view()]
    reader.event_views = [event_view(1)]
    bus = MemoryBus(clock)
    await bus.prepare(buckets=BUCKETS)
    book = TokenBook(bus)
    settings = ApiSettings(settle_limit_s=0, command_limit_s=1)
    gateway = a_gateway(reader, bus, clock, settings, book)
    following = asyncio.create_task(book.follow())
    async with _client(gateway) as client:
        yield Desk(clock=clock, reader=reader, bus=bus, book=book, gateway=gateway, client=client)
    following.cancel()


def a_gateway(
    reader: MemoryReader,
    bus: MemoryBus,
    clock: ManualClock,
    settings: ApiSettings,
    book: TokenBook,
) -> Gateway:
    """Give a gateway over parts of a test."""
    token = settings.token.get_secret_value()
    return Gateway(
        reader=ScopedReader(reader),
        bus=bus,
        clock=clock,
        health=Health("api"),
        settings=settings,
        feed=EventFeed(reader),
        door=Door(via=Via.REST, setting_token=token, book=book, clock=clock),
        auditor=Auditor(bus, clock),
    )


def _client(gateway: Gateway) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(gateway), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7272")
