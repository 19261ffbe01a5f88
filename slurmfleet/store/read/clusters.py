"""Configured clusters and how they are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.pool import StorePool
from slurmfleet.store.rows import ClusterView, PartitionView, to_state

_MAX_CLUSTERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    name: ClusterName
    configured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _LiveCount:
    cluster: ClusterName
    state: str
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _PartitionCount:
    cluster: ClusterName
    partition: str
    state: str
    jobs: int
    gpus: int
    observed_at: datetime


async def list_clusters(
    pool: StorePool, *, now: datetime, with_counts: bool = True
) -> tuple[ClusterView, ...]:
    """Give every configured cluster, by name; at most 1,000.

    Args:
        pool: Where to ask.
        now: Ages are measured against it.
        with_counts: Whether jobs are counted; without, `live_jobs` and `partitions` stay empty,
            and the answer does not cost a look at every live job.

    Raises:
        StoreError: In every kind of its tree.
    """
    return await _views(pool, None, now=now, with_counts=with_counts)


async def get_cluster(pool: StorePool, cluster: ClusterName, *, now: datetime) -> ClusterView:
    """Give one configured cluster.

    Raises:
        ProblemError: It is not configured.
        StoreError: In every kind of its tree.
    """
    views = await _views(pool, cluster, now=now, with_counts=True)
    if not views:
        raise _unknown([cluster], await _names(pool))
    return views[0]


async def require_clusters(pool: StorePool, wanted: Sequence[ClusterName]) -> None:
    """Make sure that every wanted cluster was ever configured or looked at.

    Raises:
        ProblemError: One was not.
        StoreError: In every kind of its tree.
    """
    if not wanted:
        return
    names = await _names(pool)
    known = {one.name for one in names}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise _unknown(unknown, names)


async def _names(pool: StorePool) -> Sequence[_Name]:
    return await pool.rows("list_cluster_names", _Name, {})


async def _views(
    pool: StorePool, cluster: ClusterName | None, *, now: datetime, with_counts: bool
) -> tuple[ClusterView, ...]:
    only = {"cluster": cluster}
    asked = {**only, "now": now, "limit": _MAX_CLUSTERS}
    views = await pool.rows("list_clusters", ClusterView, asked)
    if not views or not with_counts:
        return tuple(views)
    live = _by_cluster(await pool.rows("count_live_jobs", _LiveCount, only))
    partitions = _partitions(await pool.rows("list_partition_counts", _PartitionCount, only))
    return tuple(
        replace(view, live_jobs=live.get(view.name, {}), partitions=partitions.get(view.name, ()))
        for view in views
    )


def _by_cluster(counts: Iterable[_LiveCount]) -> Mapping[ClusterName, Mapping[JobState, int]]:
    found: defaultdict[ClusterName, dict[JobState, int]] = defaultdict(dict)
    for count in counts:
        found[count.cluster][to_state(count.state)] = count.jobs
    return found


def _partitions(
    counts: Iterable[_PartitionCount],
) -> Mapping[ClusterName, tuple[PartitionView, ...]]:
    found: defaultdict[ClusterName, tuple[PartitionView, ...]] = defaultdict(tuple)
    for count in counts:
        view = PartitionView(
            partition=count.partition,
            state=to_state(count.state),
            jobs=count.jobs,
            gpus=count.gpus,
            observed_at=count.observed_at,
        )
        found[count.cluster] += (view,)
    return found


def _unknown(wanted: Sequence[ClusterName], names: Sequence[_Name]) -> ProblemError:
    configured = ", ".join(one.name for one in names if one.configured)
    return ProblemError(
        ProblemCode.UNKNOWN_CLUSTER,
        f"No cluster is called {', '.join(repr(name[:64]) for name in wanted)}.",
        remedy=(
            f"Configured are: {configured}."
            if configured
            else "None is configured yet; add one with `slurmfleet cluster add`."
        ),
    )
