"""From nodes, partitions and reservations to one fact per partition and one for the cluster; pure.

The facts of a partition answer "may somebody who submits there have it now?": in a partition that
starts no jobs nothing is free. The cluster's own fact counts every node once, and as free where any
partition would start a job on it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.collector.surveys.held_by_jobs import gpus_held, plus, spread
from services.collector.surveys.holds import Ahead, Party, ahead_of, holds_now
from services.collector.surveys.node_share import NodeShare, Part, share_of
from slurmfleet.contracts.capacity import GpuDemand, GpuTally, PartitionSampled
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.slurm.node_gpus import GpuSource
from slurmfleet.slurm.nodes import Node
from slurmfleet.slurm.partitions import Partition
from slurmfleet.slurm.reservations import Reservation

SOURCE = "scontrol"

_RUNGS = tuple(GpuSource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one asking showed, and what the looks know."""

    nodes: Sequence[Node]
    partitions: Sequence[Partition] | None
    """None when they could not be read: then the cluster's own fact alone is told."""

    reservations: Sequence[Reservation]
    """Without them, every node that is flagged as reserved is somebody else's."""

    population: Sequence[PartitionCount] | None
    demand: Mapping[str, tuple[GpuDemand, ...]] | None
    """By partition, "" for the cluster; None when the queue was not read."""


def sample_capacity(
    cluster: ClusterName, seen: Seen, *, party: Party, now: datetime, observed_at: datetime
) -> tuple[PartitionSampled, ...]:
    """Give the cluster's fact and each partition's, in the order of their names.

    Args:
        cluster: Whose facts they are.
        seen: What is known.
        party: Who we are to reservations.
        now: The cluster's own time, by which reservations begin and end.
        observed_at: When the answer was there.
    """
    holds = holds_now(seen.reservations, party, now)
    ahead = ahead_of(seen.reservations, party, now)
    shares = {
        node.name: share_of(node, holds.get(node.name), user=party.user) for node in seen.nodes
    }
    partitions = tuple(sorted(seen.partitions or (), key=lambda one: one.name))
    members = _members(partitions, seen.nodes)
    served = frozenset(name for one in partitions if one.starts_jobs for name in members[one.name])
    whole = PartitionSampled(
        cluster=cluster, observed_at=observed_at, source=SOURCE, partition="", state="UP"
    )
    facts = [
        _counted(whole, shares, frozenset(shares), served if partitions else None, ahead),
        *(
            _counted(
                _ruled(whole, one),
                shares,
                members[one.name],
                members[one.name] if one.starts_jobs else frozenset(),
                ahead,
            )
            for one in partitions
        ),
    ]
    return tuple(_with_jobs(fact, members, seen) for fact in facts)


def _members(
    partitions: Sequence[Partition], nodes: Sequence[Node]
) -> Mapping[str, frozenset[str]]:
    """Give each partition's nodes, by its own list; by the nodes' word where it tells none."""
    known = {node.name for node in nodes}
    said: dict[str, set[str]] = {}
    if any(one.nodes is None for one in partitions):
        for node in nodes:
            for name in node.partitions:
                said.setdefault(name, set()).add(node.name)
    return {
        one.name: frozenset(
            known.intersection(one.nodes) if one.nodes is not None else said.get(one.name, known)
        )
        for one in partitions
    }


def _ruled(whole: PartitionSampled, partition: Partition) -> PartitionSampled:
    """Give a partition's fact with its rules, still without its nodes."""
    return replace(
        whole,
        partition=partition.name,
        state=partition.state,
        is_default=partition.is_default,
        is_hidden=partition.is_hidden,
        root_only=partition.root_only,
        requires_reservation=partition.requires_reservation,
        max_time_s=partition.max_time_s,
        default_time_s=partition.default_time_s,
        grace_time_s=partition.grace_time_s,
        min_nodes=partition.min_nodes,
        max_nodes=partition.max_nodes,
        max_cpus_per_node=partition.max_cpus_per_node,
        priority_tier=partition.priority_tier,
        priority_job_factor=partition.priority_job_factor,
        preempt_mode=partition.preempt_mode,
        over_subscribe=partition.over_subscribe,
        qos=partition.qos,
        allow_accounts=partition.allow_accounts,
        deny_accounts=partition.deny_accounts,
        allow_groups=partition.allow_groups,
        allow_qos=partition.allow_qos,
        deny_qos=partition.deny_qos,
    )


def _counted(
    fact: PartitionSampled,
    shares: Mapping[str, NodeShare],
    names: frozenset[str],
    served: frozenset[str] | None,
    ahead: Iterable[Ahead],
) -> PartitionSampled:
    """Count a partition's nodes.

    Args:
        fact: To be completed.
        shares: Every node's.
        names: The partition's nodes.
        served: Of them, those on which a job may be started; None when that is not known: all.
        ahead: Reservations to come.
    """
    chosen = [(name, shares[name]) for name in names]
    free = [share for name, share in chosen if served is None or name in served]
    free_gpus = Counter(sum(tally.free for tally in share.gpus) for share in free)
    free_gpus.pop(0, None)
    sources = {share.gpu_source for _, share in chosen if share.gpus}
    source = max(sources, key=_RUNGS.index, default=None)
    next_one = next((one for one in ahead if one.nodes & names), None)
    return replace(
        fact,
        gpu_source="" if source is None else str(source),
        nodes_total=len(chosen),
        nodes_by_state=dict(sorted(Counter(share.state for _, share in chosen).items())),
        cpus_total=sum(share.cpus for _, share in chosen),
        cpus_allocated=sum(share.cpus_allocated for _, share in chosen),
        cpus_free=sum(share.cpus_free for share in free),
        memory_total_mib=sum(share.memory_mib for _, share in chosen),
        memory_free_mib=sum(share.memory_free_mib for share in free),
        gpus=_tallies(chosen, served, joined=source is GpuSource.UNKNOWN),
        nodes_by_free_gpus=dict(sorted(free_gpus.items())),
        next_reservation_at=next_one.starts_at if next_one is not None else None,
        next_reservation_nodes=len(next_one.nodes & names) if next_one is not None else 0,
    )


def _tallies(
    chosen: Iterable[tuple[str, NodeShare]], served: frozenset[str] | None, *, joined: bool
) -> tuple[GpuTally, ...]:
    """Add up the GPUs by type.

    Args:
        chosen: The nodes.
        served: Those on which a job may be started; None for all.
        joined: Whether some nodes do not tell what is held: then all is counted as if nothing was,
            for `held_by_jobs.spread` to take it off.
    """
    # Thousands of nodes show a few dozen different tallies.
    alike = Counter(
        (tally, share.part, served is None or name in served)
        for name, share in chosen
        for tally in share.gpus
    )
    sums: dict[str, GpuTally] = {}
    for (tally, part, starts), nodes in alike.items():
        one = _as_if_not_held(tally, part) if joined else tally
        if not starts:
            one = replace(one, free=0, offline=one.offline + one.free)
        kind = one.gpu_type
        none = GpuTally(gpu_type=kind, total=0, allocated=0, free=0)
        sums[kind] = plus(sums.get(kind, none), one, times=nodes)
    return tuple(sums[kind] for kind in sorted(sums))


def _as_if_not_held(tally: GpuTally, part: Part) -> GpuTally:
    parts = {"free": 0} | {str(part): tally.total}
    return GpuTally(gpu_type=tally.gpu_type, total=tally.total, allocated=0, **parts)


def _with_jobs(
    fact: PartitionSampled, members: Mapping[str, frozenset[str]], seen: Seen
) -> PartitionSampled:
    """Add what waiting jobs ask for, and what running ones hold where nodes do not tell."""
    if seen.demand is not None:
        fact = replace(fact, demand_is_known=True, demand=seen.demand.get(fact.partition, ()))
    if fact.gpu_source != GpuSource.UNKNOWN:
        return fact
    held = gpus_held(fact.partition, members, seen.population)
    if held is None:
        return replace(fact, gpus=(), nodes_by_free_gpus={})
    return replace(
        fact,
        gpu_source=str(GpuSource.JOB_TRES),
        gpus=spread(fact.gpus, held),
        nodes_by_free_gpus={},
    )
