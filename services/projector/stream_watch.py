"""Notices what the stream of facts has lost, and says so: log, metric, table and /readyz.

What is in the tables is not lost with it, and rolls mend what collectors remember (ADR-0015); what
only the stream held is gone, and a person must know.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

from services.projector.continuity import Continuity, Stretch
from services.projector.settings import ProjectorSettings
from slurmfleet.bus.errors import BusError
from slurmfleet.bus.port import Bus, Delivery
from slurmfleet.contracts.streams import FACTS, StreamSpec
from slurmfleet.runtime.health import Health
from slurmfleet.store.pool import StorePool
from slurmfleet.store.write.streams import LossSum, StreamLoss, keep_stream, read_position
from slurmfleet.telemetry.logs import logger
from slurmfleet.telemetry.metrics import STREAM_LOSSES, STREAM_LOST_MESSAGES
from slurmfleet.timing.clock import Clock

EVERY_S = 5.0
SHOWN_FOR = timedelta(days=7)
"""How long /readyz and `slurmfleet doctor` tell of a loss."""

_AT_ONCE = 1_000


class StreamWatch:
    """Follows one stream beside the ingest."""

    def __init__(
        self,
        *,
        bus: Bus,
        pool: StorePool,
        clock: Clock,
        health: Health,
        settings: ProjectorSettings,
        stream: StreamSpec = FACTS,
        on_missed: Callable[[], None] = lambda: None,
    ) -> None:
        """Describe it; `run` does the work.

        Args:
            bus: Holds the stream.
            pool: Where losses are kept.
            clock: For all times.
            health: Where the stream's state is told.
            settings: How often the whole stream is read.
            stream: Which one.
            on_missed: Called where messages are gone before they were delivered, perhaps.
        """
        self._bus = bus
        self._pool = pool
        self._clock = clock
        self._health = health
        self._scrub_every_s = settings.scrub_every_s
        self._stream = stream.name
        self._on_missed = on_missed
        self._seen = Continuity()
        self._known_bytes = 0
        self._known: set[StreamLoss] = set()
        """Told since this process began; the table knows those before."""

    def hear(self, deliveries: Sequence[Delivery]) -> None:
        """Take the places of messages that were delivered."""
        self._seen.take(deliveries)

    async def run(self) -> None:
        """Look again and again, for ever.

        Raises:
            BusError: The bus could not be asked.
            StoreError: What was found could not be kept; it is found again.
        """
        self._seen.begin(await read_position(self._pool, self._stream))
        # The first scrub is soon: a server that was started afresh has forgotten what it lost.
        scrub_at_s = self._clock.monotonic_s() + min(self._scrub_every_s, 60.0)
        while True:
            losses = await self._look()
            if losses or self._seen.cuts:
                self._on_missed()
            if self._clock.monotonic_s() >= scrub_at_s:
                losses += [one async for one in self._scrub()]
                scrub_at_s = self._clock.monotonic_s() + self._scrub_every_s
            await self._keep(losses)
            await self._clock.sleep(EVERY_S)

    async def _look(self) -> list[StreamLoss]:
        """Compare what was delivered with what the stream says of itself."""
        state = await self._bus.stream_state(self._stream)
        self._seen.cut(before=state.last_sequence + 1)
        losses = [one for suspect in self._seen.suspects for one in await self._missing(suspect)]
        if state.lost_bytes and state.lost_bytes != self._known_bytes:
            losses.append(StreamLoss(kind="told", lost_bytes=state.lost_bytes))
        self._known_bytes = state.lost_bytes
        return losses

    async def _missing(self, stretch: Stretch) -> list[StreamLoss]:
        """Ask the stream for places; give those that it does not have."""
        return [
            _loss(left)
            for asked in _pieces(stretch)
            for left in asked.without(
                await self._bus.readable(
                    self._stream, first=asked.first, most=asked.last - asked.first + 1
                )
            )
        ]

    async def _scrub(self) -> AsyncIterator[StreamLoss]:
        """Read the whole stream once; give what cannot be read."""
        state = await self._bus.stream_state(self._stream)
        place, end = state.first_sequence, state.last_sequence
        while place <= end:
            try:
                found = await self._bus.readable(self._stream, first=place, most=_AT_ONCE)
            except BusError as exc:
                logger().warning("stream not read to its end", stream=self._stream, error=str(exc))
                return
            reached = min(end, found[-1]) if found else end
            oldest = (await self._bus.stream_state(self._stream)).first_sequence
            if reached >= (first := max(place, oldest)):
                for left in Stretch(first=first, last=reached).without(found):
                    yield _loss(left)
            place = reached + 1

    async def _keep(self, losses: Sequence[StreamLoss]) -> None:
        """Keep what was found, tell of it, and say how the stream is."""
        fresh = [one for one in (*losses, *self._seen.cuts) if one not in self._known]
        now = self._clock.now()
        summed = await keep_stream(
            self._pool,
            self._stream,
            self._seen.position,
            fresh,
            now=now,
            since=now - SHOWN_FOR,
        )
        self._seen.suspects.clear()
        self._seen.cuts.clear()
        self._known.update(fresh)
        for one in fresh:
            _tell(self._stream, one)
        self._health.report("stream", ok=not summed.losses, detail=_detail(summed), required=False)


def _pieces(stretch: Stretch) -> Sequence[Stretch]:
    return [
        Stretch(first=first, last=min(stretch.last, first + _AT_ONCE - 1))
        for first in range(stretch.first, stretch.last + 1, _AT_ONCE)
    ]


def _loss(stretch: Stretch) -> StreamLoss:
    return StreamLoss(
        kind="missing",
        first_sequence=stretch.first,
        last_sequence=stretch.last,
        messages=stretch.last - stretch.first + 1,
    )


def _tell(stream: str, loss: StreamLoss) -> None:
    STREAM_LOSSES.labels(stream=stream, kind=loss.kind).inc()
    STREAM_LOST_MESSAGES.labels(stream=stream).inc(loss.messages)
    logger().error(
        "stream has lost messages",
        stream=stream,
        kind=loss.kind,
        first_sequence=loss.first_sequence,
        last_sequence=loss.last_sequence,
        messages=loss.messages,
        lost_bytes=loss.lost_bytes,
    )


def _detail(summed: LossSum) -> str:
    if summed.noticed_at is None:
        return "no message is missing"
    return (
        f"{summed.messages} messages lost in {summed.losses} places,"
        f" last noticed {summed.noticed_at:%Y-%m-%d %H:%M} UTC; docs/runbooks/stream-damaged.md"
    )
