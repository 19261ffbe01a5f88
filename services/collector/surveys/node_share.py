"""What one node adds to the counts of a partition: each of its GPUs in exactly one part; pure."""

from dataclasses import dataclass
from enum import StrEnum

from services.collector.surveys.holds import Hold
from slurmfleet.contracts.capacity import GpuTally
from slurmfleet.slurm.node_gpus import GpuSource
from slurmfleet.slurm.node_states import Bar
from slurmfleet.slurm.nodes import Node


class Part(StrEnum):
    """Where the unallocated GPUs of a node are counted; the names are those of `GpuTally`."""

    FREE = "free"
    OFFLINE = "offline"
    RESERVED = "reserved"
    PLANNED = "planned"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShare:
    """One node, counted."""

    state: str
    """Its word in `PartitionSampled.nodes_by_state`."""

    part: Part
    gpu_source: GpuSource
    gpus: tuple[GpuTally, ...]
    """One per type; of GPUs of which nobody knows whether they are held, only the total."""

    cpus: int
    cpus_allocated: int
    cpus_free: int
    memory_mib: int
    memory_free_mib: int


_PARTS = {
    Bar.NONE: Part.FREE,
    Bar.PLANNED: Part.PLANNED,
    Bar.RESERVED: Part.RESERVED,
    Bar.TAKEN: Part.BLOCKED,
    Bar.POWER: Part.OFFLINE,
    Bar.DRAIN: Part.OFFLINE,
    Bar.UNKNOWN: Part.OFFLINE,
    Bar.DOWN: Part.OFFLINE,
}
_STATES = {
    Bar.PLANNED: "planned",
    Bar.RESERVED: "reserved",
    Bar.TAKEN: "other",
    Bar.POWER: "powered_down",
    Bar.UNKNOWN: "other",
    Bar.DOWN: "down",
}


def share_of(node: Node, hold: Hold | None, *, user: str) -> NodeShare:
    """Count one node.

    Args:
        node: As Slurm showed it.
        hold: Its active reservations; None when none is known.
        user: Us: a node that another user has alone is out of reach.
    """
    bar = _bar(node, hold)
    part = _PARTS[bar]
    if part is Part.FREE and (node.is_full or node.owner not in ("", user)):
        part = Part.BLOCKED
    has_room = part is Part.FREE
    kept_cpus = hold.cpus if hold is not None else 0
    cpus_free = max(node.cpus - node.cpus_allocated - kept_cpus, 0)
    memory_free_mib = max(node.memory_mib - node.memory_allocated_mib, 0)
    return NodeShare(
        state=_state(node, bar),
        part=part,
        gpu_source=node.gpus.source,
        gpus=_gpus(node, part, hold),
        cpus=node.cpus,
        cpus_allocated=node.cpus_allocated,
        cpus_free=cpus_free if has_room else 0,
        memory_mib=node.memory_mib,
        memory_free_mib=memory_free_mib if has_room else 0,
    )


def _bar(node: Node, hold: Hold | None) -> Bar:
    """Give what keeps us off the node, its reservations considered.

    A flag RESERVED of which no reservation is known is somebody else's. A reservation of cores
    sets no flag: where it may leave no CPU, the node is reserved all the same.
    """
    bar = node.state.bar
    if bar is Bar.RESERVED and hold is not None and hold.is_ours:
        return Bar.PLANNED if "PLANNED" in node.state.words else Bar.NONE
    kept_cpus = hold.cpus if hold is not None else 0
    if bar < Bar.RESERVED and kept_cpus and node.cpus <= node.cpus_allocated + kept_cpus:
        return Bar.RESERVED
    return bar


def _state(node: Node, bar: Bar) -> str:
    if bar is Bar.NONE:
        return str(node.state.base)
    if bar is Bar.DRAIN:
        return "draining" if node.state.is_busy else "drained"
    return _STATES[bar]


def _gpus(node: Node, part: Part, hold: Hold | None) -> tuple[GpuTally, ...]:
    used = node.gpus.used
    if used is None:
        return tuple(
            GpuTally(gpu_type=kind, total=total, allocated=0, free=0)
            for kind, total in node.gpus.total.items()
        )
    left = {kind: total - used[kind] for kind, total in node.gpus.total.items()}
    kept = _kept(left, hold) if part is Part.FREE and hold is not None else {}
    tallies: list[GpuTally] = []
    for kind, count in left.items():
        parts = {"free": 0, "reserved": kept.get(kind, 0)}
        parts[part] = parts.get(part, 0) + count - kept.get(kind, 0)
        tallies.append(
            GpuTally(gpu_type=kind, total=node.gpus.total[kind], allocated=used[kind], **parts)
        )
    return tuple(tallies)


def _kept(left: dict[str, int], hold: Hold) -> dict[str, int]:
    """Give how many of the unallocated GPUs a reservation of some of them may be.

    Jobs in the reservation may hold them already; that is not told, so none is promised.
    """
    kept = {kind: min(count, hold.gpus.get(kind, 0)) for kind, count in left.items()}
    of_any_type = hold.gpus.get("", 0) if "" not in left else 0
    for kind, count in left.items():
        more = min(count - kept[kind], of_any_type)
        kept[kind] += more
        of_any_type -= more
    return kept
