"""What followed jobs hold of what limits count: jobs, CPUs, memory, nodes and GPUs; pure.

Slurm holds every task of an array and every component of a het job against its limits by itself,
also the tasks that still wait in one record. A node that several jobs share counts once.

Source: src/slurmctld/acct_policy.c, _adjust_limit_usage, grp_node_bitmap, 22.05 to 24.11.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.collector.jobs.tracked import Memory, group_of, is_array
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import LEFT_QUEUE, Job, JobState
from slurmfleet.slurm.tres_limits import CPU, GPU, GPU_TYPE_PREFIX, MEMORY, NODE

RUNNING = frozenset({JobState.RUNNING, JobState.SUSPENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A job, or the tasks of an array that wait in one record."""

    job: Job
    running: int
    """1 for a job that holds nodes, suspended ones included."""

    submitted: int
    """Running or waiting."""


@dataclass(slots=True, kw_only=True)
class Use:
    """What jobs that are counted together hold."""

    running: int = 0
    submitted: int = 0
    amounts: Counter[str] = field(default_factory=Counter[str])
    """CPUs, MiB and GPUs of what runs, by TRES."""

    nodes: set[str] = field(default_factory=set[str])
    nodes_without_name: int = 0
    is_memory_told: bool = True

    def add(self, seat: Seat) -> None:
        """Count one more."""
        self.submitted += seat.submitted
        if not seat.running:
            return
        job = seat.job
        self.running += seat.running
        self.amounts[CPU] += job.cpu_count
        self.amounts[MEMORY] += job.memory_mib or 0
        self.amounts[GPU] += job.gpu_count
        for gpu_type, gpus in job.gpus_by_type.items():
            self.amounts[GPU_TYPE_PREFIX + gpu_type] += gpus
        self.nodes.update(job.node_names)
        self.nodes_without_name += max(0, job.node_count - len(job.node_names))
        self.is_memory_told &= job.memory_mib is not None

    def of(self, tres: str) -> int:
        """Give how much of a TRES is held."""
        if tres == NODE:
            return len(self.nodes) + self.nodes_without_name
        return self.amounts[tres]


def use_of(seats: Iterable[Seat]) -> Use:
    """Add up what some hold."""
    use = Use()
    for seat in seats:
        use.add(seat)
    return use


def seats_of(memory: Memory) -> tuple[Seat, ...]:
    """Give what counts against limits among the jobs that are remembered."""
    seats: list[Seat] = []
    waiting_alone: defaultdict[JobId, int] = defaultdict(int)
    arrays: list[Job] = []
    for known in memory.values():
        job = known.job
        if LEFT_QUEUE in job.state_flags:
            continue
        if known.is_group:
            arrays += [job] if is_array(job) else []
        elif job.state in RUNNING:
            seats.append(Seat(job=job, running=1, submitted=1))
        elif job.state is JobState.PENDING:
            seats.append(Seat(job=job, running=0, submitted=1))
            if (group := group_of(job)) is not None:
                waiting_alone[group] += 1
    return (*seats, *_remainders(arrays, waiting_alone))


def _remainders(arrays: Iterable[Job], waiting_alone: Mapping[JobId, int]) -> Iterable[Seat]:
    """Give the tasks that wait in their array's record alone."""
    for job in arrays:
        tasks = job.task_states.get(JobState.PENDING, 0) - waiting_alone.get(job.job_id, 0)
        if tasks > 0 and not job.state.is_terminal:
            yield Seat(job=job, running=0, submitted=tasks)
