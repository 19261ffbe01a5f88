"""Forgetting what is kept for a limited time."""

from datetime import datetime

from slurmfleet.store.edition import find_edition
from slurmfleet.store.pool import StorePool
from slurmfleet.store.statements import statement


async def forget_polls(pool: StorePool, *, before: datetime) -> int:
    """Forget polls that began before a moment; give how many rows or chunks went.

    A hypertable loses whole chunks, so some older polls stay until their chunk is old enough.

    Raises:
        StoreError: In every kind of its tree.
    """
    async with pool.connection("forget polls") as connection:
        edition = await find_edition(connection)
        name = "drop_old_poll_chunks" if edition.has_hypertables else "delete_old_polls"
        cursor = await connection.execute(statement(name).text, {"before": before})
        return max(cursor.rowcount, 0)
