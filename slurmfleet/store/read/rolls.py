"""How the store differs from a roll of jobs, and whole jobs as it knows them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence, Job
from slurmfleet.contracts.surveys import RollEntry
from slurmfleet.store.job_details import read_dependencies, read_request
from slurmfleet.store.pool import StorePool
from slurmfleet.store.rows import to_source, to_state
from slurmfleet.store.write.columns import number_array, text_array, time_array

MOST_DIFFERENCES = 10_000
"""Of either kind; what lies beyond is found once these are mended."""

MOST_MEMBERS = 2_000
"""Ended members that are read with their groups; a collector asks accounting about others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnnamedJob:
    """A job that is live in the store and that a roll does not name."""

    job_id: JobId
    submitted_at: datetime
    observed_at: datetime
    """When the cluster showed what is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedJob:
    """A job that a roll names and that the store does not have, not as new, or not whole."""

    job_id: JobId
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How the store differs from a roll; at most `MOST_DIFFERENCES` of each kind."""

    unnamed: tuple[UnnamedJob, ...]
    """The longest unseen first."""

    missed: tuple[MissedJob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeJob:
    """A job as the store knows it."""

    job: Job
    revision: int
    observed_at: datetime
    source: Evidence


async def find_drift(
    pool: StorePool,
    cluster: ClusterName,
    entries: Sequence[RollEntry],
    *,
    with_events: bool = False,
) -> Drift:
    """Compare what is stored of a cluster's jobs with a whole roll.

    Args:
        pool: Where they are stored.
        cluster: Whose jobs.
        entries: The jobs of the roll.
        with_events: Count those too as missed whose row is right and whose present run has no
            beginning, or no end, among the events.

    Raises:
        StoreError: In every kind of its tree.
    """
    named = await asyncio.to_thread(_columns, entries)
    params = {**named, "cluster": cluster, "limit": MOST_DIFFERENCES}
    missing = {**params, "with_events": with_events}
    unnamed = await pool.rows("find_unnamed_jobs", UnnamedJob, params)
    missed = await pool.rows("find_missed_jobs", MissedJob, missing)
    return Drift(unnamed=tuple(unnamed), missed=tuple(missed))


def _columns(entries: Sequence[RollEntry]) -> Mapping[str, str]:
    """Give a roll as array literals; psycopg's own cost 0.8 s of CPU for 100,000 jobs."""
    return {
        "job_ids": text_array([one.job_id for one in entries]),
        "submitted_at": time_array([one.submitted_at for one in entries]),
        "revisions": number_array([one.revision for one in entries]),
    }


async def read_whole_jobs(
    pool: StorePool, cluster: ClusterName, keys: Sequence[tuple[JobId, datetime]]
) -> Sequence[WholeJob]:
    """Give live jobs by id and submission, and with a group those of its members that have ended.

    Returns:
        Every group beside its members, the members first. A job that has ended meanwhile is left
        out.

    Raises:
        StoreError: In every kind of its tree.
    """
    params = {
        "cluster": cluster,
        "job_ids": [job_id for job_id, _ in keys],
        "submitted_at": [submitted_at for _, submitted_at in keys],
        "most_members": MOST_MEMBERS,
    }
    return [row.whole for row in await pool.rows("read_whole_jobs", _Row, params)]


class _Row:
    """A row of a whole job; but for three its columns are named as the fields of `Job`."""

    def __init__(
        self, *, revision: int, observed_at: datetime, source: str, **columns: object
    ) -> None:
        self.whole = WholeJob(
            job=_job(columns), revision=revision, observed_at=observed_at, source=Evidence(source)
        )


def _job(columns: Mapping[str, Any]) -> Job:
    told: dict[str, Any] = {
        **columns,
        "state": to_state(columns["state"]),
        "task_states": {to_state(word): one for word, one in columns["task_states"].items()},
        "gpu_source": to_source(columns["gpu_source"], columns["gpu_count"]),
        "dependencies": read_dependencies(columns["dependencies"]),
        "request": read_request(columns["request"]),
    }
    for name in ("state_flags", "node_names", "unexpanded_paths"):
        told[name] = tuple(columns[name])
    return Job(**told)
