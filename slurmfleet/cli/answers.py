"""What the command line reads of the API's answers; everything else in them is passed over."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ClusterAnswer(_Answer):
    """One cluster, as far as a table shows it."""

    name: str
    host: str
    port: int = 22
    user: str = ""
    gpu_type: str = ""
    simulated: bool = False
    track_users: tuple[str, ...] = ()
    track_accounts: tuple[str, ...] = ()
    link: str | None = None
    error: str = ""
    accounting_error: str = ""
    failing_since: datetime | None = None
    slurm_version: str = ""
    interval_s: float | None = None
    clock_offset_s: float | None = None
    observed_at: datetime | None = None
    age_s: float | None = None
    stale: bool = False
    stale_reason: str = ""
    live_jobs: Mapping[str, int] = Field(default_factory=dict[str, int])


class ClusterList(_Answer):
    """The configured clusters."""

    items: tuple[ClusterAnswer, ...]


class GpuRequestAnswer(_Answer):
    """GPUs of one type that a job asked for."""

    count: int
    per: str = "job"
    gpu_type: str = ""


class RequestAnswer(_Answer):
    """What a job asked for beyond its size."""

    gpus: tuple[GpuRequestAnswer, ...] = ()
    features: str = ""
    required_nodes: str = ""
    excluded_nodes: str = ""
    reservation: str = ""
    licenses: str = ""
    is_exclusive: bool = False
    is_batch: bool | None = None
    may_requeue: bool | None = None
    task_count: int = 0
    nice: int | None = None
    deadline_at: datetime | None = None


class DependencyAnswer(_Answer):
    """One thing that a job waits for."""

    kind: str
    job_id: int | None = None
    array_task_id: int | None = None
    is_whole_array: bool = False
    delay_min: int = 0
    any_suffices: bool = False
    state: str = "unknown"


class JobAnswer(_Answer):
    """One job, as far as a table or a page of details shows it."""

    cluster: str
    job_id: str
    name: str = ""
    user: str = ""
    account: str = ""
    partition: str = ""
    qos: str = ""
    state: str
    state_flags: tuple[str, ...] = ()
    reason: str = ""
    submitted_at: datetime
    eligible_at: datetime | None = None
    started_at: datetime | None = None
    expected_start_at: datetime | None = None
    ended_at: datetime | None = None
    time_limit_s: int | None = None
    nodes: int = 0
    node_list: str = ""
    node_names: tuple[str, ...] = ()
    has_all_node_names: bool = True
    batch_host: str = ""
    cpus: int = 0
    memory_mib: int | None = None
    gpus: int = 0
    gpu_source: str = ""
    gpus_by_type: Mapping[str, int] = Field(default_factory=dict[str, int])
    tres: str = ""
    priority: int | None = None
    dependency: str = ""
    dependencies: tuple[DependencyAnswer, ...] = ()
    request: RequestAnswer = RequestAnswer()
    work_dir: str = ""
    command: str = ""
    submit_line: str = ""
    stdout_path: str = ""
    stderr_path: str = ""
    stdin_path: str = ""
    unexpanded_paths: tuple[str, ...] = ()
    comment: str = ""
    restart_count: int = 0
    exit_code: int | None = None
    exit_signal: int | None = None
    array_job_id: int | None = None
    array_task_id: int | None = None
    array_pending: str = ""
    task_states: Mapping[str, int] = Field(default_factory=dict[str, int])
    het_job_id: int | None = None
    het_offset: int | None = None
    sluid: str = ""
    project: str | None = None
    vanished_at: datetime | None = None
    live: bool = False
    observed_at: datetime
    age_s: float | None = None
    stale: bool = False
    stale_reason: str = ""
    source: str = ""


class AgeAnswer(_Answer):
    """How old the picture of one cluster is."""

    age_s: float | None = None
    stale: bool = False
    stale_reason: str = ""


class JobList(_Answer):
    """One page of jobs."""

    items: tuple[JobAnswer, ...]
    next_cursor: str | None = None
    searched_back_to: datetime | None = None
    clusters: Mapping[str, AgeAnswer] = Field(default_factory=dict[str, AgeAnswer])


class EventAnswer(_Answer):
    """One recorded fact about a job."""

    event_seq: int
    cluster: str
    job_id: str
    verb: str
    state: str
    reason: str = ""
    source: str = ""
    occurred_at: datetime
    job_name: str = ""
    user: str = ""
    changed: tuple[str, ...] = ()


class UsageAnswer(_Answer):
    """What runs of one group held; of what is not grouped by, the name is null."""

    day: str | None = None
    cluster: str | None = None
    user: str | None = None
    account: str | None = None
    project: str | None = None
    partition: str | None = None
    jobs: int = 0
    failed_jobs: int = 0
    requeued_runs: int = 0
    live_jobs: int = 0
    gpu_hours: float = 0
    cpu_hours: float = 0
    wasted_gpu_hours: float = 0
    requeued_gpu_hours: float = 0
    sampled_gpu_hours: float = 0
    gpu_utilization_pct: float | None = None


class UsageList(_Answer):
    """Use, sorted by day and then the largest first."""

    items: tuple[UsageAnswer, ...]


class EventList(_Answer):
    """Events in the order of recording."""

    items: tuple[EventAnswer, ...]
    next_after: int | None = None
