"""How well jobs used what they held, worked out from their samples hour by hour (ADR-0016).

What is to be worked out is marked in the transaction that stores the samples, so a crash loses
nothing. A mark is taken away only as it was read: the samples are read after the mark, so whoever
marks again meanwhile is either seen or leaves a mark that differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from slurmfleet.store.pool import StorePool
from slurmfleet.store.statements import statement
from slurmfleet.store.write.columns import number_array, text_array, time_array

AT_ONCE = 200
"""Hours of jobs in one transaction: at 8 GPUs to a job some 190,000 samples, a second of work."""

_LOCK_KEY = 0x736C_666C_6A75_7365
"""Our own key among the server's advisory locks: "slfljuse". One process at a time works hours out,
so that an older answer never replaces a newer one; facts are written meanwhile."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One hour of one job that is to be worked out."""

    cluster: str
    job_id: str
    submitted_at: datetime
    hour_at: datetime
    marks: int


async def roll_up_job_use(pool: StorePool, *, at_once: int = AT_ONCE) -> int:
    """Work out what is marked, the oldest hours first; give how many marks were worked off.

    Beside each marked hour the next is worked out: its first samples stand for the time since the
    last ones of the hour before.

    Raises:
        StoreError: In every kind of its tree; what is marked stays marked.
    """
    async with pool.transaction("roll up job use") as connection:
        await connection.execute(statement("lock_writing").text, {"key": _LOCK_KEY})
        cursor = connection.cursor(row_factory=class_row(Mark))
        await cursor.execute(statement("read_job_use_marks").text, {"limit": at_once})
        marks = await cursor.fetchall()
        if not marks:
            return 0
        hours = [*marks, *(_next_hour(mark) for mark in marks)]
        bounds = {
            "since": min(mark.hour_at for mark in marks) - _HOUR,
            "until": max(mark.hour_at for mark in marks) + 2 * _HOUR,
        }
        await connection.execute(
            statement("upsert_job_use_hours").text, {**mark_keys(hours), **bounds}
        )
        jobs = _jobs(marks)
        await connection.execute(statement("upsert_job_use").text, jobs)
        # Of those that have ended the days are worked out anew: samples may come after the end.
        await connection.execute(statement("mark_usage_of_jobs").text, jobs)
        await connection.execute(
            statement("delete_job_use_marks").text,
            {**mark_keys(marks), "marks": number_array([mark.marks for mark in marks])},
        )
        return len(marks)


def mark_keys(marks: Sequence[Mark]) -> dict[str, str]:
    """Give the columns that say which hours of which jobs."""
    return {
        "cluster": text_array([mark.cluster for mark in marks]),
        "job_id": text_array([mark.job_id for mark in marks]),
        "submitted_at": time_array([mark.submitted_at for mark in marks]),
        "hour_at": time_array([mark.hour_at for mark in marks]),
    }


def _next_hour(mark: Mark) -> Mark:
    return Mark(
        cluster=mark.cluster,
        job_id=mark.job_id,
        submitted_at=mark.submitted_at,
        hour_at=mark.hour_at + _HOUR,
        marks=mark.marks,
    )


def _jobs(marks: Sequence[Mark]) -> dict[str, str]:
    jobs = sorted({(mark.cluster, mark.job_id, mark.submitted_at) for mark in marks})
    return {
        "cluster": text_array([job[0] for job in jobs]),
        "job_id": text_array([job[1] for job in jobs]),
        "submitted_at": time_array([job[2] for job in jobs]),
    }
