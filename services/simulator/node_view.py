"""Nodes and reservations as `scontrol show` writes them.

Source: scontrol(1); samples of Slurm 24.11; docs/slurm-output.md.
"""

from services.simulator.calls import Call
from services.simulator.cluster import Cluster
from services.simulator.placement import Node
from services.simulator.reservations import Reservation
from services.simulator.text import full_duration, memory, moment, node_list


def node_state(cluster: Cluster, node: Node) -> str:
    """Give a node's state as scontrol writes it: `MIXED`, `IDLE+DRAIN`, `IDLE+RESERVED`, `DOWN`."""
    used = node.spec.cpus - node.free_cpus
    base = "IDLE" if not node.jobs else "ALLOCATED" if used >= node.spec.cpus else "MIXED"
    is_planned = node.is_planned and not node.status and base != "ALLOCATED"
    if node.status == "DOWN":
        base = "DOWN"
    words = [base]
    if node.jobs and all(job.is_completing for job in node.jobs.values()):
        words = ["IDLE" if base != "DOWN" else base, "COMPLETING"]
    if node.status == "DRAIN":
        words.append("DRAIN")
    active = _active(cluster, node)
    if any("MAINT" in one.flags for one in active):
        words.append("MAINTENANCE")
    if active:
        words.append("RESERVED")
    elif is_planned:
        words.append("PLANNED")
    return "+".join(words)


def _active(cluster: Cluster, node: Node) -> list[Reservation]:
    return [
        one
        for one in cluster.reservations.values()
        if node.spec.name in one.nodes and one.is_active(cluster.now)
    ]


def gres_used(node: Node) -> str:
    """Give what is used of a node's GPUs, as `GresUsed=` writes it."""
    used = node.spec.gpus - node.free_gpus
    indices = "N/A" if not used else "0" if used == 1 else f"0-{used - 1}"
    return f"gpu:{node.spec.gpu_type}:{used}(IDX:{indices})"


def node_record(cluster: Cluster, call: Call, node: Node, *, details: bool) -> list[str]:
    """Give the lines of `scontrol show node`, with `-d` also what is used of its GPUs."""
    own, spec = node.spec, cluster.spec
    used_mib = own.memory_mib - node.free_memory_mib
    parts = ",".join(part.name for part in spec.partitions if own.name in part.nodes)
    gres = f"gpu:{own.gpu_type}:{own.gpus}" if own.gpus else "(null)"
    noted = moment(node.noted_at, time_format=call.time_format)
    used = [f"GresDrain=N/A GresUsed={gres_used(node)}"] if own.gpus else ["GresDrain=N/A"]
    active = _active(cluster, node)
    return [
        f"NodeName={own.name} Arch=x86_64 CoresPerSocket={own.cpus // 2} ",
        (
            f"CPUAlloc={own.cpus - node.free_cpus} CPUEfctv={own.cpus} CPUTot={own.cpus} "
            f"CPULoad={(own.cpus - node.free_cpus) * 0.9:.2f}"
        ),
        f"AvailableFeatures={own.gpu_type or 'cpu'}",
        f"ActiveFeatures={own.gpu_type or 'cpu'}",
        f"Gres={gres}",
        *(used if details else []),
        f"NodeAddr={own.name} NodeHostName={own.name} Version={spec.version}",
        "OS=Linux 6.1.0 #1 SMP PREEMPT_DYNAMIC ",
        (
            f"RealMemory={own.memory_mib} AllocMem={used_mib} FreeMem={node.free_memory_mib} "
            "Sockets=2 Boards=1"
        ),
        (
            f"State={node_state(cluster, node)} ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A "
            "MCS_label=N/A"
        ),
        f"Partitions={parts} ",
        f"CfgTRES={_tres(own.cpus, own.memory_mib, own.gpus, own.gpu_type, billing=True)}",
        "AllocTRES="
        + _tres(own.cpus - node.free_cpus, used_mib, own.gpus - node.free_gpus, own.gpu_type),
        *([f"Reason={node.note} [root@{noted}]"] * bool(node.note)),
        *([f"ReservationName={active[0].name}"] if active else []),
    ]


def _tres(cpus: int, memory_mib: int, gpus: int, kind: str, *, billing: bool = False) -> str:
    parts = {"cpu": cpus, "mem": memory(memory_mib)} if cpus else {}
    if billing:
        parts["billing"] = cpus
    if gpus:
        parts |= {"gres/gpu": gpus, f"gres/gpu:{kind}": gpus}
    return ",".join(f"{name}={count}" for name, count in parts.items())


def reservation_record(cluster: Cluster, call: Call, one: Reservation) -> list[str]:
    """Give the lines of `scontrol show reservation`."""
    cpus = sum(cluster.nodes[name].spec.cpus for name in one.nodes)
    starts, ends = (moment(at, time_format=call.time_format) for at in (one.starts_at, one.ends_at))
    return [
        (
            f"ReservationName={one.name} StartTime={starts} EndTime={ends} "
            f"Duration={full_duration(one.ends_at - one.starts_at)}"
        ),
        (
            f"Nodes={node_list(one.nodes)} NodeCnt={len(one.nodes)} CoreCnt={cpus} "
            f"Features=(null) PartitionName=(null) Flags={','.join(one.flags)}"
        ),
        f"TRES=cpu={cpus}",
        (
            f"Users={','.join(one.users) or '(null)'} Groups=(null) "
            f"Accounts={','.join(one.accounts) or '(null)'} Licenses=(null) "
            f"State={'ACTIVE' if one.is_active(cluster.now) else 'INACTIVE'} "
            "BurstBuffer=(null)"
        ),
        "MaxStartDelay=(null)",
    ]
