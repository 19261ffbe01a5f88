"""What a collector remembers of one job between two looks, and what one look showed; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.collector.jobs.coverage import EVERYBODY, Coverage
from slurmfleet.contracts.events import JobEvent
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run of a job that Slurm has requeued, and whose end is not told yet."""

    job: Job
    """As it was last told while this run lasted."""

    run_submitted_at: datetime
    next_submitted_at: datetime
    """When Slurm queued the job again: this run was over by then."""

    revision: int
    """Of the fact that will tell its end: below those of the run that followed."""

    noticed_at: datetime
    """When the run that followed was first seen."""

    times_asked: int = 0


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

    past_runs: tuple[PastRun, ...] = ()
    """Earlier runs whose end is still to be told, the oldest first."""

    @property
    def ended(self) -> bool:
        """Whether its end was told."""
        return self.job.state.is_terminal

    @property
    def is_over(self) -> bool:
        """Whether its end was told, or that nobody knows it."""
        return self.ended or self.job.state is JobState.VANISHED

    @property
    def has_started(self) -> bool:
        """Whether the start of its present run was told."""
        return has_started(self.job)

    @property
    def is_group(self) -> bool:
        """Whether it is a whole array or a whole het job."""
        return is_group(self.job)


Memory = Mapping[JobId, Tracked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a cluster gave evidence of."""

    observed_at: datetime

    present: tuple[Job, ...] | None
    """Tracked jobs in the queue; None when the section failed: no evidence of anything."""

    covered: Coverage = EVERYBODY
    """Whose jobs `present` speaks for; a job of somebody else is not missed."""

    followed: Coverage = EVERYBODY
    """Whose jobs are followed; others' are taken up only where they are known already."""

    unchanged: frozenset[JobId] = frozenset()
    """Jobs whose record is the very one of the look before: most jobs at most looks. Nothing new
    follows from it unless something else was concluded meanwhile."""

    unreadable: frozenset[JobId] = frozenset()
    """Jobs that were listed in a record that could not be understood: they are not missing."""

    absence_counts: bool = True
    """Whether a job that is not in `present` has left the queue. Not so when Slurm left out a
    user whose name it could not look up: a passing fault of a directory service."""

    accounting: tuple[Job, ...] | None = None
    """Rows of accounting, all runs of a job; None when it was not asked or failed."""

    asked: frozenset[JobId] = frozenset()
    """Which jobs accounting was asked about."""

    def with_unchanged(self, unchanged: frozenset[JobId]) -> "Look":
        """Give the look with the jobs marked whose record is the very one of the look before."""
        return replace(self, unchanged=unchanged)


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
    if is_group(job):
        return job.started_at is not None
    over = job.state.is_terminal or job.state is JobState.VANISHED
    return over and job.started_at is not None and bool(job.node_list)


def is_array(job: Job) -> bool:
    """Whether the job stands for a whole array."""
    return job.array_job_id is not None and job.array_task_id is None


def is_het(job: Job) -> bool:
    """Whether the job stands for a whole heterogeneous job."""
    return job.het_job_id is not None and job.het_offset is None


def is_group(job: Job) -> bool:
    """Whether the job stands for all of its members."""
    return is_array(job) or is_het(job)


def group_of(job: Job) -> JobId | None:
    """Give the id of the array or het job that a job is a member of."""
    if job.array_task_id is not None:
        return JobId(str(job.array_job_id))
    if job.het_offset is not None:
        return JobId(str(job.het_job_id))
    return None


def known_groups(memory: Memory) -> frozenset[JobId]:
    """Give the arrays and het jobs that are remembered."""
    return frozenset(
        job_id
        for job_id, known in memory.items()
        # The first part alone spares most of many jobs the rest; this runs at each look.
        if (known.job.array_job_id is not None or known.job.het_job_id is not None)
        and known.is_group
    )
