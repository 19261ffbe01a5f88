"""Forgetting what is kept for a limited time."""

from datetime import datetime

from slurmfleet.store.pool import StorePool


async def forget_polls(pool: StorePool, *, before: datetime) -> int:
    """Forget polls that began before a moment; give how many rows or chunks went.

    A hypertable loses whole chunks, so some older polls stay until their chunk is old enough.

    Raises:
        StoreError: In every kind of its tree.
    """
    (forgotten,) = await pool.values("forget_polls", {"before": before})
    return forgotten if isinstance(forgotten, int) else 0
