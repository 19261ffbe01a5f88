"""Serves a subject over whatever connection there is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog
from nats.aio.msg import Msg

from slurmfleet.bus.beside import beside
from slurmfleet.bus.consumer import answer
from slurmfleet.bus.errors import BusError
from slurmfleet.bus.names import INBOX
from slurmfleet.bus.nats_keeper import Keeper
from slurmfleet.bus.nats_link import Link, Raw, raw
from slurmfleet.bus.port import Handler
from slurmfleet.contracts.envelope import Message

log = structlog.get_logger(__name__)


@asynccontextmanager
async def serve_over(
    keeper: Keeper, subject: str, handler: Handler, *, max_concurrent: int, queue: str
) -> AsyncGenerator[None]:
    """Serve while the body runs; if connected, the body starts when requests arrive."""
    service = _Service(keeper, subject, handler, max_concurrent, queue)
    async with beside(service.run(), name=f"serve {subject}"):
        if keeper.current is not None:
            await service.tried.wait()
        yield


class _Service:
    def __init__(
        self, keeper: Keeper, subject: str, handler: Handler, max_concurrent: int, queue: str
    ) -> None:
        self.tried = asyncio.Event()
        """The first subscription has been made, or has failed."""
        self._keeper = keeper
        self._subject = subject
        self._handler = handler
        self._queue = queue
        self._free = asyncio.Semaphore(max_concurrent)

    async def run(self) -> None:
        """Subscribe on every connection there ever is, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                link = await self._keeper.live_link()
                try:
                    await self._serve(link, group)
                except BusError as exc:
                    log.warning("serving interrupted", subject=self._subject, error=str(exc))
                    self.tried.set()
                    await link.closed.wait()

    async def _serve(self, link: Link, group: asyncio.TaskGroup) -> None:
        async def on_request(msg: Msg) -> None:
            if not msg.reply.startswith(INBOX):
                # Whoever may read a stream can have the server send what lies in it anywhere, past
                # all rights; but then nobody waits in an inbox.
                log.warning("no request, so not served", subject=msg.subject)
                return
            await self._free.acquire()
            group.create_task(self._answer(link, raw(msg)), name=f"answer {msg.subject}")

        subscription = await link.subscribe(self._subject, on_request, queue=self._queue)
        try:
            await link.flushed(limit_s=5)
            self.tried.set()
            await link.closed.wait()
        finally:
            await link.unsubscribe(subscription)

    async def _answer(self, link: Link, request: Raw) -> None:
        try:
            message = Message(subject=request.subject, body=request.body, headers=request.headers)
            reply = await answer(self._handler, message)
            await link.send(request.reply, reply.body, headers=reply.headers)
        except BusError as exc:
            log.warning("answer could not be sent", subject=request.subject, error=str(exc))
        finally:
            self._free.release()
