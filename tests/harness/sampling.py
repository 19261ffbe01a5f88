"""What tests of sampling share: running jobs, and a source that answers as a test says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.collector.budget import RpcBudget
from services.collector.desk import Desk, Known
from services.collector.jobs.tracked import Tracked
from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.providers import GpuSeen, LoadSeen, Need, ProviderAnswer
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.contracts.registry import ClusterConfig, SampleProvider
from slurmfleet.gpu.readings import GpuReading, LoadReading
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.builders import a_job
from slurmfleet.testing.clock import START, ManualClock
from slurmfleet.timing.clock import Clock

BEGAN = START - timedelta(hours=1)


def a_running_job(job_id: str = "41", **changes: object) -> Job:
    """Give a job that runs on two nodes with two GPUs on each."""
    running = replace(
        a_job(job_id),
        state=JobState.RUNNING,
        reason="",
        started_at=BEGAN,
        node_count=2,
        node_list="hgx[01-02]",
        gpu_count=4,
        cpu_count=16,
    )
    return replace(running, **changes)


def a_sampled_job(job_id: str = "41", **changes: object) -> SampledJob:
    """Give the same as sampling sees it."""
    return replace(
        SampledJob(
            job_id=JobId(job_id),
            raw_id=int(job_id.partition("_")[0].partition("+")[0]),
            submitted_at=BEGAN,
            started_at=BEGAN,
            user="alice",
            nodes=("hgx01", "hgx02"),
            cpu_count=16,
            gpu_count=4,
        ),
        **changes,
    )


def memory_of(*jobs: Job) -> dict[JobId, Tracked]:
    """Give a collector's memory of these jobs."""
    return {
        job.job_id: Tracked(
            job=job,
            revision=1,
            observed_at=START,
            source=Evidence.QUEUE,
            run_submitted_at=job.submitted_at,
        )
        for job in jobs
    }


def a_desk(*jobs: Job, clock: Clock | None = None, link: SshLink | None = None, **config: object):
    """Give a desk of which the login node is never asked, unless a link is given."""
    clock = clock or ManualClock()
    cluster = ClusterConfig.model_validate({"name": "alpha", "host": "127.0.0.1", **config})
    target = SshTarget(cluster=cluster.name, host="127.0.0.1")
    probe = Probe(user="alice", slurm_version="24.11.5", environment={})
    return Desk(
        cluster,
        link=link or SshLink(target, clock=clock),
        budget=RpcBudget(per_minute=0, burst=1, clock=clock),
        known=Known(probe=probe, memory=memory_of(*jobs)),
        clock=clock,
    )


def gpu_seen(job_id: str, at: datetime, *, uuid: str = "GPU-a", **numbers: float) -> GpuSeen:
    """Give a reading of one GPU."""
    reading = replace(GpuReading(uuid=uuid), **(numbers or {"utilization_pct": 50.0}))
    return GpuSeen(job_id=JobId(job_id), node="hgx01", seen_at=at, reading=reading)


def load_seen(job_id: str, at: datetime, **numbers: float) -> LoadSeen:
    """Give a reading of one node's load."""
    reading = replace(LoadReading(), **(numbers or {"memory_used_mib": 100.0}))
    return LoadSeen(job_id=JobId(job_id), node="hgx01", seen_at=at, reading=reading, cpu_count=8)


@dataclass(kw_only=True)
class ScriptedProvider:
    """A source whose answers a test writes."""

    name: SampleProvider
    answer: Callable[[Sequence[SampledJob]], ProviderAnswer]
    sees: frozenset[Need] = frozenset(Need)
    interval_s: float = 30.0
    asked: list[tuple[JobId, ...]] = field(default_factory=list[tuple[JobId, ...]])

    async def sample(self, jobs: Sequence[SampledJob], desk: Desk) -> Sequence[ProviderAnswer]:
        """Answer, and note who was asked about."""
        del desk
        self.asked.append(tuple(job.job_id for job in jobs))
        return (self.answer(jobs),)


NO_REASONS: Mapping[JobId, str] = {}
