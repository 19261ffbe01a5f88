"""What the in-memory bus owes to its clock; the rest is in tests/contract/bus."""

import asyncio
from contextlib import aclosing

import pytest

from slurmfleet.bus.errors import BusUnavailableError, KeyNotFoundError, LeaseLostError
from slurmfleet.bus.lease import Lease
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.bus.port import KvRemoved, SnapshotComplete
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import BUCKETS, LEASES, PROJECTOR, STREAMS
from slurmfleet.testing.clock import ManualClock

FACT = Message(subject="fleet.v1.alpha.job.ended", body=b"x", headers={"Nats-Msg-Id": "one"})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def bus(clock: ManualClock) -> MemoryBus:
    made = MemoryBus(clock)
    await made.prepare(streams=STREAMS, consumers=(PROJECTOR,), buckets=BUCKETS)
    return made


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_id_is_forgotten_after_the_duplicate_window(bus: MemoryBus, clock: ManualClock):
    await bus.publish(FACT)
    clock.advance(3_599)
    within_window = await bus.publish(FACT)
    clock.advance(1)
    after_it = await bus.publish(FACT)

    assert (within_window.duplicate, after_it.duplicate, after_it.sequence) == (True, False, 2)


async def test_a_message_comes_again_when_its_ack_wait_has_passed(
    bus: MemoryBus, clock: ManualClock
):
    await bus.publish(FACT)
    consumer = await bus.consumer(PROJECTOR)
    await consumer.fetch(10, 0)

    clock.advance(PROJECTOR.ack_wait_s - 1)
    too_early = await consumer.fetch(10, 0)
    async with asyncio.TaskGroup() as group:
        fetching = group.create_task(consumer.fetch(10, 5))
        await settle()
        clock.advance(1)

    assert list(too_early) == []
    assert [one.delivered_count for one in fetching.result()] == [2]


async def test_a_fetch_ends_when_the_clock_says_so(bus: MemoryBus, clock: ManualClock):
    consumer = await bus.consumer(PROJECTOR)

    async with asyncio.TaskGroup() as group:
        fetching = group.create_task(consumer.fetch(10, 5))
        await settle()
        clock.advance(5)

    assert list(fetching.result()) == []


async def test_old_messages_leave_the_stream(bus: MemoryBus, clock: ManualClock):
    await bus.publish(FACT)
    consumer = await bus.consumer(PROJECTOR)

    clock.advance(30 * 86_400 + 1)

    assert await consumer.pending() == 0


async def test_a_lease_key_expires_and_watchers_hear_of_it(bus: MemoryBus, clock: ManualClock):
    await bus.kv_create(LEASES.name, "alpha", b"mine")
    async with aclosing(bus.kv_watch(LEASES.name)) as watch:  # pyright: ignore[reportArgumentType]
        await anext(watch)
        complete = await anext(watch)

        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(anext(watch))
            await settle()
            clock.advance(15)

    assert (complete, waiting.result()) == (
        SnapshotComplete(),
        KvRemoved(key="alpha", revision=2),
    )
    with pytest.raises(KeyNotFoundError):
        await bus.kv_get(LEASES.name, "alpha")


async def test_an_outage_refuses_everything_and_keeps_everything(bus: MemoryBus):
    await bus.publish(FACT)
    consumer = await bus.consumer(PROJECTOR)
    (delivery,) = await consumer.fetch(10, 0)

    with bus.outage():
        for refused in (bus.publish(FACT), bus.rtt(), bus.request("x"), delivery.ack()):
            with pytest.raises(BusUnavailableError):
                await refused
    await delivery.ack()

    assert await consumer.pending() == 0


async def test_a_lease_is_given_up_before_another_may_have_it(bus: MemoryBus, clock: ManualClock):
    holder, heir = (
        Lease(bus, bucket=LEASES.name, key="alpha", holder=name, clock=clock, ttl_s=10)
        for name in ("one", "two")
    )
    lost_at_s: list[float] = []

    async def hold() -> None:
        try:
            async with holder.hold():
                await asyncio.Event().wait()
        except LeaseLostError:
            lost_at_s.append(clock.monotonic_s())

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await settle()
        with bus.outage():
            for _ in range(80):
                clock.advance(0.25)
                await settle()
        taken = await heir.try_acquire()

    assert lost_at_s == [9.0]
    assert taken is not None


async def test_a_renewing_holder_keeps_contenders_out_for_ever(bus: MemoryBus, clock: ManualClock):
    holder, rival = (
        Lease(bus, bucket=LEASES.name, key="alpha", holder=name, clock=clock, ttl_s=10)
        for name in ("one", "two")
    )
    attempts: list[object] = []

    async with holder.hold() as grant:
        for _ in range(60):
            clock.advance(1)
            await settle()
            attempts.append(await rival.try_acquire())

        held = grant.is_held

    assert (held, attempts) == (True, [None] * 60)
