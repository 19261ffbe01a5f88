"""A record that nobody can use holds up no other, and is kept where a person finds it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Never

from services.projector.auditing import audit_for_ever
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.access import ActorKind
from slurmfleet.contracts.audit import AuditRecord, Outcome, Phase, Via, record_message
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import AUDIT, DEAD_LETTERS
from slurmfleet.contracts.subjects import audit_subject
from slurmfleet.store.errors import StatementError
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.moments import NOON


class RefusingPool:
    """A store that takes no values."""

    @asynccontextmanager
    async def transaction(self, operation: str) -> AsyncGenerator[Never]:
        raise StatementError(operation, "invalid input", sqlstate="22P02")
        yield


async def test_what_cannot_be_chained_is_put_aside_and_the_next_is_taken():
    clock = ManualClock(NOON)
    bus = MemoryBus(clock)
    await bus.prepare(streams=(AUDIT, DEAD_LETTERS))
    record = AuditRecord(
        action_id="one",
        phase=Phase.TRIED,
        actor="ada",
        actor_kind=ActorKind.PERSON,
        via=Via.REST,
        action="job.cancel",
        outcome=Outcome.ALLOWED,
        acted_at=NOON,
    )
    await bus.publish(
        Message(subject=audit_subject("tried"), body=b"no record", headers={"Nats-Msg-Id": "x"})
    )
    await bus.publish(record_message(record))

    task = asyncio.create_task(audit_for_ever(bus, RefusingPool(), clock))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        while await bus.count_stored(DEAD_LETTERS.name) < 2:  # noqa: ASYNC110 it has no bell
            await asyncio.sleep(0)
    task.cancel()

    letters = await bus.list_stored(DEAD_LETTERS.name, limit=10)
    assert [one.message.subject for one in letters] == ["fleet.dead.v1.auditor"] * 2
