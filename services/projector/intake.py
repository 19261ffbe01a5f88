"""Takes messages from the bus and apart, one batch ahead of whoever writes them.

While PostgreSQL writes one batch this process has nothing else to do, so it decodes the next one
then. One batch ahead is all there is to win, and what bounds the memory.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from services.projector.batch import Batch, open_delivery
from services.projector.settings import ProjectorSettings
from slurmfleet.bus.errors import BusError
from slurmfleet.bus.port import Consumer, Delivery
from slurmfleet.contracts.streams import PROJECTOR
from slurmfleet.timing.clock import Clock

_KEEP_EVERY_S = PROJECTOR.ack_wait_s / 3
_GIVE_BACK_S = 1.0


@dataclass(slots=True, kw_only=True)
class Intake:
    """What is fetched and not yet acknowledged, oldest first."""

    consumer: Consumer
    settings: ProjectorSettings
    clock: Clock
    _held: deque[Delivery] = field(default_factory=deque[Delivery], init=False)
    _ready: asyncio.Queue[Batch] = field(default_factory=asyncio.Queue[Batch], init=False)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1), init=False)
    _kept_at_s: float = field(default=0.0, init=False)

    async def run(self) -> None:
        """Fetch and take apart for ever.

        Raises:
            BusError: The bus could not be asked.
        """
        while True:
            await self._room.acquire()
            deliveries = await self.consumer.fetch(
                self.settings.batch_messages, self.settings.fetch_wait_s
            )
            if not self._held:
                self._kept_at_s = self.clock.monotonic_s()
            self._held.extend(deliveries)
            async for batch in self._taken_apart(deliveries):
                self._ready.put_nowait(batch)
                await self._room.acquire()
            self._room.release()

    async def next(self) -> Batch:
        """Give the next batch; an empty one when nothing came for `fetch_wait_s`."""
        batch = await self._ready.get()
        self._room.release()
        return batch

    def done(self, batch: Batch) -> None:
        """Let go of a batch that is answered for."""
        for _ in batch.deliveries:
            self._held.popleft()

    async def keep(self) -> None:
        """Tell the bus that what is held is still worked on."""
        self._kept_at_s = self.clock.monotonic_s()
        for delivery in tuple(self._held):
            await delivery.in_progress()

    async def keep_if_due(self) -> None:
        """Do so if the bus has not heard it for a while: slow batches may stand before others."""
        if self.clock.monotonic_s() - self._kept_at_s >= _KEEP_EVERY_S:
            await self.keep()

    async def give_back(self) -> None:
        """Let whoever comes next have it at once instead of after `ack_wait_s`."""
        with contextlib.suppress(BusError, TimeoutError):
            async with asyncio.timeout(_GIVE_BACK_S):
                for delivery in tuple(self._held):
                    await delivery.nak()

    async def _taken_apart(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Batch]:
        """Give the deliveries in batches of at most so many facts; at least one, be it empty.

        A message of 1,000 facts keeps the process busy for 25 ms: others have their turn after
        each, above all the answer of the store.
        """
        batch = Batch()
        for delivery in deliveries:
            opened = open_delivery(delivery)
            if not batch.has_room_for(opened, at_most_facts=self.settings.batch_facts):
                yield batch
                batch = Batch()
            batch.add(opened)
            await self.clock.sleep(0)
        yield batch
