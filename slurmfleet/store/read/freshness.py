"""How old an answer over several clusters is: as old as the oldest of them; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slurmfleet.contracts.events import LinkState
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.store.rows import ClusterView

_STALE_INTERVALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFreshness:
    """How old what is known of one cluster is."""

    observed_at: datetime | None
    """When the cluster last told its tracked jobs; None before the first time."""

    age_s: float | None
    stale: bool
    stale_reason: str
    """One sentence; empty when not stale."""

    link: LinkState | None
    """How the newest look reached the login node; None before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old an answer is."""

    observed_at: datetime | None
    """The oldest over the clusters asked; None when none of them was ever observed."""

    age_s: float | None
    stale: bool
    """Whether any of the clusters asked is stale."""

    clusters: Mapping[ClusterName, ClusterFreshness]


def freshness_of(
    clusters: Sequence[ClusterView], asked: Sequence[ClusterName] = (), *, now: datetime
) -> Freshness:
    """Give the age of an answer.

    Args:
        clusters: Every configured cluster.
        asked: Those that the answer is about; empty for all.
        now: Ages are measured against it.
    """
    each = {
        view.name: _of_one(view, now=now) for view in clusters if not asked or view.name in asked
    }
    seen = [one.observed_at for one in each.values() if one.observed_at is not None]
    oldest = min(seen, default=None)
    return Freshness(
        observed_at=oldest,
        age_s=None if oldest is None else max(0.0, (now - oldest).total_seconds()),
        stale=any(one.stale for one in each.values()),
        clusters=each,
    )


def _of_one(view: ClusterView, *, now: datetime) -> ClusterFreshness:
    age_s = None if view.observed_at is None else max(0.0, (now - view.observed_at).total_seconds())
    reason = view.stale_reason
    if not reason and age_s is not None and age_s > _STALE_INTERVALS * (view.interval_s or age_s):
        reason = "Older than three polling intervals."
    return ClusterFreshness(
        observed_at=view.observed_at,
        age_s=age_s,
        stale=bool(reason),
        stale_reason=reason,
        link=view.link,
    )
