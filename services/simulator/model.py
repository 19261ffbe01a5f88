"""What a simulated cluster is made of: nodes, rules, requests and jobs.

Times are whole seconds since 1970, as Slurm keeps them.

Source: slurm.conf(5), squeue(1) "JOB STATE CODES"; Slurm 24.11.
"""

from dataclasses import dataclass
from enum import StrEnum

ADMIN_UID = 0
FIRST_UID = 2001


class State(StrEnum):
    """A job's state, as Slurm spells it; REQUEUED stands in accounting alone."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    CANCELLED = "CANCELLED"
    NODE_FAIL = "NODE_FAIL"
    BOOT_FAIL = "BOOT_FAIL"
    DEADLINE = "DEADLINE"
    PREEMPTED = "PREEMPTED"
    REQUEUED = "REQUEUED"

    @property
    def is_over(self) -> bool:
        """Whether a job in this state is finished."""
        return self not in (State.PENDING, State.RUNNING, State.SUSPENDED)


COMPACT_STATES = {
    "PENDING": "PD",
    "RUNNING": "R",
    "SUSPENDED": "S",
    "CONFIGURING": "CF",
    "COMPLETING": "CG",
    "COMPLETED": "CD",
    "FAILED": "F",
    "TIMEOUT": "TO",
    "OUT_OF_MEMORY": "OOM",
    "CANCELLED": "CA",
    "NODE_FAIL": "NF",
    "BOOT_FAIL": "BF",
    "DEADLINE": "DL",
    "PREEMPTED": "PR",
    "REQUEUED": "RQ",
}
"""The short form of every word that squeue or sacct can print for a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a job asks of each of its nodes, and of how many nodes."""

    nodes: int = 1
    cpus: int = 1
    memory_mib: int = 1000
    gpus: int = 0
    gpu_type: str = ""
    """Empty where the request names no type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """One compute node as configured."""

    name: str
    cpus: int
    memory_mib: int
    gpus: int = 0
    gpu_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A queue over some nodes."""

    name: str
    nodes: tuple[str, ...]
    max_time_s: int | None = None
    default_time_s: int = 3600
    priority: int = 0
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Qos:
    """A quality of service: priority, limits, and who gives way to whom."""

    name: str
    priority: int = 0
    max_jobs_per_user: int | None = None
    max_gpus_per_user: int | None = None
    preempts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with accounts on the cluster."""

    name: str
    uid: int
    accounts: tuple[str, ...]
    """The first one is the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSpec:
    """A whole cluster as its administrators configured it."""

    name: str
    nodes: tuple[NodeSpec, ...]
    partitions: tuple[Partition, ...]
    qos: tuple[Qos, ...]
    users: tuple[User, ...]
    operators: tuple[str, ...] = ()
    """Names of users who may act on everybody's jobs (AdminLevel=Operator)."""

    account_gpu_limits: tuple[tuple[str, int], ...] = ()
    """How many GPUs an account's jobs may hold at once (GrpTRES)."""

    version: str = "24.11.5"
    first_job_id: int = 1000
    min_job_age_s: int = 300
    """How long a finished job stays in the queue (slurm.conf: MinJobAge)."""

    history_s: int = 7 * 86_400
    """How long accounting remembers a finished job."""

    max_array_size: int = 10_001
    home_root: str = "/home"
    """Where the users' homes are."""

    @property
    def gpu_type(self) -> str:
        """The type of the first node with GPUs; empty without any."""
        return next((node.gpu_type for node in self.nodes if node.gpus), "")

    def partition(self, name: str) -> Partition | None:
        """Give a partition, or None for an unknown name."""
        return next((part for part in self.partitions if part.name == name), None)

    def user(self, name: str) -> User | None:
        """Give a user, or None for an unknown name."""
        return next((user for user in self.users if user.name == name), None)

    @property
    def default_partition(self) -> str:
        """The partition of a job that names none."""
        return next((part.name for part in self.partitions if part.is_default), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the program of a job would do if nothing stopped it."""

    runtime_s: int
    state: State = State.COMPLETED
    exit_code: int = 0
    exit_signal: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user asked for with sbatch; never changes, also not over restarts."""

    name: str
    user: str
    account: str
    partition: str
    qos: str = "normal"
    shape: Shape = Shape()
    time_limit_s: int | None = None
    """None is UNLIMITED."""

    tasks: tuple[int, ...] = ()
    """Indices of an array, ascending; empty for a plain job."""

    task_limit: int | None = None
    dependency: str = ""
    begin_at: int = 0
    deadline_at: int | None = None
    """By when it must be over; a job that cannot be any more is not started."""

    hold: str = ""
    """Empty, JobHeldUser or JobHeldAdmin."""

    node: str = ""
    """A node that the job insists on."""

    requeue: bool = True
    comment: str = ""
    work_dir: str = ""
    command: str = ""
    stdout: str = ""
    stderr: str = ""
    submit_line: str = ""
    plan: Plan | None = None
    """What will happen; None lets the cluster draw it."""


@dataclass(slots=True, kw_only=True)
class Job:
    """One record of slurmctld: a job, an array's task or waiting part, a het job's component."""

    raw_id: int
    request: Request
    submitted_at: int
    state: State = State.PENDING
    reason: str = "None"
    array_id: int | None = None
    task_id: int | None = None
    waiting: tuple[int, ...] = ()
    """Indices of the waiting part of an array; empty on everything else."""

    het_id: int | None = None
    """The raw id of the first component of a heterogeneous job."""

    het_offset: int = 0
    priority: int = 0
    held: str = ""
    begin_at: int = 0
    eligible_at: int | None = None
    started_at: int | None = None
    expected_at: int | None = None
    """The scheduler's estimate of the start."""

    ended_at: int | None = None
    suspended_at: int | None = None
    """While SUSPENDED: since when."""

    paused_s: int = 0
    """How long it was suspended before."""

    is_booting: bool = False
    """Whether it waits for a node to boot."""

    clearing_until: int | None = None
    """While COMPLETING: when its nodes will be free again."""

    nodes: tuple[str, ...] = ()
    restarts: int = 0
    cancelled_by: int | None = None
    dependency: str = ""
    """What is left of the dependency, as squeue prints it."""

    queue_exit: tuple[int, int] = (0, 0)
    """Exit code and signal as squeue gives them."""

    accounting_exit: tuple[int, int] = (0, 0)
    """Exit code and signal as sacct gives them."""

    @property
    def label(self) -> str:
        """The id as people write it: `15`, `15_3`, `15_[2-9%2]`, `17+1`."""
        if self.het_id is not None:
            return f"{self.het_id}+{self.het_offset}"
        if self.array_id is None:
            return str(self.raw_id)
        if self.waiting:
            return f"{self.array_id}_[{self.waiting_text}]"
        return f"{self.array_id}_{self.task_id}"

    @property
    def waiting_text(self) -> str:
        """The waiting indices as Slurm writes them: `2-9%2`."""
        throttle = f"%{self.request.task_limit}" if self.request.task_limit else ""
        return compress(self.waiting) + throttle

    @property
    def is_completing(self) -> bool:
        """Whether it is over but still holds its nodes."""
        return self.clearing_until is not None

    def used_s(self, now: int) -> int:
        """Give how long it has run; the time for which it was suspended does not count."""
        if self.started_at is None or not self.nodes:
            return 0
        return (self.suspended_at or self.ended_at or now) - self.started_at - self.paused_s

    @property
    def limit_at(self) -> int | None:
        """When its time limit ends it, unless it is suspended; None without start or limit."""
        if self.started_at is None or self.request.time_limit_s is None:
            return None
        return self.started_at + self.paused_s + self.request.time_limit_s

    @property
    def gpus(self) -> int:
        """GPUs of the whole job."""
        return self.request.shape.nodes * self.request.shape.gpus


def compress(numbers: tuple[int, ...]) -> str:
    """Write ascending numbers as ranges: `1,3-5`.

    Source: samples of squeue 24.11, `15_[2-9%2]`.
    """
    parts: list[str] = []
    start = previous = None
    for number in (*numbers, None):
        if previous is not None and number == previous + 1:
            previous = number
            continue
        if start is not None and previous is not None:
            parts.append(str(start) if start == previous else f"{start}-{previous}")
        start = previous = number
    return ",".join(parts)
