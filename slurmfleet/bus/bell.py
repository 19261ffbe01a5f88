"""Wakes whoever waits for a change, or when a clock says that it is time."""

import asyncio

from slurmfleet.bus.beside import beside
from slurmfleet.timing.clock import Clock


class Bell:
    """Rung at every change; waiters look again at what they wait for."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock that limits the waiting."""
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake all who wait now."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, at_most_s: float | None) -> None:
        """Wait for the next ring, at most `at_most_s` seconds of the clock; None: for ever."""
        rung = self._rung
        if at_most_s is None:
            await rung.wait()
            return
        async with beside(self._ring_after(at_most_s), name="bell"):
            await rung.wait()

    async def _ring_after(self, delay_s: float) -> None:
        await self._clock.sleep(delay_s)
        self.ring()
