"""What tools answer: the readers' rows, cut to what a model can use and afford to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from slurmfleet.contracts.events import LinkState
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.text import clean_line
from slurmfleet.store.read.freshness import ClusterFreshness, Freshness
from slurmfleet.store.rows import ClusterView, JobView, Page, PartitionView

NAME_CHARS = 80
TEXT_CHARS = 200
MAX_PARTITION_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """One job of a list; get_job shows the rest of it."""

    cluster: ClusterName
    job_id: JobId
    name: str
    user: str
    account: str
    partition: str
    state: JobState
    reason: str
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    time_limit_s: int | None
    nodes: int
    gpus: int
    exit_code: int | None
    project: str | None
    run_id: str | None
    observed_at: datetime
    age_s: float
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsAnswer:
    """A page of jobs and how old it is."""

    items: tuple[JobLine, ...]
    next_cursor: str | None
    """Pass it back as cursor for the page after this one; null on the last."""

    searched_back_to: datetime | None
    """Set where a search stopped for lack of time: jobs submitted before were not looked at yet,
    and next_cursor goes on with them."""

    observed_at: datetime | None
    age_s: float | None
    stale: bool
    clusters: Mapping[ClusterName, ClusterFreshness]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Everybody's jobs in one state."""

    jobs: int
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterLine:
    """One cluster: whether it is reached, and what runs and waits on it."""

    name: ClusterName
    link: LinkState | None
    error: str
    accounting_error: str
    """Why accounting tells nothing, be it that the site keeps none; empty when it does."""

    failing_since: datetime | None
    slurm_version: str
    interval_s: float | None
    tracked_jobs: Mapping[JobState, int]
    """Live jobs of the followed users and accounts."""

    everybody: Mapping[JobState, Population]
    """Jobs and GPUs of all users, by state."""

    partitions: tuple[PartitionView, ...]
    """The same by partition; only when one cluster was asked for."""

    simulated: bool
    observed_at: datetime | None
    age_s: float | None
    stale: bool
    stale_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClustersAnswer:
    """Clusters and how old what is known of them is."""

    items: tuple[ClusterLine, ...]
    observed_at: datetime | None
    age_s: float | None
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthAnswer:
    """Whether answers can be trusted at the moment."""

    ok: bool
    store: str
    """What the store says of itself, or why it does not answer."""

    observed_at: datetime | None
    age_s: float | None
    stale: bool
    clusters: Mapping[ClusterName, ClusterFreshness]


def job_line(view: JobView) -> JobLine:
    """Cut a job to a line."""
    return JobLine(
        cluster=view.cluster,
        job_id=view.job_id,
        name=clean_line(view.name, at_most_chars=NAME_CHARS),
        user=clean_line(view.user, at_most_chars=NAME_CHARS),
        account=clean_line(view.account, at_most_chars=NAME_CHARS),
        partition=clean_line(view.partition, at_most_chars=NAME_CHARS),
        state=view.state,
        reason=clean_line(view.reason, at_most_chars=TEXT_CHARS),
        submitted_at=view.submitted_at,
        started_at=view.started_at,
        ended_at=view.ended_at,
        time_limit_s=view.time_limit_s,
        nodes=view.nodes,
        gpus=view.gpus,
        exit_code=view.exit_code,
        project=view.project,
        run_id=view.run_id,
        observed_at=view.observed_at,
        age_s=view.age_s,
        stale=view.stale,
    )


def jobs_answer(page: Page[JobView], *, age: Freshness) -> JobsAnswer:
    """Give a page of jobs."""
    return JobsAnswer(
        items=tuple(job_line(view) for view in page.items),
        next_cursor=page.next_cursor,
        searched_back_to=page.searched_back_to,
        observed_at=age.observed_at,
        age_s=age.age_s,
        stale=age.stale,
        clusters=age.clusters,
    )


def cluster_line(view: ClusterView, *, with_partitions: bool) -> ClusterLine:
    """Cut a cluster to what tells how it is."""
    states = {one.state for one in view.partitions}
    everybody = {
        state: Population(
            jobs=sum(one.jobs for one in view.partitions if one.state is state),
            gpus=sum(one.gpus for one in view.partitions if one.state is state),
        )
        for state in sorted(states)
    }
    return ClusterLine(
        name=view.name,
        link=view.link,
        error=clean_line(view.error, at_most_chars=2 * TEXT_CHARS),
        accounting_error=clean_line(view.accounting_error, at_most_chars=2 * TEXT_CHARS),
        failing_since=view.failing_since,
        slurm_version=view.slurm_version,
        interval_s=view.interval_s,
        tracked_jobs=view.live_jobs,
        everybody=everybody,
        partitions=view.partitions[:MAX_PARTITION_ROWS] if with_partitions else (),
        simulated=view.simulated,
        observed_at=view.observed_at,
        age_s=view.age_s,
        stale=view.stale,
        stale_reason=view.stale_reason,
    )
