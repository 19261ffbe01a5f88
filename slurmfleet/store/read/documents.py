"""Which registry documents the tables hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from slurmfleet.store.pool import StorePool

_MOST_DOCUMENTS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """One document that the tables show as being there."""

    kind: str
    document_id: str
    registry_revision: int


async def list_stored_documents(pool: StorePool) -> Sequence[StoredDocument]:
    """Give the documents that are not removed.

    Raises:
        StoreError: In every kind of its tree.
    """
    return await pool.rows("list_stored_documents", StoredDocument, {"limit": _MOST_DOCUMENTS})
