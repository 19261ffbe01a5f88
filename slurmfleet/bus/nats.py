"""The bus on a NATS server, over a connection that is made again for ever."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from slurmfleet.bus import nats_kv as kv
from slurmfleet.bus import nats_stored as stored
from slurmfleet.bus.beside import beside
from slurmfleet.bus.consumer import failure_of
from slurmfleet.bus.errors import (
    BusError,
    HandlerFailedError,
    NoResponderError,
    PartialPublishError,
    PublishRejectedError,
)
from slurmfleet.bus.limits import within
from slurmfleet.bus.nats_api import PubAckBody, parse
from slurmfleet.bus.nats_consumer import NatsConsumer
from slurmfleet.bus.nats_dial import NatsLogin
from slurmfleet.bus.nats_keeper import Keeper, NatsOptions
from slurmfleet.bus.nats_link import Answer, Link, Raw
from slurmfleet.bus.nats_serve import serve_over
from slurmfleet.bus.nats_setup import bucket_config, ensure_consumer, ensure_stream, stream_config
from slurmfleet.bus.nats_streams import readable, stream_state
from slurmfleet.bus.nats_watch import NatsWatch
from slurmfleet.bus.port import (
    DEFAULT_LIMIT_S,
    Consumer,
    Handler,
    KvEntry,
    KvUpdate,
    PublishAck,
    ServerInfo,
    StoredMessage,
    StreamState,
)
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import BucketSpec, ConsumerSpec, StreamSpec
from slurmfleet.timing.clock import Clock

__all__ = ["NatsBus", "NatsLogin", "NatsOptions", "open_nats_bus"]

IN_FLIGHT = 256
"""Messages of one `publish_many` on their way at a time; the server writes each to disk."""


@asynccontextmanager
async def open_nats_bus(options: NatsOptions, clock: Clock) -> AsyncGenerator["NatsBus"]:
    """Give a bus while the body runs; it connects in the background, again and again.

    Raises:
        BusAuthError: With `fail_fast`, the server does not know the login.
        BusUnavailableError: With `fail_fast`, no server could be reached.
    """
    keeper = Keeper(options, clock)
    try:
        if options.fail_fast:
            await keeper.connect_once()
        async with beside(keeper.run(), name=f"bus of {options.name}"):
            yield NatsBus(keeper, clock)
    finally:
        await keeper.close()


class NatsBus:
    """The `Bus` of `port.py` on NATS; made by `open_nats_bus`."""

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        """Take where connections come from."""
        self._keeper = keeper
        self._clock = clock

    @property
    def is_connected(self) -> bool:
        """Tell whether the server can be reached now."""
        return self._keeper.current is not None

    @property
    def server_info(self) -> ServerInfo | None:
        """Describe the server; None while there is no connection."""
        link = self._keeper.current
        return link.server_info if link else None

    async def rtt(self, *, limit_s: float = DEFAULT_LIMIT_S) -> float:
        """Measure the seconds that a round trip takes."""
        return await (await self._keeper.link("ping", limit_s)).rtt(limit_s)

    async def prepare(
        self,
        *,
        streams: Sequence[StreamSpec] = (),
        consumers: Sequence[ConsumerSpec] = (),
        buckets: Sequence[BucketSpec] = (),
    ) -> None:
        """Make the server have these; what exists never loses a message."""
        link = await self._keeper.link("prepare the bus", DEFAULT_LIMIT_S)
        for stream in streams:
            await ensure_stream(link, stream_config(stream))
        for bucket in buckets:
            await ensure_stream(link, bucket_config(bucket))
        for consumer in consumers:
            await ensure_consumer(link, consumer)

    async def publish(self, message: Message, *, limit_s: float = DEFAULT_LIMIT_S) -> PublishAck:
        """Put a message into the stream of its subject."""
        operation = f"publish {message.subject}"
        link = await self._keeper.link(operation, limit_s)
        async with within(operation, limit_s):
            answer = await link.post(message.subject, message.body, message.headers)
            return _publish_ack(operation, await answer)

    async def publish_many(
        self, messages: Sequence[Message], *, limit_s: float = DEFAULT_LIMIT_S
    ) -> Sequence[PublishAck]:
        """Put many messages into their streams."""
        operation = f"publish {len(messages)} messages"
        acknowledged: dict[int, PublishAck] = {}
        try:
            link = await self._keeper.link(operation, limit_s)
            async with within(operation, limit_s):
                await _publish_all(link, operation, messages, acknowledged)
        except BusError as exc:
            raise PartialPublishError(operation, acknowledged, exc) from exc
        return [acknowledged[position] for position in range(len(messages))]

    async def stream_state(self, stream: str) -> StreamState:
        """Ask a stream for its ends."""
        return await stream_state(await self._keeper.link("stream state", DEFAULT_LIMIT_S), stream)

    async def readable(self, stream: str, *, first: int, most: int) -> Sequence[int]:
        """Give the places of the messages that can be read from a place on."""
        link = await self._keeper.link(f"read {stream}", DEFAULT_LIMIT_S)
        return await readable(link, stream, first=first, most=most)

    async def consumer(self, spec: ConsumerSpec) -> Consumer:
        """Bind to a durable consumer; it is made if it does not exist."""
        link = await self._keeper.link(f"bind to {spec.durable}", DEFAULT_LIMIT_S)
        await ensure_consumer(link, spec)
        return NatsConsumer(self._keeper, spec, self._clock)

    async def count_stored(self, stream: str) -> int:
        """Count the messages that a stream holds."""
        link = await self._keeper.link(f"count {stream}", DEFAULT_LIMIT_S)
        return await stored.count(link, stream, DEFAULT_LIMIT_S)

    async def read_stored(self, stream: str, sequence: int) -> StoredMessage:
        """Read one message of a stream; it stays there."""
        link = await self._keeper.link(f"read {sequence} of {stream}", DEFAULT_LIMIT_S)
        return await stored.read(link, stream, sequence, DEFAULT_LIMIT_S)

    async def list_stored(
        self, stream: str, *, after: int = 0, limit: int
    ) -> Sequence[StoredMessage]:
        """Read the first messages behind a place, oldest first."""
        link = await self._keeper.link(f"list {stream}", DEFAULT_LIMIT_S)
        found: list[StoredMessage] = []
        while len(found) < limit:
            one = await stored.read_from(link, stream, after + 1, DEFAULT_LIMIT_S)
            if one is None:
                break
            found.append(one)
            after = one.sequence
        return found

    async def delete_stored(self, stream: str, sequence: int) -> None:
        """Take one message out of a stream, for good."""
        link = await self._keeper.link(f"delete {sequence} of {stream}", DEFAULT_LIMIT_S)
        await stored.delete(link, stream, sequence, DEFAULT_LIMIT_S)

    async def request(
        self,
        subject: str,
        body: bytes = b"",
        *,
        limit_s: float = DEFAULT_LIMIT_S,
        headers: Mapping[str, str] | None = None,
    ) -> Message:
        """Ask whoever serves the subject."""
        operation = f"request {subject}"
        link = await self._keeper.link(operation, limit_s)
        answer = await link.request(
            subject, body, operation=operation, limit_s=limit_s, headers=headers
        )
        if failure := failure_of(answer.headers):
            raise HandlerFailedError(operation, failure)
        return Message(subject=subject, body=answer.body, headers=answer.headers)

    def serve(
        self, subject: str, handler: Handler, *, max_concurrent: int = 16, queue: str = ""
    ) -> AbstractAsyncContextManager[None]:
        """Answer the requests to a subject while the body runs."""
        return serve_over(
            self._keeper, subject, handler, max_concurrent=max_concurrent, queue=queue
        )

    async def kv_get(self, bucket: str, key: str) -> KvEntry:
        """Read a key."""
        link = await self._keeper.link(f"read {key} of {bucket}", DEFAULT_LIMIT_S)
        return await kv.read(link, bucket, key, DEFAULT_LIMIT_S)

    async def kv_put(self, bucket: str, key: str, value: bytes) -> int:
        """Write a key whatever it is now."""
        link = await self._keeper.link(f"write {key} of {bucket}", DEFAULT_LIMIT_S)
        return await kv.write(link, bucket, key, value, limit_s=DEFAULT_LIMIT_S)

    async def kv_create(self, bucket: str, key: str, value: bytes) -> int:
        """Write a key that does not exist."""
        link = await self._keeper.link(f"write {key} of {bucket}", DEFAULT_LIMIT_S)
        return await kv.create(link, bucket, key, value, DEFAULT_LIMIT_S)

    async def kv_update(
        self,
        bucket: str,
        key: str,
        value: bytes,
        *,
        revision: int,
        limit_s: float = DEFAULT_LIMIT_S,
    ) -> int:
        """Write a key that still has `revision`."""
        link = await self._keeper.link(f"write {key} of {bucket}", limit_s)
        return await kv.write(link, bucket, key, value, limit_s=limit_s, revision=revision)

    async def kv_delete(self, bucket: str, key: str, *, revision: int | None = None) -> None:
        """Delete a key."""
        link = await self._keeper.link(f"delete {key} of {bucket}", DEFAULT_LIMIT_S)
        await kv.write(
            link, bucket, key, b"", limit_s=DEFAULT_LIMIT_S, revision=revision, removal=True
        )

    async def kv_entries(self, bucket: str, prefix: str = "") -> Sequence[KvEntry]:
        """Read all keys that begin with `prefix`, sorted by key."""
        watch = NatsWatch(self._keeper, self._clock, bucket=bucket, prefix=prefix)
        return await watch.snapshot(DEFAULT_LIMIT_S)

    def kv_watch(self, bucket: str, prefix: str = "") -> AsyncIterator[KvUpdate]:
        """Follow the keys that begin with `prefix`."""
        return NatsWatch(self._keeper, self._clock, bucket=bucket, prefix=prefix).updates()


async def _publish_all(
    link: Link, operation: str, messages: Sequence[Message], acknowledged: dict[int, PublishAck]
) -> None:
    """Send and collect acknowledgements; after the first failure send no more, but collect on."""
    under_way: deque[tuple[int, Answer]] = deque()
    failure: BusError | None = None
    for position, message in enumerate(messages):
        if len(under_way) >= IN_FLIGHT:
            failure = failure or await _settle(operation, under_way, acknowledged)
        if failure:
            break
        try:
            answer = await link.post(message.subject, message.body, message.headers)
        except BusError as exc:
            failure = exc
            break
        under_way.append((position, answer))
    while under_way:
        failure = await _settle(operation, under_way, acknowledged) or failure
    if failure:
        raise failure


async def _settle(
    operation: str,
    under_way: deque[tuple[int, Answer]],
    acknowledged: dict[int, PublishAck],
) -> BusError | None:
    position, answer = under_way.popleft()
    try:
        acknowledged[position] = _publish_ack(operation, await answer)
    except BusError as exc:
        return exc
    return None


def _publish_ack(operation: str, answer: Raw | None) -> PublishAck:
    try:
        body = parse(operation, PubAckBody, Link.settled(operation, answer))
    except NoResponderError as exc:
        raise PublishRejectedError(operation, "no stream takes its subject") from exc
    return PublishAck(stream=body.stream, sequence=body.seq, duplicate=body.duplicate)
