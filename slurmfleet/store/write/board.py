"""What people say of the jobs on the board, and old history that they remove."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row, scalar_row

from slurmfleet.contracts.board import (
    CLEARED_NAMED,
    MOST_BOARD_DAYS,
    MOST_PINS,
    CleanupRequest,
    ClearReport,
    ClearRequest,
    Mark,
    MarkReport,
    MarkRequest,
    NamedJob,
    states_of,
)
from slurmfleet.store.matching import any_of
from slurmfleet.store.pool import Connection, StorePool
from slurmfleet.store.statements import statement
from slurmfleet.store.write.facts import LOCK_KEY

FORGET_AFTER = timedelta(days=MOST_BOARD_DAYS + 10)
"""No board shows what ended before then, so nobody misses what was put away."""

_FORGOTTEN_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Markable:
    submitted_at: datetime
    restart_count: int
    is_live: bool


async def clear_board(pool: StorePool, request: ClearRequest, *, now: datetime) -> ClearReport:
    """Put away what is on the board, but for what is pinned.

    Raises:
        ProblemError: A text that no store holds.
        StoreError: In every kind of its tree; nothing was put away.
    """
    params = {
        "states": [str(state) for state in states_of(request.groups)],
        "clusters": any_of(request.clusters, name="cluster"),
        "users": any_of(request.users, name="user"),
        "projects": any_of(request.projects, name="project"),
        "since": now - timedelta(days=MOST_BOARD_DAYS),
        "marked_by": request.by,
        "reason": request.reason,
        "now": now,
    }
    async with pool.transaction("clear the board") as connection:
        cursor = await connection.execute(statement("clear_board").text, params)
        cleared = await cursor.fetchall()
    names = [NamedJob(cluster=cluster, job_id=job_id) for cluster, job_id in cleared]
    return ClearReport(cleared=len(names), jobs=tuple(names[:CLEARED_NAMED]))


async def mark_jobs(pool: StorePool, request: MarkRequest, *, now: datetime) -> MarkReport:
    """Say something of jobs, of the latest submission of each.

    Raises:
        StoreError: In every kind of its tree; nothing was said of any.
    """
    marked: list[NamedJob] = []
    refused: dict[str, str] = {}
    async with pool.transaction("mark jobs") as connection:
        pins = await _count_pins(connection) if request.mark is Mark.PINNED else 0
        for job in dict.fromkeys(request.jobs):
            found = await _find(connection, job)
            if why := _obstacle(request.mark, found, pins + len(marked)):
                refused[f"{job.cluster} {job.job_id}"] = why
            elif found is not None:
                await _mark(connection, request, job, found, now)
                marked.append(job)
    return MarkReport(marked=tuple(marked), refused=refused)


async def forget_marks(pool: StorePool, *, now: datetime) -> int:
    """Forget what was put away so long ago that it is not on any board.

    Raises:
        StoreError: In every kind of its tree; what was forgotten before it stays forgotten.
    """
    params = {"before": now - FORGET_AFTER, "at_most": _FORGOTTEN_AT_ONCE}
    total = 0
    while True:
        async with pool.connection("forget marks") as connection:
            cursor = await connection.execute(statement("forget_marks").text, params)
            if not cursor.rowcount:
                return total
            total += cursor.rowcount


async def remove_history(pool: StorePool, request: CleanupRequest) -> int:
    """Remove some jobs that were over before a moment, with their events; give how many went.

    Raises:
        ProblemError: A text that no store holds.
        StoreError: In every kind of its tree; nothing was removed.
    """
    params = {
        "before": request.before,
        "clusters": any_of(request.clusters, name="cluster"),
        "users": any_of(request.users, name="user"),
        "at_most": request.at_most,
    }
    async with pool.transaction("remove history") as connection:
        await connection.execute(statement("lock_writing").text, {"key": LOCK_KEY})
        cursor = connection.cursor(row_factory=scalar_row)
        await cursor.execute(statement("remove_history").text, params)
        counts: Sequence[int] = await cursor.fetchall()
    return sum(counts)


async def _count_pins(connection: Connection) -> int:
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(statement("count_pins").text)
    counts: Sequence[int] = await cursor.fetchall()
    return sum(counts)


async def _find(connection: Connection, job: NamedJob) -> _Markable | None:
    cursor = connection.cursor(row_factory=class_row(_Markable))
    await cursor.execute(statement("find_markable").text, job.model_dump())
    return await cursor.fetchone()


def _obstacle(mark: Mark, found: _Markable | None, pins: int) -> str:
    """Say why a job cannot be marked so; nothing where it can."""
    if found is None:
        return "no such job is recorded"
    if mark is Mark.DISMISSED and found.is_live:
        return "it is not over; what goes on is always shown"
    if mark is Mark.PINNED and pins >= MOST_PINS:
        return f"{MOST_PINS:,} jobs are pinned already"
    return ""


async def _mark(
    connection: Connection, request: MarkRequest, job: NamedJob, found: _Markable, now: datetime
) -> None:
    key = {**job.model_dump(), "submitted_at": found.submitted_at}
    if request.mark is Mark.NONE:
        await connection.execute(statement("unmark_job").text, key)
        return
    said = {
        "restart_count": found.restart_count,
        "mark": request.mark.value,
        "marked_by": request.by,
        "reason": request.reason,
        "now": now,
    }
    await connection.execute(statement("mark_job").text, {**key, **said})
