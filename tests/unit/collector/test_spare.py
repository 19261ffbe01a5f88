"""A connection beside the watch's is there while it is used, and a while longer."""

import asyncio
from dataclasses import dataclass
from typing import Self, cast

from services.collector.scripts.spare import SpareLink
from slurmfleet.ssh.port import Link
from slurmfleet.testing.clock import ManualClock

KEPT_S = 60.0


@dataclass
class Fake:
    """Counts how often it was entered and left."""

    entered: int = 0
    left: int = 0

    async def __aenter__(self) -> Self:
        self.entered += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.left += 1


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def passed(clock: ManualClock, seconds: float) -> None:
    """Let time pass in steps, so that who sleeps again sleeps in it."""
    for _ in range(6):
        await settle()
        clock.advance(seconds / 6)
    await settle()


async def test_it_opens_on_first_use_stays_a_while_and_opens_again():
    clock, fake = ManualClock(), Fake()
    spare = SpareLink(lambda: cast("Link", fake), clock=clock, kept_s=KEPT_S)
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(spare.run())
        await settle()
        seen = [(fake.entered, fake.left)]
        for _ in range(2):
            async with spare.use() as link:
                assert link is cast("Link", fake)
                await passed(clock, 6 * KEPT_S)
                seen.append((fake.entered, fake.left))
        await passed(clock, 6 * KEPT_S)
        seen.append((fake.entered, fake.left))
        async with spare.use():
            seen.append((fake.entered, fake.left))
        keeping.cancel()

    assert seen == [(0, 0), (1, 0), (1, 0), (1, 1), (2, 1)]


async def test_who_comes_while_it_closes_waits_for_the_next_one():
    clock = ManualClock()
    closing, made = asyncio.Event(), list[Fake]()

    class Slow(Fake):
        async def __aexit__(self, *_: object) -> None:
            self.left += 1
            await closing.wait()

    def make() -> Link:
        made.append(Slow())
        return cast("Link", made[-1])

    spare = SpareLink(make, clock=clock, kept_s=KEPT_S)
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(spare.run())
        async with spare.use():
            pass
        await passed(clock, 6 * KEPT_S)
        assert made[0].left == 1

        async def use() -> Link:
            async with spare.use() as link:
                return link

        late = group.create_task(use())
        await settle()
        assert not late.done()
        closing.set()
        assert await late is cast("Link", made[1])
        keeping.cancel()
