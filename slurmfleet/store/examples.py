"""One row of each kind as it may look, complete: for the OpenAPI document and for tests."""

from datetime import UTC, datetime, timedelta

from slurmfleet.contracts.events import LinkState
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.contracts.registry import Transport
from slurmfleet.store.rows import ClusterView, EventView, JobView, PartitionView

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When the rows are as old as they say."""

SEEN_AT = NOW - timedelta(seconds=10)
SUBMITTED_AT = NOW - timedelta(hours=1)
ALPHA = ClusterName("alpha")

JOB = JobView(
    cluster=ALPHA,
    job_id=JobId("4711"),
    raw_id=4711,
    name="train",
    user="ada",
    account="vision",
    partition="gpu",
    qos="normal",
    state=JobState.RUNNING,
    state_flags=(),
    reason="",
    submitted_at=SUBMITTED_AT,
    eligible_at=SUBMITTED_AT,
    started_at=NOW - timedelta(minutes=30),
    expected_start_at=None,
    ended_at=None,
    time_limit_s=14_400,
    nodes=1,
    node_list="gpu01",
    cpus=16,
    memory_mib=65_536,
    gpus=8,
    gpus_by_type={"h100": 8},
    tres="cpu=16,mem=64G,node=1,gres/gpu:h100=8",
    priority=100,
    dependency="",
    work_dir="/home/ada",
    command="train.sh",
    stdout_path="/home/ada/slurm-4711.out",
    stderr_path="/home/ada/slurm-4711.out",
    comment="",
    submit_line="sbatch train.sh",
    restart_count=0,
    exit_code=None,
    exit_signal=None,
    array_job_id=None,
    array_task_id=None,
    array_pending="",
    task_states={},
    het_job_id=None,
    het_offset=None,
    first_observed_at=SUBMITTED_AT,
    vanished_at=None,
    live=True,
    observed_at=SEEN_AT,
    age_s=10.0,
    stale=False,
    stale_reason="",
    source=Evidence.QUEUE,
)
CLUSTER = ClusterView(
    name=ALPHA,
    host="login.alpha.example",
    port=22,
    user="ada",
    transport=Transport.ASYNCSSH,
    track_users=("ada",),
    track_accounts=("vision",),
    poll_interval_s=30.0,
    account="vision",
    gpu_type="h100",
    gpus_per_node=8,
    mount_paths=(),
    simulated=False,
    registry_revision=1,
    link=LinkState.OK,
    error="",
    failing_since=None,
    last_poll_started_at=SEEN_AT - timedelta(seconds=1),
    last_poll_finished_at=SEEN_AT,
    interval_s=30.0,
    state_since=SUBMITTED_AT,
    slurm_version="24.11.5",
    slurm_rpcs=3,
    clock_offset_s=0.1,
    tracked_jobs=2,
    detail_error="",
    queue_observed_at=SEEN_AT,
    queue_error="",
    accounting_observed_at=SEEN_AT,
    accounting_error="",
    observed_at=SEEN_AT,
    age_s=10.0,
    stale=False,
    stale_reason="",
    live_jobs={JobState.RUNNING: 1, JobState.PENDING: 1},
    partitions=(
        PartitionView(
            partition="gpu", state=JobState.RUNNING, jobs=12, gpus=96, observed_at=SEEN_AT
        ),
    ),
)
EVENT = EventView(
    event_seq=1,
    event_id="event-1",
    cluster=ALPHA,
    job_id=JobId("4711"),
    submitted_at=SUBMITTED_AT,
    restart_count=0,
    verb="started",
    state=JobState.RUNNING,
    reason="",
    source=Evidence.QUEUE,
    occurred_at=NOW - timedelta(minutes=30),
    observed_at=SEEN_AT,
    recorded_at=NOW,
    revision=1,
    changed=(),
    job_name="train",
    user="ada",
    account="vision",
)
