"""The roll call: now and then all live jobs are named, so that others find what they missed.

On request those that are over are named as well, as long as they are remembered.
"""

from datetime import datetime
from itertools import islice

from services.collector.jobs.tracked import Memory
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.surveys import RollCalled, RollEntry

FIRST_ROLL_S = 60.0
"""After the start: a collector without its old memory learns soon what others believe live."""

ENTRIES = 5_000
"""Jobs in one message, some 180 KB."""


def roll(
    cluster: ClusterName, memory: Memory, now: datetime, *, with_ended: bool = False
) -> tuple[RollCalled, ...]:
    """Give the roll of a cluster's jobs, in as many parts as it takes; at least one.

    Args:
        cluster: Whose jobs these are.
        memory: What is remembered.
        now: When the roll is called.
        with_ended: Name those too that are over, for whoever missed facts of them.
    """
    named = iter(
        RollEntry(
            job_id=known.job.job_id,
            submitted_at=known.job.submitted_at,
            revision=known.revision,
        )
        for known in memory.values()
        if with_ended or not known.is_over
    )
    parts: list[tuple[RollEntry, ...]] = []
    while chunk := tuple(islice(named, ENTRIES)):
        parts.append(chunk)
    return tuple(
        RollCalled(
            cluster=cluster,
            observed_at=now,
            source="collector",
            part=number,
            parts=max(1, len(parts)),
            jobs=jobs,
            with_ended=with_ended,
        )
        for number, jobs in enumerate(parts or [()])
    )
