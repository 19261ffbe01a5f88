"""sinfo: the state of partitions and nodes.

Source: sinfo(1); samples of Slurm 24.11.
"""

from collections.abc import Callable
from dataclasses import dataclass

from services.simulator.calls import Answer, Call, grammar, read_options
from services.simulator.cluster import Cluster
from services.simulator.columns import Field, lettered, lettered_columns, named_columns, render
from services.simulator.model import Partition
from services.simulator.node_view import gres_used, node_state
from services.simulator.placement import Node
from services.simulator.text import moment, node_list, short_duration

GRAMMAR = grammar(
    flags="h,noheader N,Node a,all V,version l,long R,list-reasons e,exact",
    valued="o,format O,Format p,partition n,nodes t,states",
)
STANDARD = "%9P %.5a %.10l %.6D %.6t %N"
REASONS = "%20E %9u %19H %N"
SHORT_STATES = {
    "allocated": "alloc",
    "completing": "comp",
    "draining": "drng",
    "drained": "drain",
    "mixed": "mix",
    "mixed-": "mix-",
    "mixed$": "mix$",
    "planned": "plnd",
    "reserved": "resv",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Nodes of one partition that are printed together."""

    partition: Partition
    nodes: tuple[Node, ...]
    state: str
    """In sinfo's long form: `mixed`, `draining`."""

    complete: str
    """The first node's, with all its flags: `mixed+planned`."""


def sinfo(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of sinfo."""
    options = read_options("sinfo", call.argv, GRAMMAR)
    if "version" in options.flags:
        return Answer(stdout=f"slurm-wlm {cluster.spec.version}\n")
    reasons = "list-reasons" in options.flags
    rows = _rows(cluster, one_node="Node" in options.flags or reasons)
    wanted = [name for name in options.values.get("partition", "").split(",") if name]
    rows = [row for row in rows if not wanted or row.partition.name in wanted]
    if reasons:
        seen = {row.nodes[0].spec.name: row for row in rows if row.nodes[0].status}
        rows = list(seen.values())
    complaints = ""
    if "Format" in options.values:
        columns, complaints = named_columns(options.values["Format"], FIELDS, program="sinfo")
    else:
        pattern = options.values.get("format", REASONS if reasons else STANDARD)
        columns = lettered_columns(pattern, LETTERS)
    text = render(columns, rows, header="noheader" not in options.flags)
    return Answer(stdout=text, stderr=complaints)


def long_state(complete: str) -> str:
    """Give a node's state as `sinfo -l` writes it, from the words with all flags.

    Source: src/common/slurm_protocol_defs.c, node_state_string (24.11).
    """
    base, *flags = complete.split("+")
    if "drain" in flags:
        return "drained" if base == "idle" and "completing" not in flags else "draining"
    if "maintenance" in flags:
        return "maint" if base == "idle" else f"{base}$"
    if "completing" in flags:
        return "completing"
    if base == "idle":
        return next((word for word in ("reserved", "planned") if word in flags), base)
    return f"{base}-" if "planned" in flags else base


def _rows(cluster: Cluster, *, one_node: bool) -> list[Row]:
    rows: list[Row] = []
    states = {name: node_state(cluster, node).lower() for name, node in cluster.nodes.items()}
    for partition in cluster.spec.partitions:
        groups: dict[str, list[Node]] = {}
        for name in partition.nodes:
            group = name if one_node else long_state(states[name])
            groups.setdefault(group, []).append(cluster.nodes[name])
        rows.extend(
            Row(
                partition=partition,
                nodes=tuple(nodes),
                state=long_state(states[nodes[0].spec.name]),
                complete=states[nodes[0].spec.name],
            )
            for nodes in groups.values()
        )
    return rows


def _cpus(row: Row) -> str:
    total = sum(node.spec.cpus for node in row.nodes)
    used = total - sum(node.free_cpus for node in row.nodes)
    other = sum(node.free_cpus for node in row.nodes if node.status)
    return f"{used}/{total - used - other}/{other}/{total}"


def _gres(row: Row) -> str:
    spec = row.nodes[0].spec
    return f"gpu:{spec.gpu_type}:{spec.gpus}" if spec.gpus else "(null)"


def _gres_used(row: Row) -> str:
    node = row.nodes[0]
    return gres_used(node) if node.spec.gpus else "(null)"


def _compact(row: Row) -> str:
    return SHORT_STATES.get(row.state, row.state)


def _noted(row: Row) -> str:
    at = row.nodes[0].noted_at
    return moment(at or None, time_format="", missing="Unknown")


def _load(row: Row) -> str:
    node = row.nodes[0]
    return f"{(node.spec.cpus - node.free_cpus) * 0.9:.2f}"


def _field(header: str, value: Callable[[Row], str]) -> Field[Row]:
    return Field(header=header, value=value)


FIELDS = {
    "allocmem": _field(
        "ALLOCMEM",
        lambda row: str(row.nodes[0].spec.memory_mib - row.nodes[0].free_memory_mib),
    ),
    "available": _field("AVAIL", lambda _: "up"),
    "cpusload": _field("CPU_LOAD", _load),
    "cpusstate": _field("CPUS(A/I/O/T)", _cpus),
    "cpus": _field("CPUS", lambda row: str(row.nodes[0].spec.cpus)),
    "features": _field("AVAIL_FEATURES", lambda row: row.nodes[0].spec.gpu_type or "cpu"),
    "freemem": _field("FREE_MEM", lambda row: str(row.nodes[0].free_memory_mib)),
    "gres": _field("GRES", _gres),
    "gresused": _field("GRES_USED", _gres_used),
    "memory": _field("MEMORY", lambda row: str(row.nodes[0].spec.memory_mib)),
    "nodelist": _field("NODELIST", lambda row: node_list(n.spec.name for n in row.nodes)),
    "nodes": _field("NODES", lambda row: str(len(row.nodes))),
    "partition": _field(
        "PARTITION", lambda row: row.partition.name + "*" * row.partition.is_default
    ),
    "partitionname": _field("PARTITION", lambda row: row.partition.name),
    "reason": _field("REASON", lambda row: row.nodes[0].note or "none"),
    "statecompact": _field("STATE", _compact),
    "statecomplete": _field("STATECOMPLETE", lambda row: row.complete),
    "statelong": _field("STATE", lambda row: row.state),
    "time": _field(
        "TIMELIMIT",
        lambda row: (
            "infinite"
            if row.partition.max_time_s is None
            else short_duration(row.partition.max_time_s)
        ),
    ),
    "timestamp": _field("TIMESTAMP", _noted),
    "user": _field("USER", lambda row: "root" if row.nodes[0].note else "Unknown"),
}
"""What -O can print, by lower-case name."""

LETTERS = lettered(
    "N=nodelist P=partition R=partitionname t=statecompact T=statelong C=cpusstate c=cpus "
    "m=memory e=freemem O=cpusload G=gres f=features E=reason H=timestamp u=user l=time "
    "a=available D=nodes",
    FIELDS,
)
"""What -o can print."""
