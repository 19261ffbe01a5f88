"""One live connection to a NATS server: it is dialled, it works, it breaks, it is never mended.

The driver's own reconnecting is switched off. It closes for good on some errors of the server, and
leaves the requests on their way to time out; here whoever waits learns of the break at once, and
`nats.py` dials the next connection.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from slurmfleet.bus.errors import BusTimeoutError, BusUnavailableError, NoResponderError
from slurmfleet.bus.limits import within
from slurmfleet.bus.nats_errors import translate, translated
from slurmfleet.bus.port import ServerInfo

log = structlog.get_logger(__name__)

PING_INTERVAL_S = 5
"""Two unanswered pings mean a broken connection: a stopped server is noticed within 15 s."""

_FLUSH_LIMIT_S = 10
_NO_RESPONDERS = "503"


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsLogin:
    """Who we are; all empty for a server that asks for nothing."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    creds_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One message as the driver gave it; `status` is the server's, "404", empty for data."""

    subject: str
    reply: str
    body: bytes
    headers: dict[str, str]
    status: str


class Channel:
    """The answers to one request that has many."""

    def __init__(self, inbox: str, size: int) -> None:
        """Listen on `inbox`; hold at most `size` answers that nobody has taken yet."""
        self.inbox = inbox
        self._answers = asyncio.Queue[Raw | None](maxsize=size)

    def offer(self, answer: Raw | None) -> None:
        """Put an answer in, None for a broken connection; heartbeats are dropped when full."""
        if not self._answers.full():
            self._answers.put_nowait(answer)

    async def next(self, operation: str, limit_s: float) -> Raw:
        """Take the next answer.

        Raises:
            BusTimeoutError: None came within `limit_s`.
            BusUnavailableError: The connection broke.
        """
        if not self._answers.empty():
            answer = self._answers.get_nowait()
        else:
            async with within(operation, limit_s):
                answer = await self._answers.get()
        if answer is None:
            raise BusUnavailableError(operation, "the connection broke")
        return answer


Answer = asyncio.Future[Raw | None]


class Link:
    """One connection and what is on its way over it."""

    def __init__(self, client: Client) -> None:
        """Take a client that is about to connect."""
        self.closed = asyncio.Event()
        """Set when the connection broke or was closed."""
        self._client = client
        self._inbox = client.new_inbox()
        self._next_token = 0
        self._answers: dict[str, Answer] = {}
        self._channels: set[Channel] = set()

    async def open(self) -> None:
        """Listen for answers."""
        await self.subscribe(f"{self._inbox}.*", self._on_answer)

    @property
    def server_info(self) -> ServerInfo:
        """Describe the server."""
        info: dict[str, Any] = self._client._server_info  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  the driver has no public way
        return ServerInfo(
            name=str(info.get("server_name", "")),
            version=str(info.get("version", "")),
            max_payload_bytes=self._client.max_payload,
        )

    async def subscribe(
        self, subject: str, callback: Callable[[Msg], Awaitable[None]], *, queue: str = ""
    ) -> Subscription:
        """Subscribe a coroutine function that takes the driver's messages."""
        with translated(f"subscribe {subject}"):
            return await self._client.subscribe(subject, queue=queue, cb=callback)  # pyright: ignore[reportUnknownMemberType]  a bare Future in its signature

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; nothing happens if the connection is gone."""
        try:
            await subscription.unsubscribe()
        except nats.errors.Error:
            log.debug("subscription was gone already", subject=subscription.subject)

    async def send(
        self,
        subject: str,
        body: bytes = b"",
        *,
        reply: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Hand a message to the connection; nothing tells whether it arrived."""
        task = asyncio.current_task()
        cancels = task.cancelling() if task else 0
        with translated(f"send {subject}"):
            await self._client.publish(
                subject, body, reply=reply, headers=dict(headers) if headers else None
            )
        if task and task.cancelling() > cancels:  # the driver swallows a cancellation while full
            raise asyncio.CancelledError

    async def post(
        self, subject: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a message and give the future of its answer; None in it: the connection broke."""
        token = self._token()
        answer = Answer()
        answer.add_done_callback(lambda _: self._answers.pop(token, None))
        self._answers[token] = answer
        try:
            await self.send(subject, body, reply=f"{self._inbox}.{token}", headers=headers)
        except BaseException:
            answer.cancel()
            raise
        if self.closed.is_set() and not answer.done():
            answer.set_result(None)
        return answer

    async def request(
        self,
        subject: str,
        body: bytes = b"",
        *,
        operation: str,
        limit_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> Raw:
        """Send a message and wait for its answer.

        Raises:
            NoResponderError: The server says that nobody listens.
        """
        async with within(operation, limit_s):
            return self.settled(operation, await (await self.post(subject, body, headers)))

    @staticmethod
    def settled(operation: str, answer: Raw | None) -> Raw:
        """Give an answer, or raise what stands in its place."""
        if answer is None:
            raise BusUnavailableError(operation, "the connection broke before the answer")
        if answer.status == _NO_RESPONDERS and not answer.body:
            raise NoResponderError(operation, "nobody listens")
        return answer

    @asynccontextmanager
    async def channel(self, size: int) -> AsyncGenerator[Channel]:
        """Listen for many answers while the body runs.

        It takes a subscription of its own: what JetStream delivers carries the subject under which
        it was published, so the subject does not tell to which request it belongs.
        """
        channel = Channel(f"{self._inbox}.many.{self._token()}", size + 1)

        async def on_answer(msg: Msg) -> None:
            channel.offer(raw(msg))

        subscription = await self.subscribe(channel.inbox, on_answer)
        self._channels.add(channel)
        if self.closed.is_set():
            channel.offer(None)
        try:
            yield channel
        finally:
            self._channels.discard(channel)
            await self.unsubscribe(subscription)

    async def rtt(self, limit_s: float) -> float:
        """Measure a round trip, in seconds."""
        async with within("ping", limit_s):
            with translated("ping"):
                return await self._client.rtt(timeout=max(1, round(limit_s)))

    def fail_all(self) -> None:
        """Tell everybody who waits that the connection broke."""
        self.closed.set()
        for answer in list(self._answers.values()):
            if not answer.done():
                answer.set_result(None)
        for channel in self._channels:
            channel.offer(None)

    async def close(self, limit_s: float) -> None:
        """Let what is on its way out leave, then close; at most `limit_s` for each."""
        try:
            async with within("drain", limit_s):
                if self._client.is_connected:
                    await self._client.flush(timeout=max(1, round(limit_s)))
        except (BusTimeoutError, nats.errors.Error, OSError):
            log.warning("bus did not drain", limit_s=limit_s)
        finally:
            await _shut(self._client, limit_s)
            self.fail_all()

    def _token(self) -> str:
        self._next_token += 1
        return str(self._next_token)

    async def _on_answer(self, msg: Msg) -> None:
        answer = self._answers.get(msg.subject.rpartition(".")[2])
        if answer is not None and not answer.done():
            answer.set_result(raw(msg))


def raw(msg: Msg) -> Raw:
    """Take a message out of the driver's hands."""
    headers = dict(msg.headers) if msg.headers else {}
    return Raw(
        subject=msg.subject,
        reply=msg.reply,
        body=msg.data,
        headers=headers,
        status=headers.get("Status", ""),
    )


async def dial(
    *, servers: Sequence[str], name: str, login: NatsLogin, connect_timeout_s: float
) -> Link:
    """Connect once.

    Raises:
        BusAuthError: The server does not know the login.
        BusUnavailableError: No server could be reached.
    """
    operation = f"connect to {', '.join(servers)}"
    client, seen = Client(), list[Exception]()
    link = Link(client)

    async def on_error(exc: Exception) -> None:
        seen.append(exc)
        log.debug("driver reports an error", error=str(exc))

    async def on_closed() -> None:
        link.fail_all()

    try:
        async with within(operation, connect_timeout_s * 2 * len(servers) + 1):
            await client.connect(
                list(servers),
                name=name,
                error_cb=on_error,
                closed_cb=on_closed,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=connect_timeout_s,  # pyright: ignore[reportArgumentType]  the driver takes any number
                ping_interval=PING_INTERVAL_S,
                drain_timeout=5,
                flush_timeout=_FLUSH_LIMIT_S,
                user=login.user or None,
                password=login.password or None,
                token=login.token or None,
                user_credentials=login.creds_file,
            )
            await link.open()
    except BaseException as exc:
        await _shut(client, connect_timeout_s)
        if isinstance(exc, (nats.errors.Error, OSError)):
            reason = seen[-1] if isinstance(exc, nats.errors.NoServersError) and seen else exc
            raise translate(reason, operation) from exc
        raise
    return link


async def _shut(client: Client, limit_s: float) -> None:
    """Close; a server that reads no more is left without ceremony."""
    try:
        async with within("close", limit_s):
            await client.close()
    except (BusTimeoutError, nats.errors.Error, OSError) as exc:
        log.debug("driver failed to close", error=str(exc))
        transport = client._transport  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  the driver cannot abort
        if writer := getattr(transport, "_io_writer", None):
            writer.transport.abort()
