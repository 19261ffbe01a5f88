"""Jobs and facts for tests: complete ones, and ones of which only a few things matter."""

from dataclasses import replace
from datetime import timedelta

from slurmfleet.contracts.events import (
    Fact,
    JobChanged,
    JobEnded,
    JobStarted,
    JobSubmitted,
    JobVanished,
    LinkState,
    PartitionCount,
    PollFinished,
)
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.job_parts import (
    Dependency,
    DependencyKind,
    DependencyState,
    GpuRequest,
    GpuScope,
    GpuSource,
    JobRequest,
)
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.testing.moments import NOON
from slurmfleet.testing.samples import a_sample_of_each_kind

ALPHA = ClusterName("alpha")


def a_job(job_id: str = "7", **changes: object) -> Job:
    """Give a job that waits, with the given fields changed."""
    waiting = Job(
        job_id=JobId(job_id),
        raw_id=int(job_id.partition("_")[0].partition("+")[0]),
        submitted_at=NOON,
        state=JobState.PENDING,
        reason="Priority",
        name="train",
        user="alice",
        account="ml",
        partition="batch",
        qos="normal",
        node_count=1,
        cpu_count=8,
        gpu_count=2,
        gpus_by_type={"h100": 2},
        time_limit_s=3_600,
    )
    return replace(waiting, **changes)


def a_full_job() -> Job:
    """Give a job of which every field is set, to something other than its default."""
    return Job(
        job_id=JobId("900_7"),
        raw_id=907,
        submitted_at=NOON,
        state=JobState.OUT_OF_MEMORY,
        state_flags=("COMPLETING", "REQUEUED"),
        reason="OutOfMemory",
        name="train|v2, \"x\" 'y' é 漢 \U0001f680\n",
        user="alice",
        account="ml",
        partition="batch,long",
        qos="high",
        eligible_at=NOON + timedelta(seconds=1),
        started_at=NOON + timedelta(seconds=2),
        expected_start_at=NOON + timedelta(seconds=3),
        ended_at=NOON + timedelta(seconds=4, microseconds=5),
        time_limit_s=172_800,
        node_count=2,
        node_list="gpu[01-02]",
        cpu_count=64,
        memory_mib=131_072,
        gpu_count=16,
        gpus_by_type={"a100-sxm4-80gb": 8, "h100": 8},
        tres="cpu=64,mem=128G,node=2,gres/gpu=16",
        priority=10_204,
        dependency="afterok:12(unfulfilled)",
        work_dir="/home/alice/run",
        command="/home/alice/run/train.sbatch",
        stdout_path="/home/alice/run/slurm-%A_%a.out",
        stderr_path="/home/alice/run/slurm-%A_%a.err",
        comment="sweep lr=3e-4",
        submit_line="sbatch --array=0-9 train.sbatch",
        restart_count=3,
        exit_code=0,
        exit_signal=125,
        array_job_id=900,
        array_task_id=7,
        array_pending="2-9%2",
        task_states={JobState.PENDING: 8, JobState.RUNNING: 2},
        het_job_id=899,
        het_offset=1,
        node_names=("gpu01", "gpu02"),
        has_all_node_names=False,
        batch_host="gpu01",
        gpu_source=GpuSource.REQUEST,
        dependencies=(
            Dependency(
                kind=DependencyKind.AFTER,
                job_id=12,
                is_whole_array=True,
                delay_min=10,
                any_suffices=True,
                state=DependencyState.UNFULFILLED,
            ),
            Dependency(kind=DependencyKind.SINGLETON, state=DependencyState.FAILED),
        ),
        request=JobRequest(
            gpus=(
                GpuRequest(count=8, per=GpuScope.NODE, gpu_type="h100"),
                GpuRequest(count=1, per=GpuScope.TASK),
            ),
            features="h100&nvlink",
            required_nodes="gpu01",
            excluded_nodes="gpu[07-08]",
            reservation="course",
            licenses="matlab:2",
            is_exclusive=True,
            is_batch=False,
            may_requeue=True,
            task_count=16,
            nice=-50,
            deadline_at=NOON + timedelta(days=1),
        ),
        stdin_path="/home/alice/run/in.txt",
        unexpanded_paths=("stderr_path", "stdout_path"),
        sluid="s7K3Q9",
    )


def a_fact_of_each_kind(job: Job | None = None) -> tuple[Fact, ...]:
    """Give one fact of every kind there is, complete."""
    job = job or a_full_job()
    seen = NOON + timedelta(minutes=1)
    revision = int(seen.timestamp() * 1_000_000)
    queue, accounting = Evidence.QUEUE, Evidence.ACCOUNTING
    return (
        JobSubmitted(cluster=ALPHA, job=job, observed_at=seen, revision=revision, source=queue),
        JobStarted(cluster=ALPHA, job=job, observed_at=seen, revision=revision + 1, source=queue),
        JobChanged(
            cluster=ALPHA,
            job=job,
            observed_at=seen,
            revision=revision + 2,
            source=queue,
            changed=("reason", "time_limit_s"),
        ),
        JobEnded(
            cluster=ALPHA, job=job, observed_at=seen, revision=revision + 3, source=accounting
        ),
        JobVanished(
            cluster=ALPHA, job=job, observed_at=seen, revision=revision + 4, source=Evidence.NONE
        ),
        a_poll(),
        *a_sample_of_each_kind(),
    )


def a_poll(cluster: str = "alpha", **changes: object) -> PollFinished:
    """Give a poll that went well, with the given fields changed."""
    poll = PollFinished(
        cluster=ClusterName(cluster),
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=1.5),
        duration_s=1.5,
        link=LinkState.OK,
        interval_s=30,
        state_since=NOON - timedelta(days=1),
        sections=(
            SectionOutcome(name=SectionName.DETAIL, ok=True, exit_status=0, rows=12, bad_rows=1),
            SectionOutcome(
                name=SectionName.ACCOUNTING,
                ok=False,
                exit_status=1,
                error="Slurm's accounting database (slurmdbd) does not answer.",
            ),
        ),
        population=(
            PartitionCount(partition="batch", state=JobState.RUNNING, jobs=3, gpus=24),
            PartitionCount(partition="batch", state=JobState.PENDING, jobs=90, gpus=720),
        ),
        slurm_version="24.11.5",
        tracked_jobs=4,
        slurm_rpcs=3,
        clock_offset_s=-0.25,
    )
    return replace(poll, **changes)
