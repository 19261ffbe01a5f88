"""Registry documents other than clusters into their table, by revision."""

from datetime import datetime

from slurmfleet.store.pool import StorePool
from slurmfleet.store.statements import statement


async def upsert_document(
    pool: StorePool, kind: str, document_id: str, document: str, *, revision: int, now: datetime
) -> bool:
    """Store a document; give False when a newer or the same revision is stored.

    Args:
        pool: The store.
        kind: The word of its kind.
        document_id: What tells it from others of its kind.
        document: As JSON.
        revision: The registry's.
        now: When it is recorded.

    Raises:
        StoreError: In every kind of its tree.
    """
    params = {"kind": kind, "document_id": document_id, "document": document}
    return await _write(pool, "upsert_document", params, revision=revision, now=now)


async def remove_document(
    pool: StorePool, kind: str, document_id: str, *, revision: int, now: datetime
) -> bool:
    """Mark a document as removed; give False when a newer or the same revision is stored.

    Raises:
        StoreError: In every kind of its tree.
    """
    params = {"kind": kind, "document_id": document_id}
    return await _write(pool, "remove_document", params, revision=revision, now=now)


async def mark_document_missing(
    pool: StorePool, kind: str, document_id: str, *, revision: int, now: datetime
) -> bool:
    """Mark a document as removed that the registry lacks; False when it was written meanwhile.

    Raises:
        StoreError: In every kind of its tree.
    """
    params = {"kind": kind, "document_id": document_id}
    return await _write(pool, "mark_document_missing", params, revision=revision, now=now)


async def _write(
    pool: StorePool, name: str, params: dict[str, str], *, revision: int, now: datetime
) -> bool:
    async with pool.connection(name) as connection:
        cursor = await connection.execute(
            statement(name).text, {**params, "registry_revision": revision, "now": now}
        )
        return cursor.rowcount == 1
