"""What Slurm says of one job: the value that every room passes on.

Field names are ours, their meaning is Slurm's.

Source: squeue(1), sacct(1), "JOB STATE CODES"; https://slurm.schedmd.com/job_state_codes.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.job_parts import NO_REQUEST, Dependency, GpuSource, JobRequest


class JobState(StrEnum):
    """A job's base state; flags such as COMPLETING stand beside it in `Job.state_flags`."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    NODE_FAIL = "NODE_FAIL"
    PREEMPTED = "PREEMPTED"
    BOOT_FAIL = "BOOT_FAIL"
    DEADLINE = "DEADLINE"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    VANISHED = "VANISHED"
    """Ours, not Slurm's: it left the queue and no source tells how it ended."""
    UNKNOWN = "UNKNOWN"
    """A word that this version does not know; never treated as an end."""
    REQUEUED = "REQUEUED"
    """How a run of a job ended that Slurm has queued again: told in `JobEnded` alone. The job goes
    on under a higher restart count, so it is no state of a job."""

    @property
    def is_terminal(self) -> bool:
        """Whether Slurm says that the job is over."""
        return self in TERMINAL_STATES


TERMINAL_STATES = frozenset(
    {
        JobState.COMPLETED,
        JobState.CANCELLED,
        JobState.FAILED,
        JobState.TIMEOUT,
        JobState.NODE_FAIL,
        JobState.PREEMPTED,
        JobState.BOOT_FAIL,
        JobState.DEADLINE,
        JobState.OUT_OF_MEMORY,
    }
)
"""States that Slurm itself calls final; VANISHED is not evidence and not among them."""

LEFT_QUEUE = "LEFT_QUEUE"
"""Ours, among `Job.state_flags`: it is not in the queue any more and its end is not known yet."""

NODE_NAME_LIMIT = 1_024
"""So many nodes of a job are told by name; a larger job has its compact list."""

NO_GPUS: Mapping[str, int] = {}
NO_TASKS: Mapping[JobState, int] = {}


class Evidence(StrEnum):
    """Where a fact about a job was read; a stronger source corrects a weaker one."""

    ACCOUNTING = "accounting"
    QUEUE = "queue"
    NONE = "none"
    """No source told it; only a vanished job has this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as one look at its cluster showed it; empty text and None mean "not told"."""

    job_id: JobId
    raw_id: int
    """Slurm's own number; differs from `job_id` for array tasks and het components."""

    submitted_at: datetime
    state: JobState
    state_flags: tuple[str, ...] = ()
    """Slurm's flags beside the base state, sorted: COMPLETING, REQUEUED, CONFIGURING."""

    reason: str = ""
    """Why it waits or why it failed, in Slurm's word; empty for "None"."""

    name: str = ""
    user: str = ""
    account: str = ""
    partition: str = ""
    """One name, or several with commas while the job waits for the first that fits."""

    qos: str = ""
    eligible_at: datetime | None = None
    started_at: datetime | None = None
    expected_start_at: datetime | None = None
    """Slurm's own estimate for a pending job."""

    ended_at: datetime | None = None
    time_limit_s: int | None = None
    """None where Slurm says UNLIMITED, Partition_Limit or nothing."""

    node_count: int = 0
    node_list: str = ""
    """Compact, as Slurm writes it: `gpu[01-03]`; empty while pending."""

    node_names: tuple[str, ...] = ()
    """The names in `node_list`, in its order; the first `NODE_NAME_LIMIT` of them."""

    has_all_node_names: bool = True
    """False where `node_names` was cut or `node_list` could not be read."""

    batch_host: str = ""
    """The node that runs the batch script; empty while pending."""

    cpu_count: int = 0
    memory_mib: int | None = None
    """Whole job, from TRES; None where the site does not count memory."""

    gpu_count: int = 0
    """Whole job: allocated, or requested while pending."""

    gpu_source: GpuSource = GpuSource.NONE
    """What `gpu_count` was read from."""

    gpus_by_type: Mapping[str, int] = field(default_factory=lambda: NO_GPUS)
    """GPUs of the whole job by Slurm's type name; a request without type is not in it."""

    tres: str = ""
    priority: int | None = None
    dependency: str = ""
    """As Slurm writes it; `dependencies` is the same, read."""

    dependencies: tuple[Dependency, ...] = ()
    request: JobRequest = NO_REQUEST
    work_dir: str = ""
    command: str = ""
    stdout_path: str = ""
    """Absolute, its `%` patterns expanded, unless it is among `unexpanded_paths`."""

    stderr_path: str = ""
    """As `stdout_path`, which it equals where the user named no file of its own."""

    stdin_path: str = ""
    unexpanded_paths: tuple[str, ...] = ()
    """Which of the three still hold a pattern, sorted: what it stands for is not known yet."""

    comment: str = ""
    submit_line: str = ""
    restart_count: int = 0
    """How often Slurm has requeued it; each restart may start and end once."""

    exit_code: int | None = None
    exit_signal: int | None = None
    array_job_id: int | None = None
    array_task_id: int | None = None
    """Set on one task; None on the whole array, which has `task_states`."""

    array_pending: str = ""
    """Indices of a whole array that still wait, as Slurm writes them: `2-9%2`."""

    task_states: Mapping[JobState, int] = field(default_factory=lambda: NO_TASKS)
    """How many tasks of a whole array are in each state; empty on everything else."""

    het_job_id: int | None = None
    het_offset: int | None = None
    sluid: str = ""
    """Slurm's own id that is never used again; sacct tells it from 24.11 on, squeue from 26.05."""
