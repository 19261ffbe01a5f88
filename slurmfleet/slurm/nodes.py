"""Nodes as `scontrol -a -d -o show node` lists them.

Keys that are not read here are ignored, whatever version writes them.

Source: scontrol(1); recordings `nodes` of 22.05.8, 24.11.5 and 26.05.5; src/api/node_info.c,
slurm_sprint_node_table, of 20.11 (no CPUEfctv, marks in State) to 26.05.
"""

from dataclasses import dataclass, replace

from slurmfleet.slurm.assignments import Records, listed, needed_word, read_records, words_of
from slurmfleet.slurm.hostlist import expand_hostlist
from slurmfleet.slurm.node_gpus import NodeGpus, node_gpus
from slurmfleet.slurm.node_states import NodeState, parse_node_state
from slurmfleet.slurm.quantities import parse_count, parse_memory_mib

_NOBODY = frozenset({"", "N/A", "(null)"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node and what jobs hold of it."""

    name: str
    state: NodeState
    cpus: int
    """CPUs that jobs may have; cores that the site keeps for itself are left out."""

    cpus_allocated: int
    memory_mib: int
    """Memory that jobs may have."""

    memory_allocated_mib: int
    """0 at sites that do not share out memory."""

    gpus: NodeGpus
    partitions: tuple[str, ...]
    owner: str
    """The user who has the node alone (ExclusiveUser); mostly empty."""

    @property
    def is_full(self) -> bool:
        """Whether no CPU or no memory is left: then its free GPUs are out of reach."""
        no_cpu = self.cpus_allocated >= self.cpus
        return no_cpu or 0 < self.memory_mib <= self.memory_allocated_mib


def parse_nodes(text: str) -> Records[Node]:
    """Read the nodes; each name counts once, the first time it is listed."""
    records = read_records(text, "NodeName", _node)
    by_name: dict[str, Node] = {}
    for node in records.rows:
        alike = expand_hostlist(node.name) if "[" in node.name else (node.name,)
        for name in alike:
            by_name.setdefault(name, node if name == node.name else replace(node, name=name))
    return Records(rows=tuple(by_name.values()), bad=records.bad)


def _node(line: str) -> Node:
    words = words_of(line)
    name = needed_word(words, "NodeName", line)
    if "[" in name:
        expand_hostlist(name)  # a name that stands for several is refused here if it is malformed
    told = words.get
    owner = told("Owner", "")
    spared_mib = parse_memory_mib(told("MemSpecLimit", "")) or 0
    return Node(
        name=name,
        state=parse_node_state(needed_word(words, "State", line)),
        cpus=parse_count(told("CPUEfctv") or told("CPUTot", "")),
        cpus_allocated=parse_count(told("CPUAlloc", "")),
        memory_mib=max((parse_memory_mib(told("RealMemory", "")) or 0) - spared_mib, 0),
        memory_allocated_mib=parse_memory_mib(told("AllocMem", "")) or 0,
        gpus=node_gpus(
            told("Gres", ""), told("CfgTRES", ""), told("AllocTRES", ""), told("GresUsed")
        ),
        partitions=listed(told("Partitions", "")),
        owner="" if owner in _NOBODY else owner.partition("(")[0],
    )
