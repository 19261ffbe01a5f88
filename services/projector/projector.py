"""Takes facts from the bus, writes them, and only then acknowledges them.

Whatever ends the process between the two, the bus delivers again what was not acknowledged and
the store knows each fact by its id: delivery is at least once, the effect is exactly once.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.projector.batch import Parcel, Unusable, by_size, newest, of_newer_version, unpack
from services.projector.deadletters import put_aside
from services.projector.settings import ProjectorSettings
from slurmfleet.bus.errors import BusError
from slurmfleet.bus.port import Bus, Consumer, Delivery
from slurmfleet.contracts.events import Fact
from slurmfleet.contracts.streams import PROJECTOR
from slurmfleet.contracts.surveys import RollCalled
from slurmfleet.runtime.health import Health
from slurmfleet.runtime.process import Backoff
from slurmfleet.store.errors import StatementError, StoreError
from slurmfleet.store.write.facts import Applied
from slurmfleet.telemetry.logs import logger
from slurmfleet.telemetry.metrics import (
    PROJECTED_FACTS,
    PROJECTOR_BATCH_DURATION,
    PROJECTOR_LAG,
    PROJECTOR_PENDING,
)
from slurmfleet.timing.clock import Clock

Apply = Callable[[Sequence[Fact]], Awaitable[Applied]]
"""Writes facts in one transaction: all of them or none."""

_POISON_CLASSES = frozenset({"", "22", "23", "54"})
"""SQLSTATE classes that blame the values: data exception, constraint, limit exceeded.

Empty is what the driver refuses before it is sent, such as a NUL in a text. Every other refusal
would hit the next batch as well, so it is waited out and nothing is put aside.
"""

_STORE_WAITS = Backoff(first_s=0.2, most_s=10.0)
"""Below `PROJECTOR.ack_wait_s`, so that what is held stays ours while the store is away."""

_GIVE_BACK_S = 1.0


@dataclass(slots=True, kw_only=True)
class Projector:
    """The loop; at most one batch is in hand."""

    bus: Bus
    apply: Apply
    clock: Clock
    health: Health
    settings: ProjectorSettings
    on_rolls: Callable[[Sequence[RollCalled]], None] = lambda _: None
    """Called with rolls once they, and all that came before them, are written."""

    on_delivered: Callable[[Sequence[Delivery]], None] = lambda _: None
    """Called with all that a fetch brought, once it is written or put aside."""

    async def run(self) -> None:
        """Project for ever.

        Raises:
            BusError: The bus could not be asked; what was in hand will be delivered again.
        """
        consumer = await self.bus.consumer(PROJECTOR)
        self.health.report("facts", ok=True)
        while True:
            await self.step(consumer)

    async def step(self, consumer: Consumer) -> None:
        """Fetch once and project what came."""
        deliveries = await consumer.fetch(self.settings.batch_messages, self.settings.fetch_wait_s)
        self.health.report("facts", ok=True)
        started_s = self.clock.monotonic_s()
        batch = unpack(deliveries)
        for unusable in batch.unusable:
            await self._put_aside(unusable)
        held = [parcel.delivery for parcel in batch.parcels]
        try:
            for group in by_size(batch.parcels, at_most_facts=self.settings.batch_facts):
                await self._project(consumer, group, held)
                held = held[len(group) :]
        except asyncio.CancelledError:
            await _give_back(held)
            raise
        self.on_delivered(deliveries)
        if deliveries:
            PROJECTOR_BATCH_DURATION.observe(self.clock.monotonic_s() - started_s)
        PROJECTOR_PENDING.set(await consumer.pending())

    async def _project(
        self, consumer: Consumer, group: Sequence[Parcel], held: Sequence[Delivery]
    ) -> None:
        """Write a group, then acknowledge it."""
        facts = [fact for parcel in group for fact in parcel.facts]
        try:
            await self._write(facts, held)
        except StatementError:
            poison = await self._isolate(group, held)
            for unusable in poison:
                await self._put_aside(unusable)
            spoiled = {id(unusable.delivery) for unusable in poison}
            group = [parcel for parcel in group if id(parcel.delivery) not in spoiled]
        for parcel in group:
            if parcel.unknown:
                await self._put_aside(of_newer_version(parcel))
        await consumer.ack_all([one.delivery for one in group if not one.unknown])
        if rolls := _rolls(group):
            self.on_rolls(rolls)

    async def _write(self, facts: Sequence[Fact], held: Sequence[Delivery]) -> None:
        """Write facts, as often as it takes; what is held is kept ours meanwhile.

        Raises:
            StatementError: The values are at fault; nothing was written.
        """
        failures = 0
        while True:
            try:
                applied = await self.apply(facts)
            except StoreError as error:
                if _blames_values(error):
                    raise
                failures += 1
                self._store_failed(error, failures)
                await self.clock.sleep(_STORE_WAITS.delay_s(failures))
                for delivery in held:
                    await delivery.in_progress()
            else:
                self._store_answered(facts, applied, failures)
                return

    async def _isolate(
        self, group: Sequence[Parcel], held: Sequence[Delivery]
    ) -> tuple[Unusable, ...]:
        """Write every fact of a refused group but those that are refused by themselves.

        Returns:
            The messages with at least one refused fact.
        """
        unusable: list[Unusable] = []
        for parcel in group:
            refused = await self._write_halves(parcel.facts, held)
            if refused:
                named = ", ".join(fact.fact_id for fact, _ in refused[:5])
                reason = f"{len(refused)} of {len(parcel.facts)} facts refused ({named})"
                unusable.append(
                    Unusable(delivery=parcel.delivery, reason=f"{reason}: {refused[0][1]}")
                )
        return tuple(unusable)

    async def _write_halves(
        self, facts: Sequence[Fact], held: Sequence[Delivery]
    ) -> list[tuple[Fact, StatementError]]:
        """Write facts; of those refused together, write each half by itself."""
        try:
            await self._write(facts, held)
        except StatementError as error:
            if len(facts) == 1:
                return [(facts[0], error)]
        else:
            return []
        middle = len(facts) // 2
        return [
            *await self._write_halves(facts[:middle], held),
            *await self._write_halves(facts[middle:], held),
        ]

    async def _put_aside(self, unusable: Unusable) -> None:
        await put_aside(self.bus, unusable.delivery, unusable.reason, at=self.clock.now())

    def _store_failed(self, error: StoreError, failures: int) -> None:
        self.health.report("facts", ok=False, detail=str(error))
        if failures == 1:
            logger().warning("store does not take facts, will retry", error=str(error))

    def _store_answered(self, facts: Sequence[Fact], applied: Applied, failures: int) -> None:
        self.health.report("facts", ok=True)
        if failures:
            logger().info("store takes facts again", failures=failures)
        PROJECTED_FACTS.labels(outcome="new").inc(len(facts) - applied.duplicates)
        PROJECTED_FACTS.labels(outcome="duplicate").inc(applied.duplicates)
        if (told_at := newest(facts)) is not None:
            PROJECTOR_LAG.set(max(0.0, (self.clock.now() - told_at).total_seconds()))
        logger().debug("batch stored", facts=len(facts), duplicates=applied.duplicates)


def _rolls(group: Sequence[Parcel]) -> list[RollCalled]:
    return [fact for parcel in group for fact in parcel.facts if isinstance(fact, RollCalled)]


async def _give_back(held: Sequence[Delivery]) -> None:
    """Let whoever comes next have the messages at once instead of after `ack_wait_s`."""
    with contextlib.suppress(BusError, TimeoutError):
        async with asyncio.timeout(_GIVE_BACK_S):
            for delivery in held:
                await delivery.nak()


def _blames_values(error: StoreError) -> bool:
    return isinstance(error, StatementError) and error.sqlstate[:2] in _POISON_CLASSES
