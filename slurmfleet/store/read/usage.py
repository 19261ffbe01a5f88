"""What jobs used, by day, cluster, user, account, project or partition (ADR-0021)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.matching import any_of
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.clusters import require_clusters

MOST_ROWS = 10_000
"""A year of days by a team's members; more is asked for in parts."""

LONGEST_DAYS = 3_660


class UsageBy(StrEnum):
    """What rows are told apart by."""

    DAY = "day"
    CLUSTER = "cluster"
    USER = "user"
    ACCOUNT = "account"
    PROJECT = "project"
    PARTITION = "partition"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """Which use; an empty tuple lets everything through."""

    since: date
    """First day, in UTC."""

    until: date
    """First day after the last."""

    by: tuple[UsageBy, ...] = (UsageBy.DAY,)
    clusters: tuple[ClusterName, ...] = ()
    users: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageView:
    """What the runs of one group held; of what is not grouped by, the name is null.

    Whole arrays and het jobs do not count beside their members. A run over midnight counts on each
    of its days with the part that it held there.
    """

    day: date | None
    """In UTC."""

    cluster: str | None
    user: str | None
    account: str | None
    project: str | None
    """Empty: the job has none."""

    partition: str | None
    jobs: int
    """Jobs that were over, on the day of their end; whether they ever ran or not."""

    failed_jobs: int
    """Of them: FAILED, TIMEOUT, NODE_FAIL, OUT_OF_MEMORY, BOOT_FAIL or DEADLINE."""

    requeued_runs: int
    """Runs that ended and that Slurm queued again."""

    live_jobs: int
    """Jobs that hold resources now, on the last day that they were seen to."""

    gpu_hours: float
    """Hours of runs times their GPUs, whether they were used or not; live runs up to now."""

    cpu_hours: float
    wasted_gpu_hours: float
    """Of `gpu_hours`: held by runs that ended in a failure."""

    requeued_gpu_hours: float
    """Of `gpu_hours`: held by runs that Slurm queued again, however they ended."""

    sampled_gpu_hours: float
    """Of `gpu_hours`: with a known utilization."""

    gpu_utilization_pct: float | None
    """Mean over `sampled_gpu_hours`; null where nothing was sampled."""


async def read_usage(
    pool: StorePool, wanted: UsageFilter, *, now: datetime
) -> tuple[UsageView, ...]:
    """Give what runs held within some days, sorted by day and then the largest first.

    Raises:
        ProblemError: Days that make no period, too many rows, or a cluster that is not known.
        StoreError: In every kind of its tree.
    """
    _check_days(wanted)
    await require_clusters(pool, wanted.clusters)
    params = {
        "since": wanted.since,
        "until": wanted.until,
        "by": [str(one) for one in wanted.by],
        "clusters": any_of(wanted.clusters, name="cluster"),
        "users": any_of(wanted.users, name="user"),
        "accounts": any_of(wanted.accounts, name="account"),
        "projects": any_of(wanted.projects, name="project"),
        "partitions": any_of(wanted.partitions, name="partition"),
        "now": now,
        "limit": MOST_ROWS + 1,
    }
    rows = await pool.rows("read_usage", UsageView, params)
    if len(rows) > MOST_ROWS:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"The answer has more than {MOST_ROWS:,} rows.",
            remedy="Ask for fewer days, group by less, or filter.",
        )
    return tuple(rows)


def _check_days(wanted: UsageFilter) -> None:
    if wanted.since >= wanted.until:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"No day lies between {wanted.since} and {wanted.until}.",
            remedy="`since` is the first day, `until` the first day after the last.",
        )
    if wanted.until - wanted.since > timedelta(days=LONGEST_DAYS):
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"The period is longer than {LONGEST_DAYS:,} days.",
            remedy="Ask for a part of it.",
        )
