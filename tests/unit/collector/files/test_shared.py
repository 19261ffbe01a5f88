"""Equal questions share an answer while it is fresh, and nothing is kept longer."""

import asyncio
import gc
import weakref

import pytest

from services.collector.files.shared import Shared
from slurmfleet.testing.clock import ManualClock


class Answer:
    """Something that can be seen to be gone."""


class Source:
    """Counts how often it is asked; answers when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False
        self.let = asyncio.Event()
        self.let.set()

    async def __call__(self) -> Answer:
        self.asked += 1
        await self.let.wait()
        if self.fails:
            raise RuntimeError("no answer")
        return Answer()


async def test_many_who_ask_at_once_are_one_question():
    shared, source = Shared[Answer](ManualClock()), Source()
    source.let.clear()

    async with asyncio.TaskGroup() as group:
        asking = [
            group.create_task(shared.get("log", source, keep_s=1)) for _ in range(20)
        ]  # fmt: skip
        await asyncio.sleep(0)
        source.let.set()

    assert source.asked == 1
    assert len({id(one.result()) for one in asking}) == 1


async def test_an_answer_is_fresh_for_a_while_and_only_for_its_question():
    clock, source = ManualClock(), Source()
    shared = Shared[Answer](clock)

    await shared.get("log", source, keep_s=1)
    await shared.get("log", source, keep_s=1)
    await shared.get("another", source, keep_s=1)
    before = source.asked
    clock.advance(1.5)
    await shared.get("log", source, keep_s=1)

    assert (before, source.asked) == (2, 3)


async def test_a_failure_is_nobodys_answer():
    shared, source = Shared[Answer](ManualClock()), Source()
    source.fails = True
    with pytest.raises(RuntimeError):
        await shared.get("log", source, keep_s=1)
    source.fails = False

    assert isinstance(await shared.get("log", source, keep_s=1), Answer)


async def test_who_gives_up_leaves_the_question_to_the_next():
    shared, source = Shared[Answer](ManualClock()), Source()
    source.let.clear()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.get("log", source, keep_s=1))
        second = group.create_task(shared.get("log", source, keep_s=1))
        await asyncio.sleep(0)
        first.cancel()
        source.let.set()

    assert isinstance(second.result(), Answer)


async def test_what_is_no_longer_fresh_is_let_go():
    clock, source = ManualClock(), Source()
    shared = Shared[Answer](clock)
    old = weakref.ref(await shared.get("old", source, keep_s=1))

    clock.advance(2)
    await shared.get("new", source, keep_s=1)
    gc.collect()

    assert old() is None
