"""nats-server on a disk of its own that is full for a while."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from slurmfleet.bus.errors import BusError
from slurmfleet.bus.nats import NatsBus, NatsOptions, open_nats_bus
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import FACTS, STREAMS
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_server import NatsServer, NatsServerOptions, nats_server
from slurmfleet.timing.clock import SystemClock
from tests.chaos.disks import Disk, own_disks, why_no_disks

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

CLOCK = SystemClock()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if why := why_no_disks():
        pytest.skip(f"by design: no disk of its own here: {why}")
    with own_disks(tmp_path) as disks:
        yield disks["bus"]


@pytest.fixture
async def server(disk: Disk) -> AsyncIterator[NatsServer]:
    options = NatsServerOptions(data_dir=disk.path, port=free_port())
    async with nats_server(options, CLOCK) as running:
        yield running


@pytest.fixture
async def bus(server: NatsServer) -> AsyncIterator[NatsBus]:
    login = server.login
    options = NatsOptions(servers=(server.url,), name="test", login=login, max_delay_s=0.2)
    async with open_nats_bus(options, CLOCK) as opened:
        await opened.prepare(streams=STREAMS)
        yield opened


def fact(name: str) -> Message:
    return Message(
        subject="fleet.v1.alpha.job.ended",
        body=name.encode() + bytes(50_000),
        headers={"Nats-Msg-Id": name},
    )


async def published_until_refused(bus: NatsBus) -> list[int]:
    """Publish until the disk is full; give the places that were acknowledged."""
    places: list[int] = []
    for number in range(1_000):
        try:
            places.append((await bus.publish(fact(f"fact {number}"), limit_s=2)).sequence)
        except BusError:
            return places
    pytest.fail("the disk was never full")


async def test_a_bus_that_met_a_full_disk_takes_messages_again_once_it_is_restarted(
    disk: Disk, server: NatsServer, bus: NatsBus
):
    before = [(await bus.publish(fact("first"))).sequence]
    disk.fill()
    before += await published_until_refused(bus)
    assert not server.must_restart()  # a restart now would help nobody
    disk.free()
    assert server.must_restart()

    await server.stop()
    await server.start()

    after = await bus.publish(fact("last"))
    found = await bus.readable(FACTS.name, first=1, most=2_000)
    assert not server.must_restart()
    assert list(found) == [*before, after.sequence]


async def test_a_bus_with_room_need_not_be_restarted(server: NatsServer, bus: NatsBus):
    await bus.publish(fact("first"))

    assert not server.must_restart()
