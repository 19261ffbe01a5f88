"""One answer for all who ask the same at once, or soon after."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from slurmfleet.timing.clock import Clock

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Slot(Generic[Answer]):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: Answer | None = None
    until_s: float = 0.0


class Shared(Generic[Answer]):
    """Keeps answers for a short while. A failed asking keeps nothing: the next one asks anew."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing kept."""
        self._clock = clock
        self._slots: dict[str, _Slot[Answer]] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[Answer]], *, keep_s: float) -> Answer:
        """Give what is kept for a key, or ask; whoever comes meanwhile waits for that answer."""
        self._forget(key)
        slot = self._slots.setdefault(key, _Slot[Answer]())
        async with slot.lock:
            if slot.answer is None or self._clock.monotonic_s() >= slot.until_s:
                slot.answer = await ask()
                slot.until_s = self._clock.monotonic_s() + keep_s
            return slot.answer

    def _forget(self, asked: str) -> None:
        """Let go of what is no longer fresh and that nobody waits for; answers can be large."""
        now_s = self._clock.monotonic_s()
        for key in [
            key
            for key, slot in self._slots.items()
            if key != asked and now_s >= slot.until_s and not slot.lock.locked()
        ]:
            del self._slots[key]
