"""The clock that code takes as an argument instead of asking the machine."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits; tests pass one that they move by hand."""

    def now(self) -> datetime:
        """Give the wall-clock time, aware and in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Give seconds that never go backwards; only differences mean something."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Wait for `delay_s` seconds of this clock."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Give the machine's time in UTC."""
        return datetime.now(tz=UTC)

    def monotonic_s(self) -> float:
        """Give the machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(delay_s)
