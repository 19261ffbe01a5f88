"""Audit records to the end of their chain; one writer at a time, each record once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from slurmfleet.contracts.audit import FIRST_HASH, AuditRecord, chain_hash, chained
from slurmfleet.store.pool import StorePool
from slurmfleet.store.statements import statement

_LOCK_KEY = 0x61756469  # "audi"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """The newest record of the chain."""

    audit_seq: int
    record_hash: bytes


NOTHING_YET = ChainEnd(audit_seq=0, record_hash=FIRST_HASH)


async def append_audit(pool: StorePool, records: Sequence[AuditRecord]) -> ChainEnd:
    """Put records at the end of the chain, all or none; what stands in it already is left out.

    Returns:
        The end of the chain.

    Raises:
        StoreError: In every kind of its tree; nothing was written.
    """
    async with pool.transaction("append audit") as connection:
        await connection.execute(statement("lock_writing").text, {"key": _LOCK_KEY})
        ids = [one.record_id for one in records]
        cursor = await connection.execute(
            statement("known_audit_records").text, {"record_ids": ids}
        )
        known = {str(row[0]) for row in await cursor.fetchall()}
        row = await (await connection.execute(statement("audit_end").text)).fetchone()
        end = NOTHING_YET if row is None else ChainEnd(audit_seq=row[0], record_hash=row[1])
        for one in records:
            if one.record_id in known:
                continue
            known.add(one.record_id)
            sequence = end.audit_seq + 1
            record_hash = chain_hash(end.record_hash, sequence, chained(one))
            await connection.execute(
                statement("insert_audit_record").text,
                {
                    **one.model_dump(mode="json", exclude={"details", "acted_at"}),
                    "record_id": one.record_id,
                    "details": json.dumps(one.details),
                    "acted_at": one.acted_at.astimezone(UTC),
                    "audit_seq": sequence,
                    "previous_hash": end.record_hash,
                    "record_hash": record_hash,
                },
            )
            end = ChainEnd(audit_seq=sequence, record_hash=record_hash)
    return end
