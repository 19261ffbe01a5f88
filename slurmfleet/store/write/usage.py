"""What runs used: kept beside the facts, and worked out by day from there (ADR-0021).

The transaction that stores a run marks its days. Whoever takes a mark works the whole day out
anew, so a day may be marked and taken any number of times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from psycopg.rows import class_row

from slurmfleet.contracts.events import JobFact
from slurmfleet.store.pool import Connection, StorePool
from slurmfleet.store.statements import statement
from slurmfleet.store.write.run_batch import key_columns, run_columns, runs_in

_LOCK_KEY = 0x736C_666C_7573_6167
"""Our own key among the server's advisory locks: "slflusag"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDay:
    """One day of one cluster."""

    cluster: str
    day: date


async def apply_runs(connection: Connection, facts: Sequence[JobFact]) -> None:
    """Store the runs that ended, and mark the days whose use changes; within a transaction."""
    runs = runs_in(facts)
    if runs.ended:
        await connection.execute(statement("write_ended_runs").text, run_columns(runs.ended))
    if runs.touched:
        columns = key_columns(runs.touched)
        await connection.execute(statement("mark_usage_of_jobs").text, columns)


async def work_out_usage(pool: StorePool, *, at_most_days: int = 1_000) -> int:
    """Work out marked days, the newest first, each in a transaction of its own.

    Args:
        pool: Where.
        at_most_days: So many, so that whoever waits for the end of it waits no longer.

    Returns:
        How many days of a cluster were worked out.

    Raises:
        StoreError: In every kind of its tree; what was worked out before stays.
    """
    done = 0
    while done < at_most_days and await _work_out_one(pool):
        done += 1
    return done


async def _work_out_one(pool: StorePool) -> bool:
    """Work out one marked day; False when none is marked.

    Two that did the same day at once would both write its rows, so they wait for each other.
    """
    async with pool.transaction("work out usage") as connection:
        await connection.execute(statement("lock_writing").text, {"key": _LOCK_KEY})
        cursor = connection.cursor(row_factory=class_row(UsageDay))
        await cursor.execute(statement("take_usage_mark").text)
        taken = await cursor.fetchone()
        if taken is None:
            return False
        where = {"cluster": taken.cluster, "day": taken.day}
        await connection.execute(statement("delete_usage_day").text, where)
        await connection.execute(statement("write_usage_day").text, where)
    return True
