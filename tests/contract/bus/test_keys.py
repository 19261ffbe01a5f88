"""Key-value buckets, on both buses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from slurmfleet.bus.errors import BusRefusedError, KeyNotFoundError, RevisionConflictError
from slurmfleet.bus.port import Bus, KvEntry, KvRemoved, KvUpdate, SnapshotComplete

Outage = Callable[[], AbstractAsyncContextManager[None]]


def seen(update: KvUpdate) -> tuple[object, ...]:
    match update:
        case KvEntry():
            return (update.key, update.value, update.revision)
        case KvRemoved():
            return (update.key, None)
        case SnapshotComplete():
            return ()


async def follow(watch: AsyncIterator[KvUpdate], count: int) -> list[tuple[object, ...]]:
    """Take the next `count` updates."""
    async with asyncio.timeout(8):
        return [seen(await anext(watch)) for _ in range(count)]


async def test_a_written_key_is_read(bus: Bus):
    revision = await bus.kv_put("keep", "cluster.alpha", b"one")

    entry = await bus.kv_get("keep", "cluster.alpha")

    assert entry == KvEntry(
        key="cluster.alpha", value=b"one", revision=revision, written_at=entry.written_at
    )
    assert entry.written_at.utcoffset() is not None


async def test_revisions_grow_over_the_bucket(bus: Bus):
    revisions = [await bus.kv_put("keep", key, b"x") for key in ("a", "b", "a")]

    assert revisions == [1, 2, 3]


async def test_an_empty_value_is_a_value(bus: Bus):
    await bus.kv_put("keep", "a", b"")

    assert (await bus.kv_get("keep", "a")).value == b""


async def test_a_missing_key_is_not_found(bus: Bus):
    with pytest.raises(KeyNotFoundError):
        await bus.kv_get("keep", "nothing")


async def test_a_missing_bucket_is_not_found(bus: Bus):
    with pytest.raises(KeyNotFoundError):
        await bus.kv_get("nowhere", "a")
    with pytest.raises(KeyNotFoundError):
        await bus.kv_entries("nowhere")


@pytest.mark.parametrize("key", ["", "a b", "a.*", "a>", ".a", "a\r\nPUB x 0"])
async def test_a_key_that_no_subject_may_hold_is_refused(bus: Bus, key: str):
    with pytest.raises(BusRefusedError):
        await bus.kv_put("keep", key, b"x")


async def test_only_one_creates_a_key(bus: Bus):
    await bus.kv_create("keep", "a", b"first")

    with pytest.raises(RevisionConflictError):
        await bus.kv_create("keep", "a", b"second")

    assert (await bus.kv_get("keep", "a")).value == b"first"


async def test_an_update_needs_the_last_revision(bus: Bus):
    first = await bus.kv_create("keep", "a", b"1")
    second = await bus.kv_update("keep", "a", b"2", revision=first)

    with pytest.raises(RevisionConflictError):
        await bus.kv_update("keep", "a", b"lost", revision=first)

    assert second > first
    assert (await bus.kv_get("keep", "a")).value == b"2"


async def test_a_deleted_key_is_gone_and_may_come_back(bus: Bus):
    first = await bus.kv_create("keep", "a", b"1")

    await bus.kv_delete("keep", "a", revision=first)

    with pytest.raises(KeyNotFoundError):
        await bus.kv_get("keep", "a")
    assert await bus.kv_create("keep", "a", b"2") > first


async def test_a_delete_with_an_old_revision_is_refused(bus: Bus):
    first = await bus.kv_create("keep", "a", b"1")
    await bus.kv_put("keep", "a", b"2")

    with pytest.raises(RevisionConflictError):
        await bus.kv_delete("keep", "a", revision=first)

    assert (await bus.kv_get("keep", "a")).value == b"2"


async def test_entries_are_those_with_the_prefix_sorted(bus: Bus):
    for key in ("cluster.b", "setting.x", "cluster.a", "cluster.gone", "clusters"):
        await bus.kv_put("keep", key, key.encode())
    await bus.kv_delete("keep", "cluster.gone")

    entries = await bus.kv_entries("keep", "cluster.")

    assert [(entry.key, entry.value) for entry in entries] == [
        ("cluster.a", b"cluster.a"),
        ("cluster.b", b"cluster.b"),
    ]
    assert len(await bus.kv_entries("keep")) == 4
    assert list(await bus.kv_entries("brief")) == []


async def test_a_watch_tells_what_is_there_then_what_changes(bus: Bus):
    await bus.kv_put("keep", "cluster.a", b"1")
    await bus.kv_put("keep", "setting.x", b"no")
    watch = bus.kv_watch("keep", "cluster.")

    there = await follow(watch, 2)
    await bus.kv_put("keep", "cluster.b", b"2")
    added = await follow(watch, 1)
    await bus.kv_delete("keep", "cluster.a")
    removed = await follow(watch, 1)

    assert there == [("cluster.a", b"1", 1), ()]
    assert added == [("cluster.b", b"2", 3)]
    assert removed == [("cluster.a", None)]


async def test_a_watch_of_nothing_says_so_at_once(bus: Bus):
    assert await follow(bus.kv_watch("keep", "cluster."), 1) == [()]


async def test_a_watch_wakes_for_a_change(bus: Bus):
    watch = bus.kv_watch("keep")
    await follow(watch, 1)

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(follow(watch, 1))
        await asyncio.sleep(0.1)
        await bus.kv_put("keep", "a", b"1")

    assert waiting.result() == [("a", b"1", 1)]


async def test_a_watch_goes_on_after_an_outage(bus: Bus, outage: Outage):
    for key in ("a", "b"):
        await bus.kv_put("keep", key, b"1")
    watch = bus.kv_watch("keep")
    await follow(watch, 3)

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(follow(watch, 2))
        await asyncio.sleep(0.05)
        async with outage():
            await asyncio.sleep(0.05)
        await bus.kv_put("keep", "b", b"2")
        await bus.kv_delete("keep", "a")

    assert sorted(waiting.result(), key=str) == [("a", None), ("b", b"2", 3)]


async def test_a_key_of_a_brief_bucket_expires_and_the_watch_says_so(bus: Bus):
    await bus.kv_create("brief", "lease", b"mine")
    watch = bus.kv_watch("brief")
    await follow(watch, 2)

    expired = await follow(watch, 1)
    again = await bus.kv_create("brief", "lease", b"yours")

    assert expired == [("lease", None)]
    assert (await bus.kv_get("brief", "lease")).revision == again
