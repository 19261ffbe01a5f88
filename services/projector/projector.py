"""Takes facts from the bus, writes them, and only then acknowledges them.

Whatever ends the process between the two, the bus delivers again what was not acknowledged and
the store knows each fact by its id: delivery is at least once, the effect is exactly once.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.projector.batch import Batch, Parcel, Unusable, newest, of_newer_version
from services.projector.deadletters import put_aside
from services.projector.intake import Intake
from services.projector.poison import blames_values
from services.projector.settings import ProjectorSettings
from slurmfleet.bus.beside import beside
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

_STORE_WAITS = Backoff(first_s=0.2, most_s=10.0)
"""Below `PROJECTOR.ack_wait_s`, so that what is held stays ours while the store is away."""


@dataclass(slots=True, kw_only=True)
class Projector:
    """The loop: one batch is written while the next one is taken from the bus and decoded."""

    bus: Bus
    apply: Apply
    clock: Clock
    health: Health
    settings: ProjectorSettings
    on_rolls: Callable[[Sequence[RollCalled]], None] = lambda _: None
    """Called with rolls once they, and all that came before them, are written."""

    on_delivered: Callable[[Sequence[Delivery]], None] = lambda _: None
    """Called with all messages of a batch, once they are written or put aside."""

    async def run(self) -> None:
        """Project for ever.

        Raises:
            BusError: The bus could not be asked; what was in hand will be delivered again.
        """
        consumer = await self.bus.consumer(PROJECTOR)
        self.health.report("facts", ok=True)
        intake = Intake(consumer=consumer, settings=self.settings, clock=self.clock)
        try:
            async with beside(intake.run(), name="take facts from the bus"):
                while True:
                    await self._project(consumer, intake, await intake.next())
        finally:
            await intake.give_back()

    async def _project(self, consumer: Consumer, intake: Intake, batch: Batch) -> None:
        """Write a batch and answer for its messages."""
        self.health.report("facts", ok=True)
        started_s = self.clock.monotonic_s()
        for unusable in batch.unusable:
            await self._put_aside(unusable)
        await intake.keep_if_due()
        if batch.parcels:
            await self._project_parcels(consumer, intake, batch.parcels)
            PROJECTOR_BATCH_DURATION.observe(self.clock.monotonic_s() - started_s)
        intake.done(batch)
        self.on_delivered(batch.deliveries)
        PROJECTOR_PENDING.set(await consumer.pending())

    async def _project_parcels(
        self, consumer: Consumer, intake: Intake, parcels: Sequence[Parcel]
    ) -> None:
        """Write what could be read, then acknowledge it."""
        facts = [fact for parcel in parcels for fact in parcel.facts]
        try:
            await self._write(facts, intake)
        except StatementError:
            poison = await self._isolate(parcels, intake)
            for unusable in poison:
                await self._put_aside(unusable)
            spoiled = {id(unusable.delivery) for unusable in poison}
            parcels = [parcel for parcel in parcels if id(parcel.delivery) not in spoiled]
        for parcel in parcels:
            if parcel.unknown:
                await self._put_aside(of_newer_version(parcel))
        await consumer.ack_all([one.delivery for one in parcels if not one.unknown])
        if rolls := _rolls(parcels):
            self.on_rolls(rolls)

    async def _write(self, facts: Sequence[Fact], intake: Intake) -> None:
        """Write facts, as often as it takes; what is held is kept ours meanwhile.

        Raises:
            StatementError: The values are at fault; nothing was written.
        """
        failures = 0
        while True:
            try:
                applied = await self.apply(facts)
            except StoreError as error:
                if blames_values(error):
                    raise
                failures += 1
                self._store_failed(error, failures)
                await self.clock.sleep(_STORE_WAITS.delay_s(failures))
                await intake.keep()
            else:
                self._store_answered(facts, applied, failures)
                return

    async def _isolate(self, parcels: Sequence[Parcel], intake: Intake) -> tuple[Unusable, ...]:
        """Write every fact of a refused batch but those that are refused by themselves.

        Returns:
            The messages with at least one refused fact.
        """
        unusable: list[Unusable] = []
        for parcel in parcels:
            refused = await self._write_halves(parcel.facts, intake)
            if refused:
                named = ", ".join(fact.fact_id for fact, _ in refused[:5])
                reason = f"{len(refused)} of {len(parcel.facts)} facts refused ({named})"
                unusable.append(
                    Unusable(delivery=parcel.delivery, reason=f"{reason}: {refused[0][1]}")
                )
        return tuple(unusable)

    async def _write_halves(
        self, facts: Sequence[Fact], intake: Intake
    ) -> list[tuple[Fact, StatementError]]:
        """Write facts; of those refused together, write each half by itself."""
        try:
            await self._write(facts, intake)
        except StatementError as error:
            if len(facts) == 1:
                return [(facts[0], error)]
        else:
            return []
        middle = len(facts) // 2
        return [
            *await self._write_halves(facts[:middle], intake),
            *await self._write_halves(facts[middle:], intake),
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


def _rolls(parcels: Sequence[Parcel]) -> list[RollCalled]:
    return [fact for parcel in parcels for fact in parcel.facts if isinstance(fact, RollCalled)]
