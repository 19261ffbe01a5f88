"""Facts are acknowledged after they are stored; nothing is lost and nothing blocks the rest."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from services.projector import intake
from services.projector.batch import Parcel, Unusable, open_delivery
from services.projector.projector import Projector
from services.projector.settings import ProjectorSettings
from slurmfleet.bus.errors import BusUnavailableError
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.bus.memory_stream import MemoryConsumer
from slurmfleet.bus.port import Consumer, Delivery
from slurmfleet.contracts.codec import decode, encode
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.events import Fact, PollFinished
from slurmfleet.contracts.streams import DEAD_LETTERS, PROJECTOR, STREAMS, ConsumerSpec
from slurmfleet.contracts.surveys import RollCalled
from slurmfleet.runtime.health import Health
from slurmfleet.store.errors import StatementError, StoreError, StoreUnavailableError
from slurmfleet.store.write.facts import Applied
from slurmfleet.testing.builders import NOON, a_poll
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.samples import filled

DEAD = ConsumerSpec(
    durable="reader",
    stream=DEAD_LETTERS.name,
    filter_subjects=DEAD_LETTERS.subjects,
    ack_wait_s=60,
    max_ack_pending=10,
)


@dataclass
class MemoryStore:
    """Stores facts by id, and fails as it is told."""

    stored: dict[str, Fact] = field(default_factory=dict[str, Fact])
    failures: list[StoreError] = field(default_factory=list[StoreError])
    """Raised one by one before anything is stored."""

    refused: set[str] = field(default_factory=set[str])
    """Ids that no batch may hold."""

    batches: list[int] = field(default_factory=list[int])

    async def apply(self, facts: Sequence[Fact]) -> Applied:
        if self.failures:
            raise self.failures.pop(0)
        if any(fact.fact_id in self.refused for fact in facts):
            raise StatementError("apply facts", "text with NUL", sqlstate="22021")
        known = sum(fact.fact_id in self.stored for fact in facts)
        self.stored.update({fact.fact_id: fact for fact in facts})
        self.batches.append(len(facts))
        return Applied(polls=len(facts) - known, duplicates=known)


@dataclass
class Bench:
    """A projector between a bus and a store in memory."""

    clock: ManualClock
    bus: MemoryBus
    store: MemoryStore
    projector: Projector
    consumer: Consumer

    async def tell(self, *facts: Fact) -> None:
        for message in encode(facts, source="/collector/alpha"):
            await self.bus.publish(message)

    async def project(self, *, pace_s: float = 0) -> None:
        """Let the projector run until all is answered for, `pace_s` seconds a turn of the loop."""
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            running = group.create_task(self.projector.run())
            while await self.consumer.pending():
                await asyncio.sleep(0)
                self.clock.advance(pace_s)
            running.cancel()

    async def dead_letters(self) -> list[Message]:
        reader = await self.bus.consumer(DEAD)
        async with asyncio.timeout(1):
            return [one.message for one in await reader.fetch(10, 0)]


@pytest.fixture
async def bench() -> Bench:
    clock = ManualClock()
    bus = MemoryBus(clock)
    await bus.prepare(streams=STREAMS, consumers=(PROJECTOR,))
    store = MemoryStore()
    projector = Projector(
        bus=bus,
        apply=store.apply,
        clock=clock,
        health=Health("projector"),
        settings=ProjectorSettings(),
    )
    consumer = await bus.consumer(PROJECTOR)
    return Bench(clock=clock, bus=bus, store=store, projector=projector, consumer=consumer)


def polls(count: int) -> list[PollFinished]:
    return [a_poll(started_at=NOON + timedelta(minutes=one)) for one in range(count)]


async def test_what_is_stored_is_acknowledged(bench: Bench):
    told = polls(3)
    await bench.tell(*told)

    await bench.project()

    assert list(bench.store.stored.values()) == told
    assert await bench.consumer.pending() == 0
    assert bench.projector.health.checks["facts"].ok


async def test_rolls_are_handed_on_once_all_before_them_is_written(bench: Bench):
    seen: list[tuple[int, Sequence[RollCalled]]] = []
    bench.projector.on_rolls = lambda rolls: seen.append((len(bench.store.stored), rolls))
    roll = filled(RollCalled)
    await bench.tell(*polls(2), roll)

    await bench.project()

    assert seen == [(3, [roll])]
    assert await bench.consumer.pending() == 0


async def test_facts_told_before_the_acknowledgement_was_lost_are_stored_once(bench: Bench):
    await bench.tell(*polls(2))
    (delivery,) = await bench.consumer.fetch(10, 0)
    await bench.store.apply(decode(delivery.message.body))  # then the process died
    bench.clock.advance(PROJECTOR.ack_wait_s + 1)

    await bench.project()

    assert list(bench.store.stored.values()) == polls(2)
    assert await bench.consumer.pending() == 0


async def test_a_store_that_is_away_is_waited_for_and_nothing_is_lost(bench: Bench):
    bench.store.failures = [StoreUnavailableError("apply facts", "refused") for _ in range(12)]
    await bench.tell(*polls(1))

    await bench.project(pace_s=1)

    assert list(bench.store.stored.values()) == polls(1)
    assert bench.store.batches == [1]
    assert await bench.consumer.pending() == 0


async def test_an_outage_is_shown_while_it_lasts(bench: Bench):
    bench.store.failures = [StoreUnavailableError("apply facts", "refused") for _ in range(100)]
    await bench.tell(*polls(1))

    async with asyncio.TaskGroup() as group:
        running = group.create_task(bench.projector.run())
        for _ in range(20):
            await asyncio.sleep(0)
        checks = dict(bench.projector.health.checks)
        running.cancel()

    assert not checks["facts"].ok
    assert checks["facts"].detail == "apply facts: refused"
    assert await bench.consumer.pending() == 1


@pytest.mark.parametrize(
    "error",
    [
        StatementError("apply facts", "syntax error", sqlstate="42601"),
        StoreError("apply facts", "permission denied", sqlstate="42501"),
    ],
    ids=["statement", "role"],
)
async def test_a_refusal_that_no_value_caused_puts_nothing_aside(bench: Bench, error: StoreError):
    bench.store.failures = [error]
    await bench.tell(*polls(1))

    await bench.project(pace_s=1)

    assert list(bench.store.stored.values()) == polls(1)
    assert await bench.dead_letters() == []


async def test_an_undecodable_message_is_put_aside_and_the_rest_goes_through(bench: Bench):
    (good,) = encode(polls(1), source="/collector/alpha")
    bad = replace(good, body=b"\xff\xff", headers={**good.headers, "Nats-Msg-Id": "bad"})
    await bench.bus.publish(bad)
    await bench.bus.publish(good)

    await bench.project()

    assert list(bench.store.stored.values()) == polls(1)
    (letter,) = await bench.dead_letters()
    assert (letter.subject, letter.body) == ("fleet.dead.v1.projector", b"\xff\xff")
    assert letter.headers["Slurmfleet-Dead-Reason"].startswith("UndecodableMessageError")
    assert await bench.consumer.pending() == 0


async def test_a_fact_that_the_store_refuses_is_found_and_the_others_are_stored(bench: Bench):
    told = polls(9)
    bench.store.refused = {told[5].fact_id}
    await bench.tell(*told[:3])
    await bench.tell(*told[3:])

    await bench.project()

    assert list(bench.store.stored.values()) == [one for one in told if one is not told[5]]
    (letter,) = await bench.dead_letters()
    assert decode(letter.body) == tuple(told[3:])
    assert letter.headers["Slurmfleet-Dead-Reason"] == (
        f"1 of 6 facts refused ({told[5].fact_id}): apply facts: text with NUL [22021]"
    )
    assert await bench.consumer.pending() == 0


async def test_a_large_backlog_is_written_in_bounded_transactions(bench: Bench):
    bench.projector.settings = ProjectorSettings(batch_facts=4)
    for poll in polls(10):
        await bench.tell(poll)

    await bench.project()

    assert bench.store.batches == [4, 4, 2]
    assert await bench.consumer.pending() == 0


async def test_one_batch_is_decoded_ahead_and_no_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    bench.projector.settings = ProjectorSettings(batch_facts=1)
    told = polls(6)
    for poll in told:
        await bench.tell(poll)
    written = asyncio.Event()
    opened: list[Delivery] = []

    def opening(delivery: Delivery) -> Parcel | Unusable:
        opened.append(delivery)
        return open_delivery(delivery)

    async def slow(facts: Sequence[Fact]) -> Applied:
        await written.wait()
        return await bench.store.apply(facts)

    bench.projector.apply = slow
    monkeypatch.setattr(intake, "open_delivery", opening)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(bench.projector.run())
        for _ in range(50):
            await asyncio.sleep(0)
        # The first is written, the second is ready, the third showed where the second ends.
        assert len(opened) == 3
        running.cancel()
    written.set()
    await bench.project()

    assert list(bench.store.stored.values()) == told
    assert bench.store.batches == [1] * 6


async def test_a_slow_store_keeps_what_is_fetched_and_not_yet_written(bench: Bench):
    bench.projector.settings = ProjectorSettings(batch_facts=1)
    for poll in polls(8):
        await bench.tell(poll)

    async def slow(facts: Sequence[Fact]) -> Applied:
        await bench.clock.sleep(10)
        return await bench.store.apply(facts)

    bench.projector.apply = slow
    await bench.project(pace_s=1)

    assert bench.store.batches == [1] * 8
    assert len(bench.store.stored) == 8


async def test_what_a_failing_bus_leaves_in_hand_comes_again_in_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    bench.projector.settings = ProjectorSettings(batch_facts=1)
    told = polls(4)
    for poll in told:
        await bench.tell(poll)

    async def no_connection(*_: object, **__: object) -> None:
        raise BusUnavailableError("ack", "no connection")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryConsumer, "ack_all", no_connection)
        with pytest.raises(BusUnavailableError):
            await bench.projector.run()
    await bench.project()

    assert list(bench.store.stored.values()) == told
    assert bench.store.batches == [1] * 5


async def test_a_stop_gives_back_what_is_held(bench: Bench):
    bench.store.failures = [StoreUnavailableError("apply facts", "refused") for _ in range(100)]
    await bench.tell(*polls(1))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(bench.projector.run())
        for _ in range(20):
            await asyncio.sleep(0)
        running.cancel()

    (again,) = await bench.consumer.fetch(10, 0)

    assert again.delivered_count == 2


async def test_facts_of_a_newer_version_are_kept_and_the_others_written(bench: Bench):
    (known,) = polls(1)
    (message,) = encode([known], source="/collector/alpha")
    newer = b"\x0a\x05\xfa\x7f\x02hi"  # one more `Fact`, of which only a field 2047 is set
    await bench.bus.publish(replace(message, body=message.body + newer))

    await bench.project()

    (letter,) = await bench.dead_letters()
    assert list(bench.store.stored.values()) == [known]
    assert "1 of 2 facts" in letter.headers["Slurmfleet-Dead-Reason"]
    assert "upgrade slurmfleet, then retry" in letter.headers["Slurmfleet-Dead-Reason"]
    assert letter.body == message.body + newer
    assert await bench.consumer.pending() == 0
