"""A stream and its durable consumers, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from slurmfleet.bus.bell import Bell
from slurmfleet.bus.errors import BusUnavailableError
from slurmfleet.bus.matching import matches
from slurmfleet.bus.port import DEFAULT_LIMIT_S, Delivery, PublishAck, StoredMessage, StreamState
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import ConsumerSpec, StreamSpec
from slurmfleet.timing.clock import Clock


@dataclass(slots=True)
class MemoryStream:
    """Messages in order, with the ids that were seen within the duplicate window."""

    spec: StreamSpec
    clock: Clock
    _stored: list[StoredMessage] = field(default_factory=list[StoredMessage])
    _last_sequence: int = 0
    _ids: dict[str, tuple[int, datetime]] = field(default_factory=dict[str, tuple[int, datetime]])

    def redeclare(self, spec: StreamSpec) -> None:
        """Take a new declaration; what was kept so far is kept on."""
        self.spec = replace(spec, max_age_s=max(spec.max_age_s, self.spec.max_age_s))

    def append(self, message: Message) -> PublishAck:
        """Store a message unless its id is known."""
        now = self.clock.now()
        window = timedelta(seconds=self.spec.duplicate_window_s)
        message_id = message.message_id
        if message_id and message_id in self._ids:
            sequence, seen_at = self._ids[message_id]
            if now - seen_at < window:
                return PublishAck(stream=self.spec.name, sequence=sequence, duplicate=True)
        self._last_sequence += 1
        stored = StoredMessage(sequence=self._last_sequence, message=message, published_at=now)
        self._stored.append(stored)
        if message_id:
            self._ids[message_id] = (stored.sequence, now)
        return PublishAck(stream=self.spec.name, sequence=stored.sequence, duplicate=False)

    def remove(self, stored: StoredMessage) -> None:
        """Take a message out."""
        self._stored.remove(stored)

    def state(self) -> StreamState:
        """Give the ends."""
        kept = self.after(0)
        first = kept[0].sequence if kept else self._last_sequence + 1
        return StreamState(first_sequence=first, last_sequence=self._last_sequence, lost_bytes=0)

    def after(self, sequence: int, subjects: Sequence[str] = (">",)) -> list[StoredMessage]:
        """Give the messages behind `sequence` that fall under one of the subjects."""
        oldest = self.clock.now() - timedelta(seconds=self.spec.max_age_s)
        return [
            one
            for one in self._stored
            if one.sequence > sequence
            and one.published_at >= oldest
            and any(matches(subject, one.message.subject) for subject in subjects)
        ]


@dataclass(slots=True)
class _Pending:
    stored: StoredMessage
    delivered_count: int
    due_s: float
    """When it is delivered again, on the clock's monotonic scale."""


class MemoryConsumer:
    """A durable consumer; all handles to it share one place in the stream."""

    def __init__(self, spec: ConsumerSpec, stream: MemoryStream, clock: Clock, bell: Bell) -> None:
        """Start at the beginning of the stream."""
        self.spec = spec
        self.online = True
        """Set by the bus: an outage stops the delivery."""
        self._stream = stream
        self._clock = clock
        self._bell = bell
        self._reached = 0
        self._pending: dict[int, _Pending] = {}
        self._asked_until_s = clock.monotonic_s()

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody has asked for longer than the server remembers."""
        idle_s = self._clock.monotonic_s() - self._asked_until_s
        return self.spec.forget_after_s is not None and idle_s > self.spec.forget_after_s

    async def fetch(self, max_messages: int, wait_s: float) -> Sequence[Delivery]:
        """Take what is there; if nothing is, wait for it up to `wait_s`."""
        until_s = self._asked_until_s = self._clock.monotonic_s() + wait_s
        while True:
            found = self._take(max_messages) if self.online else []
            left_s = until_s - self._clock.monotonic_s()
            if found:
                return found
            if left_s <= 0:
                break
            await self._bell.wait(min([left_s, *self._dues()]))
        if not self.online:
            operation = f"fetch from {self.spec.stream} as {self.spec.durable}"
            raise BusUnavailableError(operation, "no connection")
        return []

    async def ack_all(
        self,
        deliveries: Sequence[Delivery],
        *,
        limit_s: float = DEFAULT_LIMIT_S,
    ) -> None:
        """Acknowledge many in one go."""
        for delivery in deliveries:
            await delivery.ack(limit_s=limit_s)

    async def pending(self) -> int:
        """Count the messages that are not yet acknowledged."""
        self._check("count pending")
        waiting = self._stream.after(self._reached, self.spec.filter_subjects)
        return len(waiting) + len(self._pending)

    def done(self, sequence: int) -> None:
        """Forget a message that was acknowledged or given up."""
        self._check(f"ack {sequence}")
        self._pending.pop(sequence, None)
        self._bell.ring()

    def postpone(self, sequence: int, delay_s: float) -> None:
        """Deliver a message again after `delay_s`."""
        self._check(f"answer {sequence}")
        if pending := self._pending.get(sequence):
            pending.due_s = self._clock.monotonic_s() + delay_s
            self._bell.ring()

    def _take(self, max_messages: int) -> list[Delivery]:
        now_s = self._clock.monotonic_s()
        ready = [one for one in self._pending.values() if one.due_s <= now_s][:max_messages]
        room = min(max_messages - len(ready), self.spec.max_ack_pending - len(self._pending))
        fresh = self._stream.after(self._reached, self.spec.filter_subjects)[: max(room, 0)]
        for stored in fresh:
            self._reached = stored.sequence
            self._pending[stored.sequence] = _Pending(stored, 0, now_s)
            ready.append(self._pending[stored.sequence])
        for pending in ready:
            pending.delivered_count += 1
            pending.due_s = now_s + self.spec.ack_wait_s
        ready.sort(key=lambda one: one.stored.sequence)
        return [_delivery(one, self) for one in ready]

    def _dues(self) -> list[float]:
        now_s = self._clock.monotonic_s()
        return [max(one.due_s - now_s, 0) for one in self._pending.values()] if self.online else []

    def _check(self, operation: str) -> None:
        if not self.online:
            raise BusUnavailableError(operation, "no connection")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryDelivery:
    """One message in the hands of a consumer."""

    message: Message
    sequence: int
    delivered_count: int
    published_at: datetime
    consumer: MemoryConsumer

    async def ack(self, *, limit_s: float = DEFAULT_LIMIT_S) -> None:  # noqa: ARG002  the port's
        """Say that it is done."""
        self.consumer.done(self.sequence)

    async def nak(self, delay_s: float = 0) -> None:
        """Ask to have it again after `delay_s` seconds."""
        self.consumer.postpone(self.sequence, delay_s)

    async def term(self) -> None:
        """Ask never to have it again."""
        self.consumer.done(self.sequence)

    async def in_progress(self) -> None:
        """Ask for another `ack_wait_s`."""
        self.consumer.postpone(self.sequence, self.consumer.spec.ack_wait_s)


def _delivery(pending: _Pending, consumer: MemoryConsumer) -> MemoryDelivery:
    return MemoryDelivery(
        message=pending.stored.message,
        sequence=pending.stored.sequence,
        delivered_count=pending.delivered_count,
        published_at=pending.stored.published_at,
        consumer=consumer,
    )
