"""A part that dies is started again; one that was ended is not."""

import asyncio
from dataclasses import dataclass, field

from slurmfleet.cli.stack.keeper import Keeper
from slurmfleet.cli.stack.parts import PartError
from slurmfleet.runtime.process import Backoff
from slurmfleet.testing.clock import ManualClock


@dataclass
class FakePart:
    """A process that a test lets die."""

    name: str = "api"
    starts: int = 0
    refusals: int = 0
    """Starts after the first that fail."""

    pid: int | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _status: int = 0

    async def start(self) -> None:
        self.starts += 1
        if self.starts > 1 and self.refusals:
            self.refusals -= 1
            raise PartError("the port is taken")
        self.pid, self._ended = 100 + self.starts, asyncio.Event()

    async def stop(self) -> None:
        self.die(0)

    async def wait_ended(self) -> int:
        await self._ended.wait()
        return self._status

    def die(self, status: int) -> None:
        self.pid, self._status = None, status
        self._ended.set()


@dataclass
class Told:
    """What a keeper said and how often it reported a change."""

    lines: list[str] = field(default_factory=list[str])
    changes: int = 0

    def say(self, part: str, what: str) -> None:
        self.lines.append(f"{part} {what}")

    def change(self) -> None:
        self.changes += 1


def _keeper(part: FakePart, clock: ManualClock, told: Told) -> Keeper:
    waits = Backoff(first_s=1, most_s=4)
    return Keeper(part=part, clock=clock, say=told.say, on_change=told.change, backoff=waits)


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_dead_part_is_started_again_slower_and_slower():
    part, clock, told = FakePart(), ManualClock(), Told()
    keeper = _keeper(part, clock, told)
    await keeper.begin()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keeper.watch())
        for delay_s in (1, 2, 4, 4):
            await _settle()
            part.die(-9)
            await _settle()
            clock.advance(delay_s)
        await _settle()
        await keeper.end()

    assert part.starts == 5
    assert told.changes == 5
    assert told.lines == [
        "api was killed by signal 9; starting it again in 1 s",
        "api runs again",
        "api was killed by signal 9; starting it again in 2 s",
        "api runs again",
        "api was killed by signal 9; starting it again in 4 s",
        "api runs again",
        "api was killed by signal 9; starting it again in 4 s",
        "api runs again",
    ]


async def test_a_start_that_fails_is_tried_again_and_says_why():
    part, clock, told = FakePart(refusals=1), ManualClock(), Told()
    keeper = _keeper(part, clock, told)
    await keeper.begin()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keeper.watch())
        part.die(1)
        for delay_s in (1, 2):
            await _settle()
            clock.advance(delay_s)
        await _settle()
        await keeper.end()

    assert told.lines == [
        "api ended with status 1; starting it again in 1 s",
        "api the port is taken; starting it again in 2 s",
        "api runs again",
    ]


async def test_a_part_that_waits_for_its_next_start_is_not_started_after_the_end():
    part, clock, told = FakePart(), ManualClock(), Told()
    keeper = _keeper(part, clock, told)
    await keeper.begin()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keeper.watch())
        part.die(1)
        await _settle()
        await keeper.end()
        clock.advance(60)

    assert part.starts == 1


async def test_a_long_life_forgives_earlier_deaths():
    part, clock, told = FakePart(), ManualClock(), Told()
    keeper = _keeper(part, clock, told)
    await keeper.begin()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keeper.watch())
        for lived_s, delay_s in ((0, 1), (61, 1)):
            await _settle()
            clock.advance(lived_s)
            part.die(1)
            await _settle()
            clock.advance(delay_s)
        await _settle()
        await keeper.end()

    assert told.lines[2] == "api ended with status 1; starting it again in 1 s"
