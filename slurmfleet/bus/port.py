"""What a service may ask of the bus; `nats.py` and `memory.py` give it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import BucketSpec, ConsumerSpec, StreamSpec

DEFAULT_LIMIT_S = 5.0
"""Seconds for one round trip to the server, where the caller says nothing else."""

ERROR_HEADER = "Slurmfleet-Error"
"""Marks an answer that tells of a handler's failure: "ValueError: no such job"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishAck:
    """The stream has the message on disk."""

    stream: str
    sequence: int
    duplicate: bool
    """The stream already had a message with this id; nothing was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a handler answers to a request."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Handler = Callable[[Message], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message as it lies in a stream, read without a consumer."""

    sequence: int
    message: Message
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """The server at the other end."""

    name: str
    version: str
    max_payload_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """What a stream says of itself."""

    first_sequence: int
    """The oldest message's; behind the last one where there is none."""

    last_sequence: int
    lost_bytes: int
    """What the server found to be damaged when it began; 0 where it found nothing, and it does not
    look at everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KvEntry:
    """One key as it is."""

    key: str
    value: bytes
    revision: int
    """Grows with every write to the bucket."""

    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KvRemoved:
    """A key was deleted or has expired."""

    key: str
    revision: int
    """The revision of the removal; 0 if it was noticed only after a reconnect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotComplete:
    """A watch has told every key there is; what follows are changes."""


KvUpdate = KvEntry | KvRemoved | SnapshotComplete


class Delivery(Protocol):
    """One message in the hands of a consumer, until it is answered."""

    @property
    def message(self) -> Message:
        """Give the message."""
        ...

    @property
    def sequence(self) -> int:
        """Give its place in the stream."""
        ...

    @property
    def delivered_count(self) -> int:
        """Give how often it was delivered, this time included."""
        ...

    @property
    def published_at(self) -> datetime:
        """Give when the stream took it."""
        ...

    async def ack(self, *, limit_s: float = DEFAULT_LIMIT_S) -> None:
        """Say that it is done; returns when the server has noted that."""
        ...

    async def nak(self, delay_s: float = 0) -> None:
        """Ask to have it again after `delay_s` seconds."""
        ...

    async def term(self) -> None:
        """Ask never to have it again; it stays in the stream."""
        ...

    async def in_progress(self) -> None:
        """Ask for another `ack_wait_s` before it is delivered again."""
        ...


class Consumer(Protocol):
    """A durable place in a stream; processes with the same spec share the work."""

    async def fetch(self, max_messages: int, wait_s: float) -> Sequence[Delivery]:
        """Take what is there, at most `max_messages`; if nothing is, wait up to `wait_s`.

        Returns:
            Oldest first; empty when nothing came in time.

        Raises:
            BusUnavailableError: The server was not there for all of `wait_s`.
        """
        ...

    async def ack_all(
        self, deliveries: Sequence[Delivery], *, limit_s: float = DEFAULT_LIMIT_S
    ) -> None:
        """Acknowledge many in one go; returns when the server has noted all of them.

        Raises:
            BusError: Some may not be noted; they will be delivered again.
        """
        ...

    async def pending(self) -> int:
        """Count the messages that are not yet acknowledged, delivered or not."""
        ...


class Bus(Protocol):
    """The bus, seen from a service."""

    @property
    def is_connected(self) -> bool:
        """Tell whether the server can be reached now."""
        ...

    @property
    def server_info(self) -> ServerInfo | None:
        """Describe the server; None while there is no connection."""
        ...

    async def rtt(self, *, limit_s: float = DEFAULT_LIMIT_S) -> float:
        """Measure the seconds that a round trip to the server takes."""
        ...

    async def prepare(
        self,
        *,
        streams: Sequence[StreamSpec] = (),
        consumers: Sequence[ConsumerSpec] = (),
        buckets: Sequence[BucketSpec] = (),
    ) -> None:
        """Make the server have these; what exists is updated and never loses a message.

        A stream that keeps more than its declaration says goes on doing so.
        """
        ...

    async def publish(self, message: Message, *, limit_s: float = DEFAULT_LIMIT_S) -> PublishAck:
        """Put a message into the stream of its subject; returns when it is on disk.

        Raises:
            PublishRejectedError: No stream takes it.
            BusTimeoutError: It may or may not be stored; publish it again, its id protects.
        """
        ...

    async def publish_many(
        self, messages: Sequence[Message], *, limit_s: float = DEFAULT_LIMIT_S
    ) -> Sequence[PublishAck]:
        """Put many messages into their streams, a few hundred on the way at a time.

        Returns:
            One acknowledgement per message, in their order.

        Raises:
            PartialPublishError: Not all are acknowledged; it says which are.
        """
        ...

    async def stream_state(self, stream: str) -> StreamState:
        """Ask a stream for its ends.

        Raises:
            KeyNotFoundError: There is no such stream.
        """
        ...

    async def readable(self, stream: str, *, first: int, most: int) -> Sequence[int]:
        """Read messages from a place on; give the places of those that are there, in order.

        Args:
            stream: Kept with `allow_direct`, as all of ours are.
            first: The place to begin at.
            most: Messages; fewer come where the server says that there are no more.
        """
        ...

    async def consumer(self, spec: ConsumerSpec) -> Consumer:
        """Bind to a durable consumer; it is made if it does not exist."""
        ...

    async def count_stored(self, stream: str) -> int:
        """Count the messages that a stream holds.

        Raises:
            KeyNotFoundError: There is no such stream.
        """
        ...

    async def read_stored(self, stream: str, sequence: int) -> StoredMessage:
        """Read one message of a stream; it stays there.

        Raises:
            KeyNotFoundError: There is no such message, or no such stream.
        """
        ...

    async def list_stored(
        self, stream: str, *, after: int = 0, limit: int
    ) -> Sequence[StoredMessage]:
        """Read the first messages behind a place, oldest first; each costs one round trip.

        Raises:
            KeyNotFoundError: There is no such stream.
        """
        ...

    async def delete_stored(self, stream: str, sequence: int) -> None:
        """Take one message out of a stream, for good.

        Raises:
            KeyNotFoundError: There is no such message, or no such stream.
        """
        ...

    async def request(
        self,
        subject: str,
        body: bytes = b"",
        *,
        limit_s: float = DEFAULT_LIMIT_S,
        headers: Mapping[str, str] | None = None,
    ) -> Message:
        """Ask whoever serves the subject.

        Raises:
            NoResponderError: Nobody does.
            HandlerFailedError: The handler raised.
            BusTimeoutError: It did not answer in time.
        """
        ...

    def serve(
        self, subject: str, handler: Handler, *, max_concurrent: int = 16, queue: str = ""
    ) -> AbstractAsyncContextManager[None]:
        """Answer the requests to a subject while the body runs, across reconnects.

        Args:
            subject: May hold wildcards.
            handler: What it raises goes to the asker as a failed answer; the serving goes on.
            max_concurrent: More requests wait.
            queue: Processes that serve under the same queue name share the requests.
        """
        ...

    async def kv_get(self, bucket: str, key: str) -> KvEntry:
        """Read a key.

        Raises:
            KeyNotFoundError: It does not exist, was deleted or has expired.
        """
        ...

    async def kv_put(self, bucket: str, key: str, value: bytes) -> int:
        """Write a key whatever it is now; give its new revision."""
        ...

    async def kv_create(self, bucket: str, key: str, value: bytes) -> int:
        """Write a key that does not exist; give its revision.

        Raises:
            RevisionConflictError: It exists.
        """
        ...

    async def kv_update(
        self,
        bucket: str,
        key: str,
        value: bytes,
        *,
        revision: int,
        limit_s: float = DEFAULT_LIMIT_S,
    ) -> int:
        """Write a key that still has `revision`; give its new one.

        Raises:
            RevisionConflictError: It has another, or does not exist.
        """
        ...

    async def kv_delete(self, bucket: str, key: str, *, revision: int | None = None) -> None:
        """Delete a key; with `revision`, only if it still has that.

        Raises:
            RevisionConflictError: It has another.
        """
        ...

    async def kv_entries(self, bucket: str, prefix: str = "") -> Sequence[KvEntry]:
        """Read all keys that begin with `prefix`, sorted by key."""
        ...

    def kv_watch(self, bucket: str, prefix: str = "") -> AsyncIterator[KvUpdate]:
        """Follow the keys that begin with `prefix`: all there are, then changes, for ever.

        A lost connection is waited out; what changed meanwhile is told afterwards. The watch holds
        nothing on this side between two updates, so it may simply be dropped.

        Raises:
            KeyNotFoundError: There is no such bucket.
        """
        ...
