"""The way from an outbox to the bus."""

import asyncio
from pathlib import Path

from services.collector.publisher import Publisher
from services.collector.state import StateFile
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.codec import decode, encode
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.streams import PROJECTOR, STREAMS
from slurmfleet.testing.builders import a_poll
from slurmfleet.timing.clock import SystemClock

ALPHA = ClusterName("alpha")


class QuickClock(SystemClock):
    """Real time, without the waits between attempts."""

    async def sleep(self, delay_s: float) -> None:
        await super().sleep(min(delay_s, 0.01))


def messages(count: int) -> list[Message]:
    polls = (a_poll(duration_s=float(index)) for index in range(count))
    return [message for poll in polls for message in encode([poll], source="/collector/alpha")]


async def emptied(state: StateFile) -> None:
    while state.outbox_size():  # noqa: ASYNC110 the file is what is under test, and it wakes nobody
        await asyncio.sleep(0.01)


async def test_what_waits_is_sent_in_order_and_leaves_the_outbox(tmp_path: Path):
    clock = QuickClock()
    bus = MemoryBus(clock)
    await bus.prepare(streams=STREAMS, consumers=(PROJECTOR,))
    with StateFile(tmp_path / "alpha.sqlite") as state:
        state.commit({}, messages(150))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(Publisher(ALPHA, state, bus, clock).run())
            await emptied(state)
            running.cancel()

    consumer = await bus.consumer(PROJECTOR)
    told = [decode(one.message.body)[0] for one in await consumer.fetch(1_000, 0)]
    assert told == [a_poll(duration_s=float(index)) for index in range(150)]


async def test_an_outage_of_the_bus_loses_nothing_and_doubles_nothing(tmp_path: Path):
    clock = QuickClock()
    bus = MemoryBus(clock)
    await bus.prepare(streams=STREAMS, consumers=(PROJECTOR,))
    with StateFile(tmp_path / "alpha.sqlite") as state:
        publisher = Publisher(ALPHA, state, bus, clock)
        async with asyncio.TaskGroup() as group:
            with bus.outage():
                running = group.create_task(publisher.run())
                state.commit({}, messages(3))
                publisher.notice()
                await asyncio.sleep(0.1)
                waiting = state.outbox_size()
            await emptied(state)
            running.cancel()

    consumer = await bus.consumer(PROJECTOR)
    assert waiting == 3
    assert len(await consumer.fetch(1_000, 0)) == 3
