"""Wakes everybody who follows events; one connection to the store serves all of them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from slurmfleet.store.read.reader import Reader
from slurmfleet.telemetry.metrics import EVENT_STREAMS


class EventFeed:
    """A bell: `run` rings it, followers wait for it."""

    def __init__(self, reader: Reader) -> None:
        """Keep whom to listen to."""
        self._reader = reader
        self._bell = asyncio.Event()
        self._followers = 0

    @property
    def followers(self) -> int:
        """How many clients follow at present."""
        return self._followers

    async def run(self) -> None:
        """Ring whenever there may be new events, for ever."""
        async with aclosing(self._reader.wakes()) as wakes:
            async for _ in wakes:
                self.ring()

    def ring(self) -> None:
        """Wake everybody who waits."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    def bell(self) -> asyncio.Event:
        """Give the bell that rings next; take it before looking, so that no ring is missed."""
        return self._bell

    @asynccontextmanager
    async def follow(self) -> AsyncGenerator[None]:
        """Count a follower while the body runs."""
        self._followers += 1
        EVENT_STREAMS.set(self._followers)
        try:
            yield
        finally:
            self._followers -= 1
            EVENT_STREAMS.set(self._followers)


async def rings_within(bell: asyncio.Event, limit_s: float) -> bool:
    """Wait for a bell, at most `limit_s` seconds; whether it rang."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await bell.wait()
    return bell.is_set()
