"""What clusters show at present, with its age, and what running jobs do over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from slurmfleet.contracts.ids import ClusterName, JobKey
from slurmfleet.contracts.nouns import Noun
from slurmfleet.contracts.sample import Sample, Topic
from slurmfleet.contracts.surveys import SurveyFinished
from slurmfleet.store.pool import StorePool
from slurmfleet.store.sample_text import told_sample

Kind = TypeVar("Kind", bound=Sample)

MOST_THINGS = 20_000
MOST_POINTS = 2_000
"""Of one series in one answer."""

MOST_ROWS = 100_000
"""Of all series of a job together; what lies beyond is left out, whole series last."""

_STALE_INTERVALS = 3
_TOPICS: Mapping[Noun, Topic] = {
    Noun.PARTITION: Topic.CAPACITY,
    Noun.QOS: Topic.LIMITS,
    Noun.USAGE: Topic.USAGE,
    Noun.OCCUPANCY: Topic.GRANTS,
    Noun.QUOTA: Topic.QUOTAS,
}
_SHARE_TOPICS = {"sshare": Topic.SHARES, "sacctmgr": Topic.LIMITS}
_WHOLE = frozenset({Noun.PARTITION, Noun.QOS})
"""What one survey tells in full: what it does not name any more is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest(Generic[Kind]):
    """The newest sample of one thing, and how far it can be relied on."""

    sample: Kind
    observed_at: datetime
    age_s: float
    stale: bool
    stale_reason: str
    """One sentence; empty when not stale."""

    gone: bool
    """Whether the newest survey that went well does not name it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuPoint:
    """What one GPU of a job did in one step of time."""

    series_id: int
    source: str
    node: str
    gpu_uuid: str
    gpu_index: int | None
    mig_profile: str
    model: str
    memory_total_mib: int | None
    at: datetime
    """Begin of the step."""

    utilization_pct_mean: float | None
    utilization_pct_max: float | None
    memory_used_mib_mean: float | None
    memory_used_mib_max: int | None
    power_w_mean: float | None
    temperature_c_max: float | None
    gpu_count: int
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPoint:
    """What CPUs and memory of a job did on one node in one step of time."""

    series_id: int
    source: str
    node: str
    at: datetime
    """Begin of the step."""

    cpu_utilization_pct_mean: float | None
    cpu_utilization_pct_max: float | None
    cpu_count: int | None
    cpu_time_s: float | None
    memory_used_mib_mean: float | None
    memory_used_mib_max: int | None
    memory_peak_mib: int | None
    memory_limit_mib: int | None
    disk_read_mib: float | None
    disk_written_mib: float | None
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    cluster: ClusterName
    source: str
    observed_at: datetime
    told: Mapping[str, object]


async def newest_samples(
    pool: StorePool,
    kind: type[Kind],
    *,
    now: datetime,
    cluster: ClusterName | None = None,
    first: str | None = None,
) -> tuple[Newest[Kind], ...]:
    """Give the newest sample of each thing of a kind, by cluster and thing; at most 20,000.

    Args:
        pool: Where to ask.
        kind: PartitionSampled, ShareSampled, QosSampled, UsageSampled, OccupancySampled,
            QuotaSampled or SurveyFinished. What several sources tell of one thing is one entry
            for each.
        now: Ages are measured against it.
        cluster: This one alone.
        first: Things whose first name is this: a partition, an account, a QOS, a path, a topic.

    Raises:
        StoreError: In every kind of its tree.
    """
    found = await _samples(pool, kind, cluster, first)
    asked = found if kind is SurveyFinished else await _samples(pool, SurveyFinished, cluster, None)
    surveys = {(one.cluster, one.topic): one for one in asked if isinstance(one, SurveyFinished)}
    return tuple(newest_of(one, surveys.get((one.cluster, _topic(one))), now=now) for one in found)


def newest_of(sample: Kind, survey: SurveyFinished | None, *, now: datetime) -> Newest[Kind]:
    """Judge a sample by the newest survey of its topic; pure."""
    age_s = max(0.0, (now - sample.observed_at).total_seconds())
    reason = ""
    if survey is None:
        reason = "No survey about it has been recorded."
    elif age_s > _STALE_INTERVALS * survey.interval_s:
        reason = "Older than three intervals of its survey."
    gone = (
        survey is not None
        and survey.ok
        and sample.noun in _WHOLE
        and sample.observed_at < survey.started_at
    )
    return Newest(
        sample=sample,
        observed_at=sample.observed_at,
        age_s=age_s,
        stale=bool(reason),
        stale_reason=reason,
        gone=gone,
    )


async def job_gpu_points(
    pool: StorePool, job: JobKey, *, since: datetime, until: datetime, points: int = 300
) -> Sequence[GpuPoint]:
    """Give what each GPU of a job did in a range of time, in at most so many equal steps.

    Raises:
        StoreError: In every kind of its tree.
    """
    return await pool.rows("list_job_gpu_points", GpuPoint, _range(job, since, until, points))


async def job_load_points(
    pool: StorePool, job: JobKey, *, since: datetime, until: datetime, points: int = 300
) -> Sequence[LoadPoint]:
    """Give what CPUs and memory of a job did in a range of time, in at most so many equal steps.

    Raises:
        StoreError: In every kind of its tree.
    """
    return await pool.rows("list_job_load_points", LoadPoint, _range(job, since, until, points))


def _range(job: JobKey, since: datetime, until: datetime, points: int) -> Mapping[str, object]:
    steps = max(1, min(points, MOST_POINTS))
    return {
        "cluster": job.cluster,
        "job_id": job.job_id,
        "submitted_at": job.submitted_at,
        "since": since,
        "until": until,
        "step_s": max(1.0, (until - since).total_seconds() / steps),
        "limit": MOST_ROWS,
    }


async def _samples(
    pool: StorePool, kind: type[Kind], cluster: ClusterName | None, first: str | None
) -> Sequence[Kind]:
    params = {"kind": kind.noun, "cluster": cluster, "first": first, "limit": MOST_THINGS}
    return [
        told_sample(
            kind, row.told, cluster=row.cluster, source=row.source, observed_at=row.observed_at
        )
        for row in await pool.rows("list_newest_samples", _Row, params)
    ]


def _topic(sample: Sample) -> Topic:
    if isinstance(sample, SurveyFinished):
        return sample.topic
    if sample.noun is Noun.SHARE:
        return _SHARE_TOPICS.get(sample.source, Topic.GRANTS)
    return _TOPICS[sample.noun]
