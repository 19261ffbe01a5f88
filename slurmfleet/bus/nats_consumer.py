"""A durable pull consumer: asks for messages again after every reconnect."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from slurmfleet.bus.errors import BusError, BusTimeoutError, BusUnavailableError
from slurmfleet.bus.limits import within
from slurmfleet.bus.nats_api import (
    API,
    SECOND_NS,
    ConsumerBody,
    call,
    parse_ack_subject,
)
from slurmfleet.bus.nats_link import Link, Raw
from slurmfleet.bus.nats_setup import ensure_consumer
from slurmfleet.bus.port import DEFAULT_LIMIT_S, Delivery
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import ConsumerSpec
from slurmfleet.timing.clock import Clock

log = structlog.get_logger(__name__)

FETCH_BYTES = 32 * 1024 * 1024
"""One answer of the server holds at most this much, whatever the number of messages."""

_GRACE_S = 2.0
"""How much longer than it was asked to wait the server may take to say that nothing came."""

_AT_ONCE_S = 0.5
"""How long the server may take to say what it has at once."""

_RETRY_S = 0.2
_HEARTBEAT = "100"
_GONE = ("503", "409")


class LinkSource(Protocol):
    """Gives the connection of the moment."""

    async def link(self, operation: str, limit_s: float) -> Link:
        """Give it, waiting for one up to `limit_s`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsDelivery:
    """One message, and the connection it came over; only there can it be answered."""

    message: Message
    sequence: int
    delivered_count: int
    published_at: datetime
    reply: str
    link: Link

    async def ack(self, *, limit_s: float = DEFAULT_LIMIT_S) -> None:
        """Say that it is done, and hear that the server has noted it."""
        operation = f"ack {self.message.subject} {self.sequence}"
        await self.link.request(self.reply, b"+ACK", operation=operation, limit_s=limit_s)

    async def nak(self, delay_s: float = 0) -> None:
        """Ask to have it again after `delay_s` seconds."""
        await self.link.send(
            self.reply, b"-NAK " + json.dumps({"delay": round(delay_s * SECOND_NS)}).encode()
        )

    async def term(self) -> None:
        """Ask never to have it again."""
        await self.link.request(
            self.reply, b"+TERM", operation=f"term {self.sequence}", limit_s=DEFAULT_LIMIT_S
        )

    async def in_progress(self) -> None:
        """Ask for another `ack_wait_s`."""
        await self.link.send(self.reply, b"+WPI")


class NatsConsumer:
    """A durable consumer, whatever connection there is."""

    def __init__(self, links: LinkSource, spec: ConsumerSpec, clock: Clock) -> None:
        """Take where connections come from."""
        self._links = links
        self._spec = spec
        self._clock = clock
        self._subject = f"{API}.CONSUMER.MSG.NEXT.{spec.stream}.{spec.durable}"

    async def fetch(self, max_messages: int, wait_s: float) -> Sequence[Delivery]:
        """Take what is there; if nothing is, wait for it up to `wait_s`."""
        operation = f"fetch from {self._spec.stream} as {self._spec.durable}"
        until_s = self._clock.monotonic_s() + wait_s
        trouble: BusError | None = None
        while (left_s := until_s - self._clock.monotonic_s()) > 0 or trouble is None:
            try:
                link = await self._links.link(operation, max(left_s, 0.001))
                return await self._fetch(link, operation, max_messages, max(left_s, 0))
            except (BusUnavailableError, BusTimeoutError) as exc:
                if trouble is None:
                    log.warning("fetch interrupted", consumer=self._spec.durable, error=str(exc))
                trouble = exc
                await self._clock.sleep(min(_RETRY_S, max(left_s, 0)))
        raise BusUnavailableError(operation, trouble.detail) from trouble

    async def ack_all(
        self, deliveries: Sequence[Delivery], *, limit_s: float = DEFAULT_LIMIT_S
    ) -> None:
        """Acknowledge many in one go."""
        operation = f"ack {len(deliveries)} messages as {self._spec.durable}"
        async with within(operation, limit_s):
            answers = [
                (one.link, await one.link.post(one.reply, b"+ACK"))
                for one in deliveries
                if isinstance(one, NatsDelivery)
            ]
            for link, answer in answers:
                link.settled(operation, await answer)

    async def pending(self) -> int:
        """Count the messages that are not yet acknowledged."""
        operation = f"CONSUMER.INFO.{self._spec.stream}.{self._spec.durable}"
        link = await self._links.link(operation, DEFAULT_LIMIT_S)
        info = await call(link, operation, ConsumerBody, limit_s=DEFAULT_LIMIT_S)
        return info.num_pending + info.num_ack_pending

    async def _fetch(
        self, link: Link, operation: str, max_messages: int, wait_s: float
    ) -> Sequence[Delivery]:
        """Take what is there now; else wait for one message, then take what came with it."""
        found = await self._pull(link, operation, max_messages, 0)
        if not found and wait_s > 0:
            found = await self._pull(link, operation, 1, wait_s)
            if found and max_messages > 1:
                found += await self._pull(link, operation, max_messages - 1, 0)
        return [_delivery(one, link) for one in found]

    async def _pull(self, link: Link, operation: str, batch: int, wait_s: float) -> list[Raw]:
        """Ask once; silence is no failure: a server that is gone breaks the connection.

        The server says nothing to a request without `expires` while `max_ack_pending` is reached.
        """
        order: dict[str, object] = {"batch": batch, "max_bytes": FETCH_BYTES}
        order |= {"expires": round(wait_s * SECOND_NS)} if wait_s else {"no_wait": True}
        patience_s = wait_s + _GRACE_S if wait_s else _AT_ONCE_S
        found: list[Raw] = []
        async with link.channel(batch) as channel:
            await link.send(self._subject, json.dumps(order).encode(), reply=channel.inbox)
            while len(found) < batch:
                try:
                    answer = await channel.next(operation, patience_s)
                except BusTimeoutError:
                    break
                except BusUnavailableError:
                    if found:  # what has come is ours; what is lost comes again after ack_wait_s
                        break
                    raise
                if not answer.status:
                    found.append(answer)
                elif answer.status in _GONE and not found:
                    await self._revive(link, operation, answer)
                    break
                elif answer.status != _HEARTBEAT:
                    break
        return found

    async def _revive(self, link: Link, operation: str, answer: Raw) -> None:
        """Bring back a consumer that someone deleted; then the caller asks again."""
        detail = f"{answer.status} {answer.headers.get('Description', '')}".strip()
        if "MaxBytes" in detail or "Exceeded" in detail:
            return
        await ensure_consumer(link, self._spec)
        raise BusUnavailableError(operation, detail)


def _delivery(answer: Raw, link: Link) -> NatsDelivery:
    place = parse_ack_subject(answer.reply)
    return NatsDelivery(
        message=Message(subject=answer.subject, body=answer.body, headers=answer.headers),
        sequence=place.sequence,
        delivered_count=place.delivered_count,
        published_at=place.published_at,
        reply=answer.reply,
        link=link,
    )
