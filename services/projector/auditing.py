"""Audit records from the bus to the end of their chain.

The end is written down on the bus as well: whoever removes the newest rows of the table leaves it
behind.
"""

from pydantic import ValidationError

from services.projector.deadletters import put_aside
from services.projector.poison import blames_values
from slurmfleet.bus.errors import KeyNotFoundError
from slurmfleet.bus.port import Bus, Delivery
from slurmfleet.contracts.audit import AUDIT_END, AuditRecord, NotedEnd
from slurmfleet.contracts.streams import ACCESS, AUDIT, AUDITOR, DEAD_LETTERS
from slurmfleet.runtime.process import Backoff
from slurmfleet.store.errors import StoreError
from slurmfleet.store.pool import StorePool
from slurmfleet.store.write.audit import ChainEnd, append_audit
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

WAIT_S = 20.0
_STORE_WAITS = Backoff(first_s=0.2, most_s=10.0)


async def audit_for_ever(bus: Bus, pool: StorePool, clock: Clock) -> None:
    """Take records one by one, in their order, and acknowledge each when it stands in the chain.

    Raises:
        BusError: The bus could not be asked; what was in hand comes again.
    """
    await bus.prepare(streams=(AUDIT, DEAD_LETTERS), consumers=(AUDITOR,), buckets=(ACCESS,))
    consumer = await bus.consumer(AUDITOR)
    while True:
        for delivery in await consumer.fetch(1, WAIT_S):
            await _take(bus, pool, clock, delivery)


async def _take(bus: Bus, pool: StorePool, clock: Clock, delivery: Delivery) -> None:
    try:
        record = AuditRecord.model_validate_json(delivery.message.body)
    except ValidationError as exc:
        await put_aside(bus, delivery, str(exc)[:500], at=clock.now(), consumer=AUDITOR.durable)
        return
    failures = 0
    while True:
        try:
            end = await append_audit(pool, [record])
        except StoreError as exc:
            if blames_values(exc):
                # It would be refused again, and behind it others wait for their place.
                reason = str(exc)[:500]
                await put_aside(bus, delivery, reason, at=clock.now(), consumer=AUDITOR.durable)
                return
            failures += 1
            if failures == 1:
                logger().warning("store does not take audit records", error=str(exc))
            await clock.sleep(_STORE_WAITS.delay_s(failures))
            await delivery.in_progress()
        else:
            break
    await _write_down(bus, end)
    await delivery.ack()


async def _write_down(bus: Bus, end: ChainEnd) -> None:
    """Write the chain's end down, unless a later one stands there."""
    try:
        entry = await bus.kv_get(ACCESS.name, AUDIT_END)
        noted = NotedEnd.model_validate_json(entry.value)
    except KeyNotFoundError:
        noted = NotedEnd()
    if noted.seq < end.audit_seq:
        latest = NotedEnd(seq=end.audit_seq, hash=end.record_hash.hex())
        await bus.kv_put(ACCESS.name, AUDIT_END, latest.model_dump_json().encode())
