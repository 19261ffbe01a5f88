"""A clock that a test moves by hand."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""Where a manual clock stands at first; a round moment that is easy to read in a failure."""


class ManualClock:
    """Stands still until `advance` moves it; sleepers wake when their moment has come."""

    def __init__(self, now: datetime = START) -> None:
        """Start at `now`."""
        self._now = now
        self._elapsed_s = 0.0
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """Give the moment the test has set."""
        return self._now

    def monotonic_s(self) -> float:
        """Give the seconds the test has let pass."""
        return self._elapsed_s

    async def sleep(self, delay_s: float) -> None:
        """Wait until the test has advanced the clock by `delay_s`."""
        due_s = self._elapsed_s + delay_s
        while self._elapsed_s < due_s:
            moved = self._moved
            await moved.wait()

    def advance(self, delay_s: float) -> None:
        """Let `delay_s` seconds pass and wake who is due."""
        self._elapsed_s += delay_s
        self._now += timedelta(seconds=delay_s)
        self._moved.set()
        self._moved = asyncio.Event()
