"""What people say of the jobs on the board, and old history that they remove."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg.rows import class_row, scalar_row

from slurmfleet.contracts.board import (
    MOST_BOARD_DAYS,
    MOST_PINS,
    CleanupRequest,
    ClearPart,
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

_LAST = datetime(9999, 1, 1, tzinfo=UTC)
CLEARED_AT_ONCE = 1_000
"""Jobs in one transaction, which holds up the ingest meanwhile: 0.1 to 0.3 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cleared:
    cluster: str
    job_id: str
    over_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Markable:
    submitted_at: datetime
    is_live: bool


async def clear_board(
    pool: StorePool, request: ClearRequest, *, at_once: int = CLEARED_AT_ONCE
) -> ClearPart:
    """Put away some of what is on the board, the latest ends first, but nothing that is pinned.

    Raises:
        ProblemError: A text that no store holds.
        StoreError: In every kind of its tree; nothing was put away.
    """
    params = {
        "states": [str(state) for state in states_of(request.groups)],
        "clusters": any_of(request.clusters, name="cluster"),
        "users": any_of(request.users, name="user"),
        "projects": any_of(request.projects, name="project"),
        "since": request.seen_until - timedelta(days=MOST_BOARD_DAYS),
        "seen_until": request.seen_until,
        "over_until": request.over_until or _LAST,
        "at_most": at_once,
    }
    async with pool.transaction("clear the board") as connection:
        # The ingest writes the same rows in another order.
        await connection.execute(statement("lock_writing").text, {"key": LOCK_KEY})
        cursor = connection.cursor(row_factory=class_row(_Cleared))
        await cursor.execute(statement("clear_board").text, params)
        part = await cursor.fetchall()
    # Not from the start again: what was put away lies in the index until it is vacuumed.
    behind = min(one.over_at for one in part) if len(part) == at_once else None
    names = [NamedJob(cluster=one.cluster, job_id=one.job_id) for one in part]
    return ClearPart(jobs=tuple(names), over_until=behind)


async def mark_jobs(pool: StorePool, request: MarkRequest, *, now: datetime) -> MarkReport:
    """Say something of jobs, of the latest submission of each.

    Raises:
        StoreError: In every kind of its tree; nothing was said of any.
    """
    marked: list[NamedJob] = []
    refused: dict[str, str] = {}
    async with pool.transaction("mark jobs") as connection:
        await connection.execute(statement("lock_writing").text, {"key": LOCK_KEY})
        pins = await _count_pins(connection) if request.mark is Mark.PINNED else 0
        for job in dict.fromkeys(request.jobs):
            found = await _find(connection, job)
            if why := _obstacle(request.mark, found, pins + len(marked)):
                refused[f"{job.cluster} {job.job_id}"] = why
            elif found is not None:
                await _mark(connection, request, job, found, now)
                marked.append(job)
    return MarkReport(marked=tuple(marked), refused=refused)


async def forget_pins(pool: StorePool) -> int:
    """Forget pins of jobs that are not there any more; give how many.

    Raises:
        StoreError: In every kind of its tree.
    """
    async with pool.connection("forget pins") as connection:
        cursor = await connection.execute(statement("forget_pins").text)
        return cursor.rowcount


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
    dismissed = {"dismissed": request.mark is Mark.DISMISSED}
    await connection.execute(statement("put_away_job").text, {**key, **dismissed})
    if request.mark is Mark.PINNED:
        said = {"by": request.by, "reason": request.reason, "now": now}
        await connection.execute(statement("pin_job").text, {**key, **said})
    else:
        await connection.execute(statement("unpin_job").text, key)
