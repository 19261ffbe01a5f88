"""Stored jobs get the projects of the rules of the moment, in small steps beside the ingest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from slurmfleet.analysis.projects import ProjectOf, ProjectRule, project_of
from slurmfleet.store.pool import Connection, StorePool
from slurmfleet.store.statements import statement
from slurmfleet.store.write.columns import text_array, time_array
from slurmfleet.store.write.facts import LOCK_KEY

_STEP_JOBS = 2_000
"""Rows locked at once: some tens of milliseconds, which the ingest does not feel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    rules: object
    after_cluster: str | None = None
    after_job_id: str | None = None
    after_submitted_at: datetime | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    cluster: str
    job_id: str
    submitted_at: datetime
    name: str
    project: str


async def assign_projects(
    pool: StorePool, rules: Sequence[ProjectRule], *, step_jobs: int = _STEP_JOBS
) -> int:
    """Give every stored job its project, unless all have it by these very rules already.

    A call that is cut off goes on where it was; one with other rules begins anew. Jobs that are
    stored meanwhile have theirs from the same rules by `apply_facts`.

    Returns:
        How many jobs were given another project.

    Raises:
        StoreError: In every kind of its tree; the steps before stay done.
    """
    wanted = _as_json(rules)
    progress = await _progress(pool, wanted)
    project = project_of(rules)
    changed = 0
    while not progress.is_done:
        async with pool.transaction("assign projects") as connection:
            if progress.after_cluster is None:
                # Facts that were being written by other rules are in the tables after this.
                await connection.execute(statement("lock_writing").text, {"key": LOCK_KEY})
            progress, moved = await _step(connection, progress, project, step_jobs)
            await _keep(connection, progress)
        changed += moved
    return changed


async def _progress(pool: StorePool, rules: object) -> _Progress:
    stored = await pool.rows("read_project_assignment", _Progress, {})
    same = stored and stored[0].rules == rules
    return stored[0] if same else _Progress(rules=rules)


async def _step(
    connection: Connection, progress: _Progress, project: ProjectOf, step_jobs: int
) -> tuple[_Progress, int]:
    cursor = connection.cursor(row_factory=class_row(_Named))
    await cursor.execute(statement("list_job_names").text, _params(progress, limit=step_jobs))
    jobs = await cursor.fetchall()
    moved = [job for job in jobs if job.project != project(job.name)]
    if moved:
        columns = {
            "cluster": text_array([job.cluster for job in moved]),
            "job_id": text_array([job.job_id for job in moved]),
            "submitted_at": time_array([job.submitted_at for job in moved]),
            "name": text_array([job.name for job in moved]),
            "project": text_array([project(job.name) for job in moved]),
        }
        await connection.execute(statement("assign_projects").text, columns)
        await connection.execute(statement("mark_usage_of_jobs").text, columns)
    if len(jobs) < step_jobs:
        return _Progress(rules=progress.rules, is_done=True), len(moved)
    last = jobs[-1]
    reached = _Progress(
        rules=progress.rules,
        after_cluster=last.cluster,
        after_job_id=last.job_id,
        after_submitted_at=last.submitted_at,
    )
    return reached, len(moved)


async def _keep(connection: Connection, progress: _Progress) -> None:
    params = {
        **_params(progress, limit=0),
        "rules": json.dumps(progress.rules, ensure_ascii=False),
        "is_done": progress.is_done,
    }
    await connection.execute(statement("write_project_assignment").text, params)


def _params(progress: _Progress, *, limit: int) -> dict[str, object]:
    return {
        "after_cluster": progress.after_cluster,
        "after_job_id": progress.after_job_id,
        "after_submitted_at": progress.after_submitted_at,
        "limit": limit,
    }


def _as_json(rules: Sequence[ProjectRule]) -> object:
    """Give the rules as jsonb gives them back; their order means nothing."""
    return [
        {"name": rule.name, "prefixes": sorted(rule.prefixes)}
        for rule in sorted(rules, key=lambda one: (one.name, one.prefixes))
    ]
