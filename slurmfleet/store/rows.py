"""What the readers give: rows that REST and MCP hand on as they are.

Times are aware and in UTC. `age_s` is `now` minus `observed_at`, never negative.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from slurmfleet.contracts.events import LinkState
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.job_parts import Dependency, GpuSource, JobRequest
from slurmfleet.contracts.jobs import NO_TASKS, Evidence, JobState
from slurmfleet.contracts.registry import Transport
from slurmfleet.store.job_details import counts_of_text, dependencies_of_text, request_of_text

Item = TypeVar("Item")

_STATES = {str(state): state for state in JobState}
_EVIDENCE = {str(source): source for source in Evidence}
"""Looked up for each row: calling an enumeration costs ten times as much."""

_SOURCES = frozenset(GpuSource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """One page of a list."""

    items: tuple[Item, ...]
    next_cursor: str | None
    """Opaque; asks for the page after this one. None on the last page."""

    searched_back_to: datetime | None = None
    """Of a search that stopped for lack of time: all jobs submitted since then were looked at. The
    page is then short, or empty, and `next_cursor` goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job, array, array task or het component, with the age of what is known of it."""

    cluster: ClusterName
    job_id: JobId
    raw_id: int
    """Slurm's own number; differs from `job_id` for array tasks and het components."""

    name: str
    """As its user gave it: untrusted text."""

    user: str
    account: str
    partition: str
    """One name, or several with commas while the job waits for the first that fits."""

    qos: str
    state: JobState
    state_flags: tuple[str, ...]
    """Slurm's flags beside the base state, sorted."""

    reason: str
    """Why it waits or why it failed, in Slurm's word; empty for none."""

    submitted_at: datetime
    eligible_at: datetime | None
    started_at: datetime | None
    expected_start_at: datetime | None
    """Slurm's own estimate for a pending job."""

    ended_at: datetime | None
    time_limit_s: int | None
    """None for unlimited or not told."""

    nodes: int
    """How many; allocated, or requested while pending."""

    node_list: str
    """Compact, as Slurm writes it; empty while pending."""

    node_names: tuple[str, ...]
    """The names in `node_list`, in its order; at most 1,024."""

    has_all_node_names: bool
    """Whether `node_names` is the whole of `node_list`."""

    batch_host: str
    """The node that runs the batch script; empty while pending."""

    cpus: int
    """Of the whole job."""

    memory_mib: int | None
    """Of the whole job; None where the site does not count memory."""

    gpus: int
    """Of the whole job; allocated, or requested while pending."""

    gpu_source: GpuSource
    """What `gpus` was read from; unknown: it asked for some, and how many is not told."""

    gpus_by_type: Mapping[str, int]
    tres: str
    priority: int | None
    dependency: str
    """As Slurm writes it."""

    dependencies: tuple[Dependency, ...]
    """The same, read."""

    request: JobRequest
    """What it asked for beyond its size."""

    work_dir: str
    command: str
    """Untrusted text, as are the paths, the comment and the submit line."""

    stdout_path: str
    """Absolute, its `%` patterns expanded unless it is among `unexpanded_paths`."""

    stderr_path: str
    stdin_path: str
    unexpanded_paths: tuple[str, ...]
    """Which of the three paths still hold a pattern whose meaning is not known yet."""

    comment: str
    submit_line: str
    restart_count: int
    exit_code: int | None
    exit_signal: int | None
    array_job_id: int | None
    array_task_id: int | None
    array_pending: str
    task_states: Mapping[JobState, int]
    """Tasks of a whole array per state; empty on everything else."""

    het_job_id: int | None
    het_offset: int | None
    sluid: str
    """Slurm's own id that is never used again; empty where an older Slurm has none."""

    first_observed_at: datetime
    vanished_at: datetime | None
    """When it was found gone without a trace."""

    live: bool
    """Neither over nor vanished."""

    observed_at: datetime
    """When the cluster last showed it like this; of an ended job, when its end was seen."""

    age_s: float
    stale: bool
    """A live job that may have moved on; see `stale_reason`."""

    stale_reason: str
    """One sentence; empty when not stale."""

    source: Evidence
    project: str | None = None
    """By its name and the group's rules; null: none."""

    run_id: str | None = None

    def __post_init__(self) -> None:
        """Turn what the database stores as text and lists into our own values."""
        object.__setattr__(self, "state", to_state(self.state))
        object.__setattr__(self, "state_flags", tuple(self.state_flags))
        object.__setattr__(self, "source", _EVIDENCE[self.source])
        object.__setattr__(self, "gpus_by_type", _to_counts(self.gpus_by_type))
        object.__setattr__(self, "task_states", _to_tasks(self.task_states))
        object.__setattr__(self, "node_names", tuple(self.node_names))
        object.__setattr__(self, "unexpanded_paths", tuple(self.unexpanded_paths))
        object.__setattr__(self, "gpu_source", to_source(self.gpu_source, self.gpus))
        object.__setattr__(self, "dependencies", _to_dependencies(self.dependencies))
        object.__setattr__(self, "request", _to_request(self.request))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionView:
    """How many jobs of everybody are in one state in one partition."""

    partition: str
    state: JobState
    jobs: int
    gpus: int
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """One configured cluster: its public configuration and how it is."""

    name: ClusterName
    host: str
    port: int
    user: str
    """Login name; empty for the local user's."""

    transport: Transport
    track_users: tuple[str, ...]
    """Users whose jobs are followed; empty for the login user."""

    track_accounts: tuple[str, ...]
    poll_interval_s: float
    """As configured; `interval_s` is what the collector does now."""

    account: str
    """Default account for submissions; empty for Slurm's own default."""

    gpu_type: str
    gpus_per_node: int
    mount_paths: tuple[str, ...]
    simulated: bool
    registry_revision: int
    link: LinkState | None
    """How the newest poll reached the login node; None before the first."""

    error: str
    """What went wrong in the newest poll; empty when all went well."""

    failing_since: datetime | None
    """Start of the first failed poll since the last good one; None when the last was good."""

    last_poll_started_at: datetime | None
    last_poll_finished_at: datetime | None
    interval_s: float | None
    """Until the poll after the newest is due."""

    state_since: datetime | None
    """Since when the collector remembers."""

    slurm_version: str
    slurm_rpcs: int | None
    """What the newest poll cost Slurm."""

    clock_offset_s: float | None
    """The login node's clock minus ours."""

    tracked_jobs: int
    """Live jobs of tracked users and accounts, as the collector counts them."""

    detail_error: str
    queue_observed_at: datetime | None
    queue_error: str
    accounting_observed_at: datetime | None
    accounting_error: str
    """Why accounting told nothing when it was last asked, or that the site keeps none."""

    observed_at: datetime | None
    """End of the newest poll that told the tracked jobs; None before the first."""

    age_s: float | None
    stale: bool
    stale_reason: str
    """One sentence; empty when not stale."""

    source: str = "poll"
    live_jobs: Mapping[JobState, int] = field(default_factory=dict[JobState, int])
    """Stored live jobs of tracked users and accounts per state; of arrays and het jobs each member
    counts, whether it has a record of its own or not, and the whole does not."""

    partitions: tuple[PartitionView, ...] = ()
    """Everybody's jobs, by partition and state; empty until they were counted."""

    def __post_init__(self) -> None:
        """Turn what the database stores as text and lists into our own values."""
        object.__setattr__(self, "transport", Transport(self.transport))
        object.__setattr__(self, "link", LinkState(self.link) if self.link else None)
        for name in ("track_users", "track_accounts", "mount_paths"):
            object.__setattr__(self, name, tuple(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One recorded fact about a job."""

    event_seq: int
    """Order of recording: resume with `events_after(event_seq)`."""

    event_id: str
    cluster: ClusterName
    job_id: JobId
    submitted_at: datetime
    restart_count: int
    verb: str
    """submitted, started, changed, ended or vanished."""

    state: JobState
    """After the event."""

    reason: str
    source: Evidence
    occurred_at: datetime
    """By Slurm's own clock; `observed_at` where Slurm does not say."""

    observed_at: datetime
    recorded_at: datetime
    revision: int
    changed: tuple[str, ...]
    """Names of changed fields of `contracts.jobs.Job`; empty for other verbs."""

    job_name: str
    user: str
    account: str

    def __post_init__(self) -> None:
        """Turn what the database stores as text and lists into our own values."""
        object.__setattr__(self, "state", to_state(self.state))
        object.__setattr__(self, "source", Evidence(self.source))
        object.__setattr__(self, "changed", tuple(self.changed))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    """What the store says of itself."""

    edition: str
    """community, apache or plain."""

    schema_version: int
    server_version: str
    latency_s: float
    """One round trip."""


def to_source(word: str, gpus: int) -> GpuSource:
    """Read what GPUs were counted by; rows of earlier versions knew TRES alone."""
    if not word:
        return GpuSource.TRES if gpus else GpuSource.NONE
    return GpuSource(word) if word in _SOURCES else GpuSource.UNKNOWN


def _to_counts(stored: str | Mapping[str, int]) -> Mapping[str, int]:
    return counts_of_text(stored) if isinstance(stored, str) else stored


def _to_tasks(stored: str | Mapping[JobState, int]) -> Mapping[JobState, int]:
    if not isinstance(stored, str):
        return stored
    counts = counts_of_text(stored)
    return {to_state(word): count for word, count in counts.items()} if counts else NO_TASKS


def _to_dependencies(stored: str | tuple[Dependency, ...]) -> tuple[Dependency, ...]:
    return dependencies_of_text(stored) if isinstance(stored, str) else stored


def _to_request(stored: str | JobRequest) -> JobRequest:
    return request_of_text(stored) if isinstance(stored, str) else stored


def to_state(word: str) -> JobState:
    """Read a stored state; a word that a newer version wrote is UNKNOWN."""
    return _STATES.get(word, JobState.UNKNOWN)
