"""Compares rolls with the store and asks collectors to mend what differs, beside the ingest."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from pydantic import BaseModel

from services.projector.repairs import Key, Plan, Tries, counted, in_chunks, plan
from services.projector.rolls import Roll, RollCall
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.commands import (
    ADOPTED_AT_ONCE,
    TOLD_AGAIN_AT_ONCE,
    AdoptedJob,
    AdoptReport,
    AdoptRequest,
    JobRef,
    TellAgainReport,
    TellAgainRequest,
    Verb,
)
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.job_codec import job_to_bytes
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.surveys import RollCalled
from slurmfleet.runtime.commands import ask_collector
from slurmfleet.store.errors import StoreError
from slurmfleet.store.read.rolls import Drift, WholeJob
from slurmfleet.telemetry.logs import logger
from slurmfleet.telemetry.metrics import ROLL_REPAIRS
from slurmfleet.timing.clock import Clock

Compare = Callable[[Roll], Awaitable[Drift]]
"""Tells how the store differs from a roll."""

Read = Callable[[ClusterName, Sequence[Key]], Awaitable[Sequence[WholeJob]]]
"""Gives jobs as the store knows them, every group beside its members."""

Report = TypeVar("Report", bound=BaseModel)

OF_NOW = timedelta(minutes=20)
"""Twice the time between rolls: an older one is of a backlog or a replay, and others follow it."""

_ASK_LIMIT_S = 20.0
_MOST_BYTES = 512 * 1024
"""Of jobs in one message; in base 64 it is still what a server of NATS takes by default."""

_BLAMES_JOBS = frozenset({ProblemCode.INVALID_PARAMETER, ProblemCode.INTERNAL})
"""Answers that another asking for the same jobs would bring again."""

_NAMED_IN_LOG = 5


class Repairer:
    """Holds the newest whole roll of each cluster until its turn comes."""

    def __init__(
        self,
        *,
        bus: Bus,
        compare: Compare,
        read: Read,
        clock: Clock,
        on_left: Callable[[], None] = lambda: None,
    ) -> None:
        """Describe it; `run` does the work.

        Args:
            bus: Where collectors are asked.
            compare: Tells how the store differs from a roll.
            read: Gives jobs as the store knows them.
            clock: For all times.
            on_left: Called where more differs than one roll mends.
        """
        self._bus = bus
        self._compare = compare
        self._read = read
        self._clock = clock
        self._on_left = on_left
        self._call = RollCall()
        self._waiting: dict[ClusterName, Roll] = {}
        self._heard = asyncio.Event()
        self._tries: dict[ClusterName, Tries] = {}

    def hear(self, parts: Sequence[RollCalled]) -> None:
        """Take parts of rolls; what was told before them has been written."""
        now = self._clock.now()
        for part in parts:
            if abs(now - part.observed_at) > OF_NOW:
                continue
            if (roll := self._call.take(part)) is not None:
                self._waiting[roll.cluster] = roll
                self._heard.set()

    async def run(self) -> None:
        """Compare for ever, one roll after another."""
        while True:
            await self._heard.wait()
            if self._waiting:
                await self.repair(self._waiting.pop(next(iter(self._waiting))))
            else:
                self._heard.clear()

    async def repair(self, roll: Roll) -> None:
        """Compare one roll and ask for what is needed; what fails waits for the next roll."""
        try:
            drift = await self._compare(roll)
            wanted = plan(roll, drift, self._tries.get(roll.cluster, {}))
            jobs = await self._read(roll.cluster, wanted.adopt) if wanted.adopt else ()
        except StoreError as exc:
            logger().warning("roll not compared", cluster=roll.cluster, error=str(exc))
            return
        self._tries[roll.cluster] = wanted.tries
        self._give_up(roll, wanted)
        if not (wanted.adopt or wanted.tell_again):
            return
        adoptions = await self._ask(
            roll, Verb.ADOPT, AdoptReport, _adopt_requests(jobs, frozenset(wanted.adopt))
        )
        retellings = await self._ask(
            roll, Verb.TELL_AGAIN, TellAgainReport, _tell_requests(wanted.tell_again)
        )
        logger().info(
            "roll compared",
            cluster=roll.cluster,
            jobs=len(roll.entries),
            unnamed=len(wanted.adopt),
            adopted=sum(one.adopted for one in adoptions),
            missed=len(wanted.tell_again),
            told=sum(one.told for one in (*adoptions, *retellings)),
            left=wanted.left,
        )
        if wanted.left and (adoptions or retellings):
            self._on_left()

    async def _ask(
        self,
        roll: Roll,
        verb: Verb,
        report: type[Report],
        requests: Iterable[tuple[Sequence[Key], BaseModel]],
    ) -> Sequence[Report]:
        """Ask in as many messages as it takes; stop where nobody answers."""
        reports: list[Report] = []
        for keys, request in requests:
            try:
                reports.append(
                    await ask_collector(
                        self._bus, roll.cluster, verb, report, limit_s=_ASK_LIMIT_S, request=request
                    )
                )
            except ProblemError as exc:
                logger().warning(
                    "repair not made", cluster=roll.cluster, verb=verb, error=exc.detail
                )
                if exc.code not in _BLAMES_JOBS:
                    break
            self._tries[roll.cluster] = counted(self._tries[roll.cluster], keys, roll)
            ROLL_REPAIRS.labels(cluster=roll.cluster, kind=verb.value).inc(len(keys))
        return reports

    def _give_up(self, roll: Roll, wanted: Plan) -> None:
        if not wanted.given_up:
            return
        ROLL_REPAIRS.labels(cluster=roll.cluster, kind="given_up").inc(len(wanted.given_up))
        logger().error(
            "jobs differ from the roll after every try",
            cluster=roll.cluster,
            jobs=len(wanted.given_up),
            some=[job_id for job_id, _ in wanted.given_up[:_NAMED_IN_LOG]],
        )


def _adopt_requests(
    jobs: Sequence[WholeJob], unnamed: frozenset[Key]
) -> Iterator[tuple[Sequence[Key], AdoptRequest]]:
    """Give what adopts jobs, and which of the unnamed ones are in it."""
    bodies = [job_to_bytes(one.job) for one in jobs]
    sizes = [len(body) for body in bodies]
    for chunk in in_chunks(sizes, most=ADOPTED_AT_ONCE, most_bytes=_MOST_BYTES):
        claims = tuple(
            AdoptedJob(
                job=b64encode(body),
                revision=one.revision,
                observed_at=one.observed_at,
                source=one.source,
            )
            for one, body in zip(jobs[chunk], bodies[chunk], strict=True)
        )
        keys = [(one.job.job_id, one.job.submitted_at) for one in jobs[chunk]]
        yield [key for key in keys if key in unnamed], AdoptRequest(jobs=claims)


def _tell_requests(missed: Sequence[Key]) -> Iterator[tuple[Sequence[Key], TellAgainRequest]]:
    for at in range(0, len(missed), TOLD_AGAIN_AT_ONCE):
        keys = missed[at : at + TOLD_AGAIN_AT_ONCE]
        refs = tuple(JobRef(job_id=job_id, submitted_at=moment) for job_id, moment in keys)
        yield keys, TellAgainRequest(jobs=refs)
