"""Forgetting what is kept for a limited time."""

from collections.abc import Mapping
from datetime import datetime

from psycopg.rows import scalar_row

from slurmfleet.store.pool import StorePool
from slurmfleet.store.statements import statement
from slurmfleet.store.write.facts import LOCK_KEY

SERIES_OF: Mapping[str, str] = {"gpu_samples": "gpu_series", "load_samples": "load_series"}
"""Series that are forgotten once their last sample is."""

ROWS_AT_ONCE = 20_000
"""Of an ordinary table in one transaction: some tenths of a second."""


async def forget_polls(pool: StorePool, *, before: datetime) -> int:
    """Forget polls that began before a moment; give how many rows or chunks went.

    A hypertable loses whole chunks, so some older polls stay until their chunk is old enough.

    Raises:
        StoreError: In every kind of its tree.
    """
    (forgotten,) = await pool.values("forget_polls", {"before": before})
    return forgotten if isinstance(forgotten, int) else 0


async def forget_rows(
    pool: StorePool, table: str, *, before: datetime, at_once: int = ROWS_AT_ONCE
) -> int:
    """Forget what is older than a moment, in as many transactions as it takes.

    Returns:
        How many rows went; of a hypertable how many chunks, whole ones.

    Raises:
        StoreError: In every kind of its tree; what was forgotten before it stays forgotten.
    """
    params = {"what": table, "before": before, "at_most": at_once}
    total = 0
    while True:
        async with pool.transaction("forget rows") as connection:
            if table in SERIES_OF.values():
                # A sample that comes late must not find its series on the way out.
                await connection.execute(statement("lock_writing").text, {"key": LOCK_KEY})
            cursor = connection.cursor(row_factory=scalar_row)
            await cursor.execute(statement("forget_rows").text, params)
            forgotten = sum(await cursor.fetchall())
        if not forgotten:
            return total
        total += forgotten
