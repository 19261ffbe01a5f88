"""Sends what waits in a cluster's outbox to the bus, in order, until it is acknowledged."""

import asyncio

from services.collector.state import StateFile
from slurmfleet.bus.errors import BusError
from slurmfleet.bus.lease import Grant
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.telemetry import metrics
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

BATCH = 64
LIMIT_S = 10.0
RETRY_S = 2.0


class Publisher:
    """The way from one outbox to the bus."""

    def __init__(
        self,
        cluster: ClusterName,
        state: StateFile,
        bus: Bus,
        clock: Clock,
        *,
        grant: Grant | None = None,
    ) -> None:
        """Describe it; `run` does the work.

        Args:
            cluster: Whose outbox.
            state: The outbox.
            bus: Where to.
            clock: For waits.
            grant: The lease without which nothing is sent; None where there are no replicas.
        """
        self._cluster = cluster
        self._state = state
        self._bus = bus
        self._clock = clock
        self._grant = grant
        self._queued = asyncio.Event()
        self._queued.set()

    def notice(self) -> None:
        """Say that something was put into the outbox."""
        self._queued.set()

    async def run(self) -> None:
        """Send for ever; what the bus does not take stays in the outbox and is sent again.

        A message that was stored but whose acknowledgement was lost is sent twice; its id makes
        the second one a duplicate, at the bus or at the store.
        """
        failing = False
        while True:
            await self._queued.wait()
            self._queued.clear()
            try:
                sent = await self._drain()
            except BusError as exc:
                if not failing:
                    logger().warning(
                        "bus does not take facts, they wait on disk",
                        cluster=self._cluster,
                        error=str(exc),
                    )
                failing = True
                self._queued.set()
                await self._report()
                await self._clock.sleep(RETRY_S)
            else:
                if failing:
                    logger().info("bus takes facts again", cluster=self._cluster, messages=sent)
                failing = False

    async def _drain(self) -> int:
        sent = 0
        while batch := await asyncio.to_thread(self._state.queued, BATCH):
            if self._grant is not None:
                # Whoever was stopped for a while must not speak for a cluster that another has.
                self._grant.check()
            await self._bus.publish_many([one.message for one in batch], limit_s=LIMIT_S)
            await asyncio.to_thread(self._state.sent, [one.place for one in batch])
            sent += len(batch)
            metrics.MESSAGES_PUBLISHED.labels(cluster=self._cluster).inc(len(batch))
            await self._report()
        await self._report()
        return sent

    async def _report(self) -> None:
        waiting = await asyncio.to_thread(self._state.outbox_size)
        metrics.OUTBOX_MESSAGES.labels(cluster=self._cluster).set(waiting)
