"""Has collectors name all that they remember when facts were lost before the tables had them.

A regular roll names live jobs alone, so an end that the stream lost would stay unknown. What comes
of the roll is the repairer's work.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from slurmfleet.bus.port import Bus
from slurmfleet.contracts.commands import RollReport, Verb
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.runtime.commands import ask_collector
from slurmfleet.runtime.process import Backoff
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

LATELY = timedelta(hours=1)
"""A process that starts so long after a loss asks again: the one before may not have."""

GIVEN_UP_AFTER = timedelta(hours=6)
"""As long as collectors remember what has ended; asking later brings nothing."""

_ASK_LIMIT_S = 20.0
_WAITS = Backoff(first_s=2.0, most_s=60.0)


class Recaller:
    """Asks the collector of each cluster once for each loss, as often as it takes."""

    def __init__(
        self,
        *,
        bus: Bus,
        clusters: Callable[[], Awaitable[Sequence[ClusterName]]],
        was_hurt: Callable[[], Awaitable[bool]],
        clock: Clock,
    ) -> None:
        """Describe it; `run` does the work.

        Args:
            bus: Where collectors are asked.
            clusters: Names those that are watched.
            was_hurt: Says whether something was lost shortly before this process began.
            clock: For all times.
        """
        self._bus = bus
        self._clusters = clusters
        self._was_hurt = was_hurt
        self._clock = clock
        self._missed = asyncio.Event()

    def notice(self) -> None:
        """Note that facts may be missing."""
        self._missed.set()

    async def run(self) -> None:
        """Ask after each loss, for ever.

        Raises:
            BusError, ProblemError: The clusters could not be read from the registry.
            StoreError: The store could not tell of losses before the start.
        """
        if await self._was_hurt():
            self.notice()
        while True:
            await self._missed.wait()
            waiting = await self._clusters()
            # Not before: what fails above is done again by whoever runs this.
            self._missed.clear()
            await self._ask_all(waiting)

    async def _ask_all(self, waiting: Sequence[ClusterName]) -> None:
        """Ask each of them until it answers, or until a new loss asks for all of them again."""
        until_s = self._clock.monotonic_s() + GIVEN_UP_AFTER.total_seconds()
        tries = 0
        while waiting and not self._missed.is_set() and self._clock.monotonic_s() < until_s:
            if tries:
                await self._clock.sleep(_WAITS.delay_s(tries))
            tries += 1
            waiting = [one for one in waiting if not await self._ask(one)]

    async def _ask(self, cluster: ClusterName) -> bool:
        """Ask one collector; say whether it has answered."""
        try:
            report = await ask_collector(
                self._bus, cluster, Verb.CALL_ROLL, RollReport, limit_s=_ASK_LIMIT_S
            )
        except ProblemError as exc:
            logger().warning("roll not called", cluster=cluster, error=exc.detail)
            return False
        logger().info("roll called after a loss", cluster=cluster, jobs=report.named)
        return True
