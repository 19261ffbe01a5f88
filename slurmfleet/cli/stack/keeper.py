"""Keeps one part running: starts it again when it dies, slower and slower."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from slurmfleet.cli.stack.parts import Part, PartError
from slurmfleet.runtime.process import Backoff
from slurmfleet.timing.clock import Clock

STEADY_S = 60.0
"""A part that lived so long had a good start; its failures are counted afresh."""

MOST_WAIT_S = 8.0
"""Between two tries: when what hindered it is gone, a part is back within half a minute."""


@dataclass(slots=True, kw_only=True)
class Keeper:
    """One part, and what became of it."""

    part: Part
    clock: Clock
    say: Callable[[str, str], None]
    """Told part and sentence at every change."""

    on_change: Callable[[], None]
    """Told after the part has a new process, or none."""

    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.5, most_s=MOST_WAIT_S))
    failures: int = 0
    """Deaths in a row."""

    _ending: bool = field(default=False, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    """Held while the part is started or stopped: a stop never meets a half-made process."""

    async def begin(self) -> None:
        """Start the part for the first time.

        Raises:
            PartError: It could not be started.
        """
        async with self._turn:
            await self.part.start()
        self.on_change()

    async def watch(self) -> None:
        """Start the part again whenever it dies; return once it was ended on purpose."""
        while True:
            born_s = self.clock.monotonic_s()
            status = await self.part.wait_ended()
            if self._ending:
                return
            if self.clock.monotonic_s() - born_s > STEADY_S:
                self.failures = 0
            await self._bring_back(_how(status))

    async def end(self) -> None:
        """Stop the part for good."""
        self._ending = True
        async with self._turn:
            await self.part.stop()

    async def _bring_back(self, how: str) -> None:
        """Start until it works; how the part ended is told each time."""
        while not self._ending:
            self.failures += 1
            delay_s = self.backoff.delay_s(self.failures)
            self.say(self.part.name, f"{how}; starting it again in {delay_s:g} s")
            await self.clock.sleep(delay_s)
            async with self._turn:
                if self._ending:
                    return
                try:
                    await self.part.start()
                except PartError as exc:
                    how = str(exc)
                    continue
            self.on_change()
            self.say(self.part.name, "runs again")
            return


def _how(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
