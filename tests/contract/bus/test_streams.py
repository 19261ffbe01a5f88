"""Publishing and consuming, on both buses."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from slurmfleet.bus.errors import (
    BusUnavailableError,
    KeyNotFoundError,
    MessageTooLargeError,
    PartialPublishError,
    PublishRejectedError,
)
from slurmfleet.bus.port import Bus, Consumer, Delivery, PublishAck
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import ConsumerSpec, StreamSpec

Outage = Callable[[], AbstractAsyncContextManager[None]]

STREAM = StreamSpec(
    name="TEST",
    description="what a test publishes",
    subjects=("test.*.done", "test.*.begun"),
    max_age_s=3_600,
    duplicate_window_s=60,
)
CONSUMER = ConsumerSpec(
    durable="reader",
    stream="TEST",
    filter_subjects=("test.*.done",),
    ack_wait_s=1,
    max_ack_pending=100,
)


@pytest.fixture(autouse=True)
async def prepared(bus: Bus) -> None:
    await bus.prepare(streams=(STREAM,), consumers=(CONSUMER,))


def message(name: str, *, subject: str = "test.a.done") -> Message:
    return Message(
        subject=subject, body=name.encode(), headers={"Nats-Msg-Id": name, "ce-type": "Tested"}
    )


def bodies(deliveries: Sequence[Delivery]) -> list[str]:
    return [one.message.body.decode() for one in deliveries]


async def take(consumer: Consumer, count: int) -> list[Delivery]:
    """Fetch until `count` messages have come."""
    taken: list[Delivery] = []
    async with asyncio.timeout(8):
        while len(taken) < count:
            taken += await consumer.fetch(count - len(taken), 1)
    return taken


async def test_publish_tells_the_place_in_the_stream(bus: Bus):
    acks = [await bus.publish(message("one")), await bus.publish(message("two"))]

    assert acks == [
        PublishAck(stream="TEST", sequence=1, duplicate=False),
        PublishAck(stream="TEST", sequence=2, duplicate=False),
    ]


async def test_a_repeated_id_is_stored_once(bus: Bus):
    await bus.publish(message("one"))

    again = await bus.publish(message("one"))
    consumer = await bus.consumer(CONSUMER)

    assert again == PublishAck(stream="TEST", sequence=1, duplicate=True)
    assert bodies(await consumer.fetch(10, 0.2)) == ["one"]


async def test_a_message_arrives_as_it_was_sent(bus: Bus):
    sent = message("one")
    await bus.publish(sent)

    (delivery,) = await (await bus.consumer(CONSUMER)).fetch(10, 1)

    assert delivery.message == sent
    assert (delivery.sequence, delivery.delivered_count) == (1, 1)
    assert delivery.published_at.utcoffset() is not None


async def test_a_subject_without_stream_is_rejected(bus: Bus):
    with pytest.raises(PublishRejectedError, match=r"nowhere\.to\.go"):
        await bus.publish(message("one", subject="nowhere.to.go"))


async def test_a_huge_message_is_rejected_for_good(bus: Bus):
    huge = Message(subject="test.a.done", body=bytes(8 * 1024 * 1024 + 1))

    with pytest.raises(MessageTooLargeError) as caught:
        await bus.publish(huge)

    assert not caught.value.retryable
    assert await bus.publish(message("after")) == PublishAck(
        stream="TEST", sequence=1, duplicate=False
    )


async def test_many_are_published_in_order(bus: Bus):
    names = [str(number) for number in range(600)]

    acks = await bus.publish_many([message(name) for name in names])

    assert [ack.sequence for ack in acks] == list(range(1, 601))


async def test_publish_many_says_which_were_acknowledged(bus: Bus):
    batch = [message("one"), message("lost", subject="nowhere.to.go"), message("two")]

    with pytest.raises(PartialPublishError) as caught:
        await bus.publish_many(batch)

    assert caught.value.acknowledged[0] == PublishAck(stream="TEST", sequence=1, duplicate=False)
    assert 1 not in caught.value.acknowledged
    assert isinstance(caught.value.reason, PublishRejectedError)


async def test_publish_many_of_nothing_is_nothing(bus: Bus):
    assert list(await bus.publish_many([])) == []


async def test_a_consumer_sees_only_its_subjects(bus: Bus):
    await bus.publish_many([message("begun", subject="test.a.begun"), message("done")])
    consumer = await bus.consumer(CONSUMER)

    assert await consumer.pending() == 1
    assert bodies(await consumer.fetch(10, 0.2)) == ["done"]


async def test_fetch_waits_for_a_message(bus: Bus):
    consumer = await bus.consumer(CONSUMER)

    async with asyncio.TaskGroup() as group:
        fetching = group.create_task(consumer.fetch(10, 5))
        await asyncio.sleep(0.05)
        await bus.publish(message("late"))

    assert bodies(fetching.result()) == ["late"]


async def test_fetch_of_nothing_is_empty_in_time(bus: Bus):
    consumer = await bus.consumer(CONSUMER)
    began = asyncio.get_running_loop().time()

    found = await consumer.fetch(10, 0.3)

    assert list(found) == []
    assert 0.2 < asyncio.get_running_loop().time() - began < 1


async def test_fetch_takes_no_more_than_asked(bus: Bus):
    await bus.publish_many([message(str(number)) for number in range(5)])
    consumer = await bus.consumer(CONSUMER)

    first, second = await consumer.fetch(2, 1), await consumer.fetch(10, 1)

    assert [bodies(first), bodies(second)] == [["0", "1"], ["2", "3", "4"]]


async def test_an_acknowledged_message_does_not_come_again(bus: Bus):
    await bus.publish(message("one"))
    consumer = await bus.consumer(CONSUMER)
    (delivery,) = await consumer.fetch(10, 1)

    await delivery.ack()

    assert await consumer.pending() == 0
    assert list(await consumer.fetch(10, 1.3)) == []


async def test_many_are_acknowledged_in_one_go(bus: Bus):
    await bus.publish_many([message(str(number)) for number in range(50)])
    consumer = await bus.consumer(CONSUMER)

    await consumer.ack_all(await take(consumer, 50))

    assert await consumer.pending() == 0


async def test_an_unanswered_message_comes_again(bus: Bus):
    await bus.publish(message("one"))
    consumer = await bus.consumer(CONSUMER)
    await consumer.fetch(10, 1)

    assert await consumer.pending() == 1
    (again,) = await consumer.fetch(10, 3)

    assert (again.message.body, again.delivered_count) == (b"one", 2)


async def test_a_refused_message_comes_again_after_its_delay(bus: Bus):
    await bus.publish(message("one"))
    consumer = await bus.consumer(CONSUMER)
    (delivery,) = await consumer.fetch(10, 1)
    began = asyncio.get_running_loop().time()

    await delivery.nak(0.4)
    (again,) = await consumer.fetch(10, 3)

    assert again.delivered_count == 2
    assert 0.3 < asyncio.get_running_loop().time() - began < 0.95


async def test_a_terminated_message_never_comes_again(bus: Bus):
    await bus.publish(message("poison"))
    consumer = await bus.consumer(CONSUMER)
    (delivery,) = await consumer.fetch(10, 1)

    await delivery.term()

    assert list(await consumer.fetch(10, 1.3)) == []
    assert await consumer.pending() == 0


async def test_progress_puts_the_redelivery_off(bus: Bus):
    await bus.publish(message("slow"))
    consumer = await bus.consumer(CONSUMER)
    (delivery,) = await consumer.fetch(10, 1)

    for _ in range(3):
        await asyncio.sleep(0.5)
        await delivery.in_progress()
    again = await consumer.fetch(10, 0.1)
    await delivery.ack()

    assert list(again) == []
    assert await consumer.pending() == 0


async def test_unanswered_messages_hold_back_new_ones(bus: Bus):
    spec = replace(CONSUMER, durable="narrow", max_ack_pending=2, ack_wait_s=30)
    consumer = await bus.consumer(spec)
    await bus.publish_many([message(str(number)) for number in range(3)])
    first = await consumer.fetch(10, 1)

    held_back = await consumer.fetch(10, 0.2)
    await consumer.ack_all(first)
    after = await consumer.fetch(10, 1)

    assert [bodies(first), bodies(held_back), bodies(after)] == [["0", "1"], [], ["2"]]


async def test_two_handles_share_one_place(bus: Bus):
    await bus.publish_many([message(str(number)) for number in range(4)])
    one, other = await bus.consumer(CONSUMER), await bus.consumer(CONSUMER)

    shares = [bodies(await one.fetch(2, 1)), bodies(await other.fetch(2, 1))]

    assert shares == [["0", "1"], ["2", "3"]]


async def test_a_consumer_needs_its_stream(bus: Bus):
    with pytest.raises(KeyNotFoundError):
        await bus.consumer(replace(CONSUMER, stream="MISSING"))


async def test_preparing_again_keeps_messages_and_places(bus: Bus):
    await bus.publish_many([message("one"), message("two")])
    consumer = await bus.consumer(CONSUMER)
    (first,) = await consumer.fetch(1, 1)
    await first.ack()

    await bus.prepare(streams=(replace(STREAM, max_age_s=1),), consumers=(CONSUMER,))
    await asyncio.sleep(1.2)

    assert bodies(await consumer.fetch(10, 1)) == ["two"]


async def test_no_acknowledged_message_is_lost_when_the_server_is_killed(bus: Bus, outage: Outage):
    consumer = await bus.consumer(CONSUMER)
    before = [str(number) for number in range(50)]
    await bus.publish_many([message(name) for name in before])

    async with outage():
        pass
    await bus.publish(message("after"))
    taken = await take(consumer, 51)

    assert sorted(bodies(taken), key=lambda name: (len(name), name)) == [*before, "after"]


async def test_a_waiting_fetch_goes_on_after_an_outage(bus: Bus, outage: Outage):
    consumer = await bus.consumer(CONSUMER)

    async with asyncio.TaskGroup() as group:
        fetching = group.create_task(consumer.fetch(10, 6))
        await asyncio.sleep(0.1)
        async with outage():
            await asyncio.sleep(0.1)
        await bus.publish(message("after"))

    assert bodies(fetching.result()) == ["after"]


async def test_an_outage_is_told_as_such(bus: Bus, outage: Outage):
    consumer = await bus.consumer(CONSUMER)

    async with outage():
        with pytest.raises(BusUnavailableError):
            await bus.publish(message("one"), limit_s=0.2)
        with pytest.raises(BusUnavailableError):
            await consumer.fetch(1, 0.2)
        connected, info = bus.is_connected, bus.server_info

    assert (connected, info) == (False, None)


async def test_the_server_is_described(bus: Bus):
    info = bus.server_info

    assert bus.is_connected
    assert info is not None
    assert info.max_payload_bytes == 8 * 1024 * 1024
    assert 0 <= await bus.rtt() < 1


async def test_a_stream_tells_its_ends_and_which_messages_can_be_read(bus: Bus):
    empty = await bus.stream_state("TEST")
    acks = await bus.publish_many([message(f"m{index}") for index in range(5)])

    state = await bus.stream_state("TEST")
    places = [ack.sequence for ack in acks]

    assert empty.last_sequence + 1 == state.first_sequence == places[0]
    assert (state.last_sequence, state.lost_bytes) == (places[-1], 0)
    assert list(await bus.readable("TEST", first=places[0], most=10)) == places
    assert list(await bus.readable("TEST", first=places[1], most=2)) == places[1:3]
    assert list(await bus.readable("TEST", first=places[-1] + 1, most=2)) == []


async def test_a_stream_that_is_not_there_has_no_state(bus: Bus):
    with pytest.raises(KeyNotFoundError):
        await bus.stream_state("NONE")


async def test_a_consumer_that_reads_for_once_sees_everything_and_names_are_apart(bus: Bus):
    await bus.publish_many([message(f"{number}") for number in range(5)])
    once = replace(CONSUMER, durable="once-a", forget_after_s=60)
    again = replace(once, durable="once-b")

    seen = []
    for spec in (once, again):
        consumer = await bus.consumer(spec)
        taken = await take(consumer, 5)
        await consumer.ack_all(taken)
        seen.append((bodies(taken), await consumer.pending()))

    assert seen == [(["0", "1", "2", "3", "4"], 0)] * 2


@pytest.mark.timeout(20)
async def test_the_server_forgets_a_consumer_that_nobody_asks(bus: Bus):
    await bus.publish(message("one"))
    consumer = await bus.consumer(replace(CONSUMER, durable="brief", forget_after_s=1))
    await consumer.ack_all(await take(consumer, 1))

    await asyncio.sleep(3)
    anew = await bus.consumer(replace(CONSUMER, durable="brief", forget_after_s=1))

    assert bodies(await take(anew, 1)) == ["one"]
