"""Has every action told before it is done, and what came of it afterwards.

An action that cannot be told is not done. What came of one that was done is told as often as it
takes for a while; if it cannot be, the log has it, and the audit shows an action without an end.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import JsonValue

from slurmfleet.access.limits import ActionBudget
from slurmfleet.access.principal import Principal, current_principal
from slurmfleet.bus.errors import BusError
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.access import Toolset
from slurmfleet.contracts.audit import AuditRecord, Outcome, Phase, record_message
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.streams import ACCESS, AUDIT
from slurmfleet.runtime.commands import bus_unavailable
from slurmfleet.telemetry.logs import logger
from slurmfleet.telemetry.metrics import ACTIONS
from slurmfleet.timing.clock import Clock

_RESULT_TRIES = 4
_RETRY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody is about to do."""

    name: str
    """`job.cancel`, `cluster.update`: a noun and a verb."""

    needs: Toolset
    cluster: ClusterName | None = None
    target: str = ""
    reason: str = ""
    """Why, in the actor's words."""

    details: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    count: int = 1
    """How many things are acted on; the day's budget is spent by them."""


@dataclass(slots=True)
class Result:
    """What came of an action, filled in by whoever does it."""

    details: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    failed: bool = False
    """Whether it is told as failed although nothing was raised: some of many were not done."""


class Auditor:
    """The one way to act: scope, budget and record before, result after."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        """Tell over a bus; its stream is prepared with the first record."""
        self._bus = bus
        self._clock = clock
        self._budget = ActionBudget(bus, clock)
        self._is_prepared = False

    @asynccontextmanager
    async def acting(self, action: Action) -> AsyncGenerator[Result]:
        """Let the body do an action, if who asks may.

        Raises:
            ProblemError: FORBIDDEN, RATE_LIMITED, or BUS_UNAVAILABLE: nothing was done; and
                whatever the body raises.
        """
        who, action_id = current_principal(), secrets.token_hex(12)
        await self._prepare()
        try:
            who.require(action.needs)
            if action.needs is Toolset.ADMIN and action.cluster is None:
                who.require_whole()
            if action.cluster is not None:
                who.require_cluster(action.cluster)
            await self._budget.spend(who, action.count)
        except ProblemError as problem:
            await self._refused(who, action, action_id, problem)
            raise
        await self._tell(_record(who, action, action_id, self._clock))
        result = Result()
        try:
            yield result
        except ProblemError as problem:
            told = {**result.details, "code": problem.code.value, "detail": problem.detail}
            await self._ended(who, action, action_id, Outcome.FAILED, told)
            raise
        except BaseException as exc:
            told = {**result.details, "error": type(exc).__name__}
            await self._ended(who, action, action_id, Outcome.FAILED, told)
            raise
        outcome = Outcome.FAILED if result.failed else Outcome.OK
        await self._ended(who, action, action_id, outcome, result.details)

    async def refused(self, action: Action, problem: ProblemError) -> None:
        """Tell that an action was refused before it came here; best effort, it stands anyway."""
        try:
            await self._prepare()
        except ProblemError as exc:
            logger().error("refusal not audited", action=action.name, error=exc.detail)
            return
        await self._refused(current_principal(), action, secrets.token_hex(12), problem)

    async def _prepare(self) -> None:
        if self._is_prepared:
            return
        try:
            await self._bus.prepare(streams=(AUDIT,), buckets=(ACCESS,))
        except BusError as exc:
            raise bus_unavailable() from exc
        self._is_prepared = True

    async def _refused(
        self, who: Principal, action: Action, action_id: str, problem: ProblemError
    ) -> None:
        """Tell a refusal; it stands whether it can be told or not."""
        if problem.code is ProblemCode.BUS_UNAVAILABLE:
            return
        ACTIONS.labels(action=action.name, outcome=Outcome.REFUSED.value).inc()
        record = _record(who, action, action_id, self._clock).model_copy(
            update={
                "outcome": Outcome.REFUSED,
                "details": {**action.details, "code": problem.code.value},
            }
        )
        try:
            await self._tell(record)
        except ProblemError as exc:
            logger().error("refusal not audited", **_logged(record), error=exc.detail)

    async def _ended(
        self,
        who: Principal,
        action: Action,
        action_id: str,
        outcome: Outcome,
        details: Mapping[str, JsonValue],
    ) -> None:
        """Tell what came of an action, though the asker may be gone by now."""
        ACTIONS.labels(action=action.name, outcome=outcome.value).inc()
        record = _record(who, action, action_id, self._clock).model_copy(
            update={"phase": Phase.DONE, "outcome": outcome}
        )
        record = AuditRecord.model_validate({**record.model_dump(), "details": dict(details)})
        await asyncio.shield(self._tell_surely(record))

    async def _tell_surely(self, record: AuditRecord) -> None:
        for attempt in range(1, _RESULT_TRIES + 1):
            try:
                await self._tell(record)
            except ProblemError as exc:
                if attempt == _RESULT_TRIES:
                    logger().error("result not audited", **_logged(record), error=exc.detail)
                    return
                await self._clock.sleep(_RETRY_S * attempt)
            else:
                return

    async def _tell(self, record: AuditRecord) -> None:
        try:
            await self._bus.publish(record_message(record))
        except BusError as exc:
            raise bus_unavailable() from exc


def _record(who: Principal, action: Action, action_id: str, clock: Clock) -> AuditRecord:
    """Give the record that an action is tried."""
    return AuditRecord(
        action_id=action_id,
        phase=Phase.TRIED,
        actor=who.name,
        actor_kind=who.kind,
        token_id=who.token_id,
        via=who.via,
        action=action.name,
        cluster=action.cluster or "",
        target=action.target,
        reason=action.reason,
        details=dict(action.details),
        outcome=Outcome.ALLOWED,
        acted_at=clock.now(),
    )


def _logged(record: AuditRecord) -> dict[str, str]:
    """Give what the log has of a record that could not be told."""
    return {
        "action_id": record.action_id,
        "actor": record.actor,
        "action": record.action,
        "cluster": record.cluster,
        "target": record.target,
        "outcome": record.outcome.value,
        "details": str(record.details)[:2_000],
    }
