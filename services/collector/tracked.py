"""What a collector remembers of one job between two looks, and what one look showed; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from slurmfleet.contracts.events import JobEvent
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """One job of a tracked user or account, as it was last told."""

    job: Job
    revision: int
    observed_at: datetime
    source: Evidence

    run_submitted_at: datetime
    """Slurm's submit time of the present run; a requeue moves it, `job.submitted_at` stays.

    Source: docs/slurm-output.md, "Requeue, -D, RestartCnt".
    """

    missing_since: datetime | None = None
    """When it was first not in the queue any more; None while it is there or has ended."""

    settled: bool = False
    """It has ended and accounting has had its say, or will not have one."""

    times_asked: int = 0
    """How often accounting was asked about it and did not tell an end."""

    @property
    def ended(self) -> bool:
        """Whether its end was told."""
        return self.job.state.is_terminal

    @property
    def has_started(self) -> bool:
        """Whether the start of its present run was told."""
        return has_started(self.job)

    @property
    def is_array(self) -> bool:
        """Whether it is a whole array."""
        return is_array(self.job)


Memory = Mapping[JobId, Tracked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a cluster gave evidence of."""

    observed_at: datetime

    present: tuple[Job, ...] | None
    """Tracked jobs in the queue; None when the section failed: no evidence of anything."""

    absence_counts: bool = True
    """Whether a job that is not in `present` has left the queue. Not so when Slurm left out a
    user whose name it could not look up: a passing fault of a directory service."""

    accounting: tuple[Job, ...] | None = None
    """Rows of accounting; None when it was not asked or failed."""

    asked: frozenset[JobId] = frozenset()
    """Which jobs accounting was asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What follows from a look: facts to tell and memory to keep, written in one transaction."""

    facts: tuple[JobEvent, ...]
    remembered: Memory
    """Only the entries that changed."""


def has_started(job: Job) -> bool:
    """Whether Slurm gave the job nodes in its present run.

    A job that is cancelled while it waits has a StartTime in squeue, the moment of the
    cancellation, but no nodes.

    Source: docs/slurm-output.md, "Times".
    """
    if job.state in {JobState.RUNNING, JobState.SUSPENDED}:
        return True
    if is_array(job):
        return job.started_at is not None
    over = job.state.is_terminal or job.state is JobState.VANISHED
    return over and job.started_at is not None and bool(job.node_list)


def is_array(job: Job) -> bool:
    """Whether the job stands for a whole array."""
    return job.array_job_id is not None and job.array_task_id is None
