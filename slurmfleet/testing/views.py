"""Rows as the readers give them, with every field filled in; tests change what they care about.

They were seen ten seconds before the moment at which a manual clock starts.
"""

from dataclasses import replace

from slurmfleet.store.examples import ALPHA, CLUSTER, EVENT, JOB, SEEN_AT, SUBMITTED_AT
from slurmfleet.store.rows import ClusterView, EventView, JobView

__all__ = ["ALPHA", "SEEN_AT", "SUBMITTED_AT", "cluster_view", "event_view", "job_view"]


def job_view(**changes: object) -> JobView:
    """Give a running job of alpha."""
    return replace(JOB, **changes)


def cluster_view(**changes: object) -> ClusterView:
    """Give alpha, well."""
    return replace(CLUSTER, **changes)


def event_view(event_seq: int, **changes: object) -> EventView:
    """Give the start of the job of `job_view`, recorded as number `event_seq`."""
    numbered = replace(EVENT, event_seq=event_seq, event_id=f"event-{event_seq}")
    return replace(numbered, **changes)
