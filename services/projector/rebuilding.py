"""Rebuilds tables from the stream on request, beside ingest and readers (ADR-0020)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex

from services.projector.asked import answered
from services.projector.batch import unpack
from slurmfleet.bus.errors import BusError, KeyNotFoundError
from slurmfleet.bus.port import Bus, Consumer
from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.events import JobFact
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.rebuilds import (
    REPORT_KEY,
    VERB,
    Corrected,
    Phase,
    RebuildReport,
    RebuildRequest,
)
from slurmfleet.contracts.streams import BUCKETS, FACTS, STREAMS, WORK, rebuilding
from slurmfleet.contracts.subjects import PROJECTOR, admin_subject
from slurmfleet.store.errors import StatementError, StoreConflictError, StoreError
from slurmfleet.store.write.rebuild import REBUILT, Rebuild, RebuiltTable
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

_MESSAGES = 200
_WAIT_S = 1.0
_TELL_EVERY_S = 1.0


@dataclass(slots=True, kw_only=True)
class Rebuilder:
    """Waits to be asked, and does one rebuild at a time."""

    bus: Bus
    open_rebuild: Callable[[], AbstractAsyncContextManager[Rebuild]]
    count_lost: Callable[[datetime], Awaitable[int]]
    """Gives how many messages the stream is known to have lost since a moment."""

    clock: Clock
    _asked: asyncio.Queue[RebuildRequest] = field(
        default_factory=lambda: asyncio.Queue[RebuildRequest](maxsize=1), init=False
    )
    _busy: bool = field(default=False, init=False)
    _report: RebuildReport | None = field(default=None, init=False)
    _told_at_s: float = field(default=float("-inf"), init=False)

    async def run(self) -> None:
        """Serve for ever."""
        await self.bus.prepare(streams=STREAMS, buckets=BUCKETS)
        async with self.bus.serve(admin_subject(PROJECTOR, VERB), self.handle, queue=PROJECTOR):
            while True:
                request = await self._asked.get()
                try:
                    await self.rebuild(request)
                finally:
                    self._busy = False

    async def handle(self, message: Message) -> BusReply:
        """Take a request, or say why not; the work goes on after the answer."""
        return await answered(message, RebuildRequest, self._begin)

    async def rebuild(self, request: RebuildRequest) -> RebuildReport:
        """Rebuild; whatever goes wrong is in the report."""
        try:
            async with self.open_rebuild() as tables:
                await self._rebuild(request, tables)
        except StoreConflictError:
            return await self._fail("Another rebuild goes on.")
        except (StoreError, BusError) as exc:
            return await self._fail(str(exc))
        now = self.clock.now()
        return await self._tell(phase=Phase.DONE, finished_at=now)

    async def _begin(self, request: RebuildRequest) -> RebuildReport:
        if self._busy:
            raise ProblemError(
                ProblemCode.ALREADY_RUNNING,
                "A rebuild goes on already.",
                remedy="Wait until it is done; `slurmfleet rebuild --show` says how far it is.",
            )
        self._busy = True
        now = self.clock.now()
        self._report = RebuildReport(
            projection=request.projection,
            prune=request.prune,
            phase=Phase.READING,
            started_at=now,
            reported_at=now,
        )
        report = await self._tell()
        self._asked.put_nowait(request)
        logger().info("rebuild asked for", projection=request.projection, prune=request.prune)
        return report

    async def _rebuild(self, request: RebuildRequest, tables: Rebuild) -> None:
        since = await self._oldest()
        lost = await self.count_lost(since)
        await self._tell(lost_messages=lost)
        if lost and request.prune:
            raise StatementError(
                "rebuild",
                f"the stream has lost {lost} messages, so what it does not tell proves nothing;"
                " rebuild without --prune",
            )
        # Never the name of one before: it would go on where that one ended, and see nothing.
        consumer = await self.bus.consumer(rebuilding(token_hex(8)))
        await self._tell(total=await consumer.pending())
        await self._read(consumer, tables)
        found = [Corrected(table=table.name) for table in REBUILT]
        kept = [await tables.suspect(table, since) for table in REBUILT]
        # Whatever was in a table when it was looked at had come by the stream: read on to here.
        await self._read(consumer, tables)
        total = sum([await tables.number(table) for table in REBUILT])
        await self._tell(phase=Phase.CORRECTING, done=0, total=total)
        for at, table in enumerate(REBUILT):
            found[at] = await self._correct(request, tables, table, kept=kept[at])
            await self._tell(tables=tuple(found[: at + 1]))
        await tables.finish()

    async def _read(self, consumer: Consumer, tables: Rebuild) -> None:
        """Read until nothing is left that was there when the reading began."""
        last = (await self.bus.stream_state(FACTS.name)).last_sequence
        while True:
            deliveries = await consumer.fetch(_MESSAGES, _WAIT_S)
            batch = unpack(deliveries)
            facts = [
                fact
                for parcel in batch.parcels
                for fact in parcel.facts
                if isinstance(fact, JobFact)
            ]
            if facts:
                await _write(tables, facts)
            await consumer.ack_all(deliveries)
            await self._count(len(deliveries), len(facts), len(batch.unusable))
            if deliveries and deliveries[-1].sequence >= last:
                return
            # Silence alone may be a slow bus: what was not read would pass for unexplained.
            if not deliveries and not await consumer.pending():
                return

    async def _correct(
        self, request: RebuildRequest, tables: Rebuild, table: RebuiltTable, *, kept: int
    ) -> Corrected:
        found = Corrected(table=table.name, kept=kept)
        async for chunk in tables.overwrite(table):
            found = found.model_copy(
                update={
                    "checked": found.checked + chunk.checked,
                    "mended": found.mended + chunk.mended,
                    "added": found.added + chunk.added,
                }
            )
            await self._count(chunk.checked, 0, 0)
        unexplained, removed = await tables.judge(table, prune=request.prune)
        return found.model_copy(update={"unexplained": unexplained, "removed": removed})

    async def _oldest(self) -> datetime:
        """Give when the oldest message came: everything observed since then is in the stream."""
        state = await self.bus.stream_state(FACTS.name)
        try:
            return (await self.bus.read_stored(FACTS.name, state.first_sequence)).published_at
        except KeyNotFoundError:
            return self.clock.now()  # an empty stream tells nothing of what is there

    async def _count(self, done: int, facts: int, unusable: int) -> None:
        report = self._report
        if report is None:
            return
        self._report = report.model_copy(
            update={
                "done": report.done + done,
                "facts": report.facts + facts,
                "unusable": report.unusable + unusable,
            }
        )
        if self.clock.monotonic_s() - self._told_at_s >= _TELL_EVERY_S:
            await self._tell()

    async def _fail(self, error: str) -> RebuildReport:
        logger().error("rebuild failed", error=error)
        return await self._tell(phase=Phase.FAILED, error=error, finished_at=self.clock.now())

    async def _tell(self, **changes: object) -> RebuildReport:
        """Renew the report where everybody can read it; a bus that is away is waited out."""
        if self._report is None:
            raise RuntimeError("nothing was asked for")
        report = self._report.model_copy(update={**changes, "reported_at": self.clock.now()})
        self._report = report
        self._told_at_s = self.clock.monotonic_s()
        try:
            await self.bus.kv_put(WORK.name, REPORT_KEY, report.model_dump_json().encode())
        except BusError as exc:
            logger().warning("rebuild not reported", error=str(exc))
        return report


async def _write(tables: Rebuild, facts: Sequence[JobFact]) -> None:
    """Write facts; one that the store refuses is left out, as the projector leaves it out."""
    try:
        await tables.write(facts)
    except StatementError:
        if len(facts) == 1:
            logger().warning("fact refused in a rebuild", fact_id=facts[0].fact_id)
            return
        half = len(facts) // 2
        await _write(tables, facts[:half])
        await _write(tables, facts[half:])
