"""The last rung: GPUs that jobs hold, where nodes do not tell; pure.

The queue says in which partition a job runs, not on which nodes. So the sum is exact for the whole
cluster, and for a partition whose nodes no other partition reaches into: where partitions overlap,
a job of one may hold GPUs of the other, and nothing is claimed. It cannot tell either whether held
GPUs are on nodes that are out of service; they are taken to be on the others, so that no GPU is
promised that is not there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from slurmfleet.contracts.capacity import GpuTally
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.jobs import JobState

_HOLDING = frozenset({JobState.RUNNING, JobState.SUSPENDED})


def gpus_held(
    partition: str,
    members: Mapping[str, frozenset[str]],
    population: Iterable[PartitionCount] | None,
) -> Mapping[str, int] | None:
    """Give the GPUs that running jobs hold of a partition, those without a type under "".

    Args:
        partition: Empty for the whole cluster.
        members: Every partition's nodes by name.
        population: Everybody's jobs; None when they are not known.

    Returns:
        None when it cannot be told.
    """
    if population is None:
        return None
    own = members.get(partition, frozenset())
    inside = {name for name, nodes in members.items() if nodes & own}
    if not all(members[name] <= own for name in inside):
        return None
    held: Counter[str] = Counter()
    for one in population:
        if one.state in _HOLDING and (one.partition in inside or not partition):
            held.update(one.gpus_by_type)
            held[""] += one.gpus - sum(one.gpus_by_type.values())
    return held


def spread(tallies: Sequence[GpuTally], held: Mapping[str, int]) -> tuple[GpuTally, ...]:
    """Take what jobs hold from GPUs of which only the part is known, the free ones first.

    Args:
        tallies: As if nobody held anything; one per type.
        held: By type; what names no type is under "".

    Returns:
        One tally per type; a single one without a type where the jobs' types do not tell.
    """
    types = {tally.gpu_type for tally in tallies}
    if len(tallies) == 1:
        return (_without(tallies[0], sum(held.values())),)
    if held.get("", 0) and "" not in types:
        joined = GpuTally(gpu_type="", total=0, allocated=0, free=0)
        for tally in tallies:
            joined = plus(joined, replace(tally, gpu_type=""))
        return (_without(joined, sum(held.values())),)
    spelt = {kind.lower(): count for kind, count in held.items()}
    return tuple(_without(tally, spelt.get(tally.gpu_type.lower(), 0)) for tally in tallies)


def _without(tally: GpuTally, held: int) -> GpuTally:
    allocated = min(held, tally.total)
    parts = {"free": 0, "blocked": 0, "planned": 0, "reserved": 0, "offline": 0}
    missing = allocated
    for name in parts:
        taken = min(missing, getattr(tally, name))
        parts[name] = getattr(tally, name) - taken
        missing -= taken
    return GpuTally(gpu_type=tally.gpu_type, total=tally.total, allocated=allocated, **parts)


def plus(one: GpuTally, other: GpuTally, *, times: int = 1) -> GpuTally:
    """Add one tally and so many times another one of the same type."""
    return GpuTally(
        gpu_type=one.gpu_type,
        total=one.total + times * other.total,
        allocated=one.allocated + times * other.allocated,
        free=one.free + times * other.free,
        offline=one.offline + times * other.offline,
        reserved=one.reserved + times * other.reserved,
        planned=one.planned + times * other.planned,
        blocked=one.blocked + times * other.blocked,
    )
