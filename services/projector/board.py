"""Writes what people say of jobs on the board, and removes old history on request (ADR-0028)."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

from services.projector.asked import answered
from slurmfleet.bus.port import Bus
from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.board import (
    CLEANUP,
    CLEAR,
    MARK,
    CleanupReport,
    CleanupRequest,
    ClearPart,
    ClearRequest,
    MarkReport,
    MarkRequest,
)
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.subjects import PROJECTOR, admin_subject
from slurmfleet.store.errors import StoreError
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.reader import store_problem
from slurmfleet.store.write.board import clear_board, mark_jobs, remove_history
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock


@dataclass(frozen=True, slots=True)
class BoardDesk:
    """Waits to be asked, for ever."""

    bus: Bus
    pool: StorePool
    clock: Clock

    async def run(self) -> None:
        """Serve for ever."""
        verbs: dict[str, Callable[[Message], Awaitable[BusReply]]] = {
            CLEAR: self._handle_clear,
            MARK: self._handle_mark,
            CLEANUP: self._handle_cleanup,
        }
        async with AsyncExitStack() as stack:
            for verb, handle in verbs.items():
                served = self.bus.serve(admin_subject(PROJECTOR, verb), handle, queue=PROJECTOR)
                await stack.enter_async_context(served)
            await asyncio.Event().wait()

    async def clear(self, request: ClearRequest) -> ClearPart:
        """Put away some of what is on the board.

        Raises:
            ProblemError: The store is away; nothing was put away.
        """
        with _problems():
            part = await clear_board(self.pool, request)
        logger().info("board cleared", groups=list(request.groups), jobs=len(part.jobs))
        return part

    async def mark(self, request: MarkRequest) -> MarkReport:
        """Say something of jobs.

        Raises:
            ProblemError: The store is away; nothing was said of any.
        """
        with _problems():
            return await mark_jobs(self.pool, request, now=self.clock.now())

    async def clean_up(self, request: CleanupRequest) -> CleanupReport:
        """Remove some old history.

        Raises:
            ProblemError: The store is away; nothing was removed.
        """
        with _problems():
            removed = await remove_history(self.pool, request)
        logger().info("history removed", before=request.before.isoformat(), jobs=removed)
        return CleanupReport(removed=removed)

    async def _handle_clear(self, message: Message) -> BusReply:
        return await answered(message, ClearRequest, self.clear)

    async def _handle_mark(self, message: Message) -> BusReply:
        return await answered(message, MarkRequest, self.mark)

    async def _handle_cleanup(self, message: Message) -> BusReply:
        return await answered(message, CleanupRequest, self.clean_up)


@contextmanager
def _problems() -> Generator[None]:
    try:
        yield
    except StoreError as error:
        raise store_problem(error) from error
