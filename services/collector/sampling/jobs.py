"""Which tracked jobs can be sampled now, and what of them a source has to know; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.collector.jobs.tracked import Memory, Tracked
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import LEFT_QUEUE, JobState
from slurmfleet.slurm.errors import SlurmParseError
from slurmfleet.slurm.hostlist import expand_hostlist

_ENDING = frozenset({"COMPLETING", LEFT_QUEUE, "CONFIGURING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledJob:
    """One running job, array task or het component."""

    job_id: JobId
    raw_id: int
    submitted_at: datetime
    """Of the job, as its facts say."""

    started_at: datetime
    """Of the present run; what a source shows from before is another run's or another job's."""

    user: str
    nodes: tuple[str, ...]
    """Short names, in Slurm's order."""

    cpu_count: int
    gpu_count: int
    gpu_type: str = ""
    """Slurm's name where all its GPUs are of one type."""

    het_job_id: int | None = None
    het_offset: int | None = None

    @property
    def gpus_per_node(self) -> int:
        """How many GPUs it has on each node; 0 where they may be spread unevenly."""
        even = bool(self.nodes) and self.gpu_count % len(self.nodes) == 0
        return self.gpu_count // len(self.nodes) if even else 0

    @property
    def cpus_per_node(self) -> int:
        """How many CPUs it has on each node; 0 where they may be spread unevenly."""
        even = bool(self.nodes) and self.cpu_count % len(self.nodes) == 0
        return self.cpu_count // len(self.nodes) if even else 0


def running_jobs(memory: Memory) -> tuple[SampledJob, ...]:
    """Give the jobs that run now; arrays and het jobs are left out, for their members are jobs.

    Suspended jobs are left out too: they use nothing, and a step in one hangs.
    """
    return tuple(_sampled(memory.values()))


def _sampled(tracked: Iterable[Tracked]) -> Iterable[SampledJob]:
    for one in tracked:
        job = one.job
        runs = job.state is JobState.RUNNING and not _ENDING & set(job.state_flags)
        if not runs or one.missing_since is not None or one.is_group or job.started_at is None:
            continue
        types = tuple(job.gpus_by_type)
        yield SampledJob(
            job_id=job.job_id,
            raw_id=job.raw_id,
            submitted_at=job.submitted_at,
            started_at=job.started_at,
            user=job.user,
            nodes=_nodes(job.node_list),
            cpu_count=job.cpu_count,
            gpu_count=job.gpu_count,
            gpu_type=types[0] if len(types) == 1 else "",
            het_job_id=job.het_job_id,
            het_offset=job.het_offset,
        )


def _nodes(node_list: str) -> tuple[str, ...]:
    try:
        return tuple(map(short_name, expand_hostlist(node_list)))
    except SlurmParseError:
        return ()


def short_name(host: str) -> str:
    """Give a host's name without domain and port: exporters add either."""
    return host.partition(":")[0].partition(".")[0]
