"""Parts of a job that have parts of their own: what it waits for, and what it asked for.

Source: sbatch(1), --dependency, --gpus, --gpus-per-node, --gpus-per-task, --gpus-per-socket.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST_REMEMBERED = 2_048
"""Characters of a request; long ones are seldom the same, and thousands of them fill a machine."""


class DependencyKind(StrEnum):
    """What has to happen to the other job, in Slurm's word."""

    AFTER = "after"
    """It began or was cancelled, and `delay_min` minutes have passed since."""

    AFTERANY = "afterany"
    AFTEROK = "afterok"
    AFTERNOTOK = "afternotok"
    AFTERCORR = "aftercorr"
    """The task with the same index has ended well: array to array."""

    AFTERBURSTBUFFER = "afterburstbuffer"
    SINGLETON = "singleton"
    """Every earlier job of the same user and name has ended."""

    EXPAND = "expand"
    UNKNOWN = "unknown"
    """A word that this version does not know; `Job.dependency` has the text."""


class DependencyState(StrEnum):
    """How far a dependency is; Slurm drops those that are fulfilled from its list."""

    UNFULFILLED = "unfulfilled"
    FULFILLED = "fulfilled"
    FAILED = "failed"
    """It can never be fulfilled."""

    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One thing that a job waits for."""

    kind: DependencyKind
    job_id: int | None = None
    """Slurm's number of a job or an array; None where none is named, as with singleton."""

    array_task_id: int | None = None
    is_whole_array: bool = False
    """Every task of the array `job_id`: `afterok:15_*`."""

    delay_min: int = 0
    any_suffices: bool = False
    """It is enough that one of these is fulfilled (`?`); otherwise all have to be (`,`)."""

    state: DependencyState = DependencyState.UNKNOWN


class GpuScope(StrEnum):
    """What a number of requested GPUs is counted by."""

    JOB = "job"
    NODE = "node"
    SOCKET = "socket"
    TASK = "task"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRequest:
    """GPUs of one type that a job asked for."""

    count: int
    """For each of `per`; never to be read as the whole job's without it."""

    per: GpuScope
    gpu_type: str = ""
    """Slurm's name of the type, MIG profiles included; empty where any will do."""


class GpuSource(StrEnum):
    """What a job's number of GPUs was read from."""

    NONE = "none"
    """It has none, and asked for none."""

    TRES = "tres"
    """Slurm's own count for the whole job."""

    REQUEST = "request"
    """The request, times nodes or tasks: the site does not count GPUs as TRES."""

    UNKNOWN = "unknown"
    """It asked for GPUs, and how many that makes is not told; the count is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What a job asked for beyond its size; empty text and None mean "not told" or "nothing"."""

    gpus: tuple[GpuRequest, ...] = ()
    features: str = ""
    """Constraint on the nodes, as its user wrote it: `h100&nvlink`."""

    required_nodes: str = ""
    """Nodes that it insists on, compact: `gpu[01-03]`."""

    excluded_nodes: str = ""
    reservation: str = ""
    licenses: str = ""
    is_exclusive: bool = False
    """Whether its nodes are shared with nobody else's jobs."""

    is_batch: bool | None = None
    """False for salloc and srun, which have no script and no output file of their own."""

    may_requeue: bool | None = None
    """Whether Slurm may start it again from the beginning."""

    task_count: int = 0
    nice: int | None = None
    """Priority that its user gave away, or took by right if negative."""

    deadline_at: datetime | None = None
    """By when it must have ended; it is removed when that cannot be any more."""

    @property
    def is_short(self) -> bool:
        """Whether its texts are; what is made of a long one is not worth remembering."""
        nodes = len(self.features) + len(self.required_nodes) + len(self.excluded_nodes)
        length = nodes + len(self.reservation) + len(self.licenses)
        for one in self.gpus:
            length += len(one.gpu_type) + 1
        return length <= LONGEST_REMEMBERED


NO_REQUEST = JobRequest()
"""Of a job of which this is not told."""
