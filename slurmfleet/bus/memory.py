"""The bus in memory: the same promises as NATS, held by the same contract suite.

All services of a test share one object. Time comes from its clock: a test that moves the clock
moves redelivery, expiry and the duplicate window. Nothing survives the process.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

from slurmfleet.bus.bell import Bell
from slurmfleet.bus.consumer import answer, failure_of
from slurmfleet.bus.errors import (
    BusError,
    BusUnavailableError,
    HandlerFailedError,
    KeyNotFoundError,
    MessageTooLargeError,
    NoResponderError,
    PartialPublishError,
    PublishRejectedError,
)
from slurmfleet.bus.limits import within
from slurmfleet.bus.matching import matches
from slurmfleet.bus.memory_kv import MemoryBucket
from slurmfleet.bus.memory_stream import MemoryConsumer, MemoryStream
from slurmfleet.bus.names import check_key
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

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024


class MemoryBus:
    """The `Bus` of `port.py` without a server."""

    def __init__(self, clock: Clock) -> None:
        """Start empty."""
        self._clock = clock
        self._bell = Bell(clock)
        self._online = True
        self._streams: dict[str, MemoryStream] = {}
        self._consumers: dict[tuple[str, str], MemoryConsumer] = {}
        self._buckets: dict[str, MemoryBucket] = {}
        self._services: list[tuple[str, Handler, asyncio.Semaphore]] = []

    @contextmanager
    def outage(self) -> Generator[None]:
        """Be unreachable while the body runs; what is stored stays."""
        self._set_online(online=False)
        try:
            yield
        finally:
            self._set_online(online=True)

    @property
    def is_connected(self) -> bool:
        """Tell whether there is no outage."""
        return self._online

    @property
    def server_info(self) -> ServerInfo | None:
        """Describe the server that there is not."""
        if not self._online:
            return None
        return ServerInfo(name="memory", version="0", max_payload_bytes=MAX_PAYLOAD_BYTES)

    async def rtt(self, *, limit_s: float = DEFAULT_LIMIT_S) -> float:  # noqa: ARG002  the port's
        """Give the time of a round trip: none."""
        self._check("ping")
        return 0.0

    async def prepare(
        self,
        *,
        streams: Sequence[StreamSpec] = (),
        consumers: Sequence[ConsumerSpec] = (),
        buckets: Sequence[BucketSpec] = (),
    ) -> None:
        """Have these; what exists never loses a message."""
        self._check("prepare the bus")
        for stream in streams:
            if found := self._streams.get(stream.name):
                found.redeclare(stream)
            else:
                self._streams[stream.name] = MemoryStream(stream, self._clock)
        for bucket in buckets:
            made = MemoryBucket(bucket, self._clock, self._bell)
            self._buckets.setdefault(bucket.name, made).spec = bucket
        for consumer in consumers:
            await self.consumer(consumer)

    async def publish(self, message: Message, *, limit_s: float = DEFAULT_LIMIT_S) -> PublishAck:  # noqa: ARG002  the port's
        """Put a message into the stream of its subject."""
        operation = f"publish {message.subject}"
        self._check(operation)
        if len(message.body) > MAX_PAYLOAD_BYTES:
            raise MessageTooLargeError(operation, f"{len(message.body)} bytes")
        for stream in self._streams.values():
            if any(matches(subject, message.subject) for subject in stream.spec.subjects):
                ack = stream.append(message)
                self._bell.ring()
                return ack
        raise PublishRejectedError(operation, "no stream takes its subject")

    async def publish_many(
        self, messages: Sequence[Message], *, limit_s: float = DEFAULT_LIMIT_S
    ) -> Sequence[PublishAck]:
        """Put many messages into their streams."""
        acknowledged: dict[int, PublishAck] = {}
        for position, message in enumerate(messages):
            try:
                acknowledged[position] = await self.publish(message, limit_s=limit_s)
            except BusError as exc:
                operation = f"publish {len(messages)} messages"
                raise PartialPublishError(operation, acknowledged, exc) from exc
        return list(acknowledged.values())

    async def stream_state(self, stream: str) -> StreamState:
        """Ask a stream for its ends; memory loses nothing."""
        return self._stream(stream, f"state of {stream}").state()

    async def readable(self, stream: str, *, first: int, most: int) -> Sequence[int]:
        """Give the places of the messages that are there from a place on."""
        found = self._stream(stream, f"read {stream}").after(first - 1)
        return [one.sequence for one in found[:most]]

    async def consumer(self, spec: ConsumerSpec) -> Consumer:
        """Bind to a durable consumer; it is made if it does not exist."""
        stream = self._stream(spec.stream, f"bind to {spec.durable}")
        key, made = (
            (spec.stream, spec.durable),
            MemoryConsumer(spec, stream, self._clock, self._bell),
        )
        known = self._consumers.get(key)
        consumer = made if known is None or known.is_forgotten else known
        self._consumers[key] = consumer
        consumer.spec = spec
        return consumer

    async def count_stored(self, stream: str) -> int:
        """Count the messages that a stream holds."""
        return len(self._stream(stream, f"count {stream}").after(0))

    async def read_stored(self, stream: str, sequence: int) -> StoredMessage:
        """Read one message of a stream; it stays there."""
        operation = f"read {sequence} of {stream}"
        for one in self._stream(stream, operation).after(sequence - 1)[:1]:
            if one.sequence == sequence:
                return one
        raise KeyNotFoundError(operation, "no message found")

    async def list_stored(
        self, stream: str, *, after: int = 0, limit: int
    ) -> Sequence[StoredMessage]:
        """Read the first messages behind a place, oldest first."""
        return self._stream(stream, f"list {stream}").after(after)[:limit]

    async def delete_stored(self, stream: str, sequence: int) -> None:
        """Take one message out of a stream, for good."""
        found = await self.read_stored(stream, sequence)
        self._stream(stream, f"delete {sequence} of {stream}").remove(found)

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
        self._check(operation)
        serving = [one for one in self._services if matches(one[0], subject)]
        if not serving:
            raise NoResponderError(operation, "nobody listens")
        _, handler, free = serving[0]
        message = Message(subject=subject, body=body, headers=dict(headers or {}))
        async with within(operation, limit_s), free:
            reply = await answer(handler, message)
        if failure := failure_of(dict(reply.headers)):
            raise HandlerFailedError(operation, failure)
        return Message(subject=subject, body=reply.body, headers=dict(reply.headers))

    @asynccontextmanager
    async def serve(
        self,
        subject: str,
        handler: Handler,
        *,
        max_concurrent: int = 16,
        queue: str = "",  # noqa: ARG002  the first who serves a subject gets its requests
    ) -> AsyncGenerator[None]:
        """Answer the requests to a subject while the body runs."""
        service = (subject, handler, asyncio.Semaphore(max_concurrent))
        self._services.append(service)
        try:
            yield
        finally:
            self._services.remove(service)

    async def kv_get(self, bucket: str, key: str) -> KvEntry:
        """Read a key."""
        return self._bucket(bucket, key).read(key)

    async def kv_put(self, bucket: str, key: str, value: bytes) -> int:
        """Write a key whatever it is now."""
        return self._bucket(bucket, key).write(key, value, None)

    async def kv_create(self, bucket: str, key: str, value: bytes) -> int:
        """Write a key that does not exist."""
        return self._bucket(bucket, key).write(key, value, 0)

    async def kv_update(
        self,
        bucket: str,
        key: str,
        value: bytes,
        *,
        revision: int,
        limit_s: float = DEFAULT_LIMIT_S,  # noqa: ARG002  the port's
    ) -> int:
        """Write a key that still has `revision`."""
        return self._bucket(bucket, key).write(key, value, revision)

    async def kv_delete(self, bucket: str, key: str, *, revision: int | None = None) -> None:
        """Delete a key."""
        self._bucket(bucket, key).write(key, None, revision)

    async def kv_entries(self, bucket: str, prefix: str = "") -> Sequence[KvEntry]:
        """Read all keys that begin with `prefix`, sorted by key."""
        return self._bucket(bucket).entries(prefix)

    async def kv_watch(self, bucket: str, prefix: str = "") -> AsyncIterator[KvUpdate]:
        """Follow the keys that begin with `prefix`."""
        while not self._online:
            await self._bell.wait(None)
        async for update in self._bucket(bucket).watch(prefix):
            yield update

    def _stream(self, name: str, operation: str) -> MemoryStream:
        self._check(operation)
        if name not in self._streams:
            raise KeyNotFoundError(operation, f"there is no stream {name}")
        return self._streams[name]

    def _bucket(self, name: str, key: str = "any") -> MemoryBucket:
        operation = f"use {key} of {name}"
        self._check(operation)
        check_key(name, key)
        if name not in self._buckets:
            raise KeyNotFoundError(operation, "there is no such bucket")
        return self._buckets[name]

    def _set_online(self, *, online: bool) -> None:
        self._online = online
        for part in (*self._consumers.values(), *self._buckets.values()):
            part.online = online
        self._bell.ring()

    def _check(self, operation: str) -> None:
        if not self._online:
            raise BusUnavailableError(operation, "no connection")
