"""One live connection to a NATS server: it works, it breaks, it is never mended.

The driver's own reconnecting is switched off. It closes for good on some errors of the server, and
leaves the requests on their way to time out; here whoever waits learns of the break at once, and
`nats_keeper.py` dials the next connection.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from slurmfleet.bus.errors import (
    BusAuthError,
    BusError,
    BusTimeoutError,
    BusUnavailableError,
    NoResponderError,
)
from slurmfleet.bus.limits import cancellation_kept, within
from slurmfleet.bus.nats_errors import translated
from slurmfleet.bus.port import ServerInfo

log = structlog.get_logger(__name__)

_NO_RESPONDERS = "503"
_FORBIDDEN = "403"
"""Not the server's: it answers nothing to what it forbids."""

_FORBIDDEN_SUBJECT = re.compile(
    r'permissions violation for publish to "(?P<subject>[^"]+)"', re.IGNORECASE
)

LOOK_EVERY_S = 1.0
"""How often a connection is looked at of whose end the driver may say nothing."""


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
        self._inbox = ""
        self._next_token = 0
        self._answers: dict[str, Answer] = {}
        self._asked: dict[str, str] = {}
        """The subject of each request that waits for its answer, by token."""
        self._channels: set[Channel] = set()

    async def open(self) -> None:
        """Listen for answers."""
        self._inbox = self._client.new_inbox()
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
        with translated(f"subscribe {subject}"), cancellation_kept():
            return await self._client.subscribe(subject, queue=queue, cb=callback)  # pyright: ignore[reportUnknownMemberType]  a bare Future in its signature

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; nothing happens if the connection is gone."""
        try:
            with cancellation_kept():
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
        with translated(f"send {subject}"), cancellation_kept():
            await self._client.publish(
                subject, body, reply=reply, headers=dict(headers) if headers else None
            )

    async def post(
        self, subject: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a message and give the future of its answer; None in it: the connection broke."""
        token = self._token()
        answer = Answer()
        answer.add_done_callback(lambda _: self._forget(token))
        self._answers[token], self._asked[token] = answer, subject
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
        if answer.status == _FORBIDDEN:
            raise BusAuthError(operation, answer.body.decode())
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
            with translated("ping"), cancellation_kept():
                return await self._client.rtt(timeout=max(1, round(limit_s)))

    async def flushed(self, limit_s: float) -> None:
        """Wait until the server has read what was sent so far.

        The driver's ping overtakes what still waits to be written, so the second one counts.
        """
        await self.rtt(limit_s)
        await self.rtt(limit_s)

    async def until_closed(self) -> None:
        """Wait until the connection is broken or closed, whether the driver says so or not.

        It skips its last words where writing what was left fails, or hangs, while it closes: then
        the client is closed for ever, and nobody was told.
        """
        while not self.closed.is_set():
            if self._client.is_closed:
                self.fail_all()
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self.closed.wait()

    def on_refusal(self, reason: str) -> None:
        """Take what the server says of an act that this login may not do.

        It says so beside the answers, and sends none: whoever waits is told at once.
        """
        log.warning("bus forbids", reason=reason)
        if (found := _FORBIDDEN_SUBJECT.search(reason)) is None:
            return
        # The driver gives what the server said in lower case.
        meant = found["subject"].lower()
        refused = [token for token, subject in self._asked.items() if subject.lower() == meant]
        for token in refused:
            if not (answer := self._answers[token]).done():
                body = f"this login may not publish to {found['subject']}".encode()
                answer.set_result(
                    Raw(subject="", reply="", body=body, headers={}, status=_FORBIDDEN)
                )

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
            if self._client.is_connected:
                await self.flushed(limit_s)
        except BusError:
            log.warning("bus did not drain", limit_s=limit_s)
        finally:
            await shut(self._client, limit_s)
            self.fail_all()

    def _forget(self, token: str) -> None:
        self._answers.pop(token, None)
        self._asked.pop(token, None)

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


async def shut(client: Client, limit_s: float) -> None:
    """Close; a server that reads no more is left without ceremony."""
    try:
        async with within("close", limit_s):
            await client.close()
    except (BusTimeoutError, nats.errors.Error, OSError) as exc:
        log.debug("driver failed to close", error=str(exc))
        transport = client._transport  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  the driver cannot abort
        if writer := getattr(transport, "_io_writer", None):
            writer.transport.abort()
