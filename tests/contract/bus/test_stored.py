"""Messages of a stream by their place, on both buses."""

import pytest

from slurmfleet.bus.errors import KeyNotFoundError
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import ConsumerSpec, StreamSpec

STREAM = StreamSpec(
    name="LOOKED_AT",
    description="what a test looks at",
    subjects=("looked.*",),
    max_age_s=3_600,
    duplicate_window_s=60,
)
CONSUMER = ConsumerSpec(
    durable="reader",
    stream=STREAM.name,
    filter_subjects=STREAM.subjects,
    ack_wait_s=30,
    max_ack_pending=100,
)


@pytest.fixture(autouse=True)
async def prepared(bus: Bus) -> None:
    await bus.prepare(streams=(STREAM,))
    await bus.publish_many([message(name) for name in ("one", "two", "three")])


def message(name: str) -> Message:
    headers = {"Nats-Msg-Id": name, "reason": "a: b, c"}
    return Message(subject=f"looked.{name}", body=b"\x00\xff" + name.encode(), headers=headers)


async def places(bus: Bus, *, after: int = 0, limit: int = 10) -> list[int]:
    found = await bus.list_stored(STREAM.name, after=after, limit=limit)
    return [one.sequence for one in found]


async def test_a_message_is_read_as_it_was_sent(bus: Bus):
    found = await bus.read_stored(STREAM.name, 2)

    assert (found.sequence, found.message) == (2, message("two"))
    assert found.published_at.utcoffset() is not None


async def test_messages_are_listed_oldest_first_behind_a_place(bus: Bus):
    assert await places(bus) == [1, 2, 3]
    assert await places(bus, after=1, limit=1) == [2]
    assert await places(bus, after=3) == []


async def test_a_deleted_message_is_gone_and_the_others_keep_their_places(bus: Bus):
    await bus.delete_stored(STREAM.name, 2)

    assert await places(bus) == [1, 3]
    assert await places(bus, after=1) == [3]
    assert await bus.count_stored(STREAM.name) == 2
    with pytest.raises(KeyNotFoundError):
        await bus.read_stored(STREAM.name, 2)


async def test_deleting_twice_is_told(bus: Bus):
    await bus.delete_stored(STREAM.name, 1)

    with pytest.raises(KeyNotFoundError):
        await bus.delete_stored(STREAM.name, 1)


async def test_a_message_that_never_was_is_not_found(bus: Bus):
    for ask in (bus.read_stored, bus.delete_stored):
        with pytest.raises(KeyNotFoundError):
            await ask(STREAM.name, 99)


async def test_a_missing_stream_is_told(bus: Bus):
    with pytest.raises(KeyNotFoundError):
        await bus.list_stored("MISSING", limit=1)
    with pytest.raises(KeyNotFoundError):
        await bus.count_stored("MISSING")


async def test_looking_takes_nothing_from_a_consumer(bus: Bus):
    consumer = await bus.consumer(CONSUMER)
    await bus.list_stored(STREAM.name, limit=10)

    assert [one.sequence for one in await consumer.fetch(10, 1)] == [1, 2, 3]
