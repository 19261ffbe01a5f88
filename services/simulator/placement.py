"""Which nodes a job gets, and when it could start if it gets none now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.simulator.model import Job, NodeSpec, Shape

NEVER = 1 << 60
"""Later than any moment: the limit of a job without limit."""


@dataclass(slots=True, kw_only=True)
class Node:
    """One node and what is free on it."""

    spec: NodeSpec
    free_cpus: int
    free_memory_mib: int
    free_gpus: int
    status: str = ""
    """Empty, DRAIN or DOWN."""

    note: str = ""
    """Why an administrator took it out."""

    noted_at: int = 0
    is_planned: bool = False
    """Whether the last pass of the scheduler kept it for a waiting job."""

    boot_fails_for_s: int = 0
    """Not 0: it will not boot for its next job, and then be down for so long."""

    jobs: dict[int, Job] = field(default_factory=dict[int, Job])

    @classmethod
    def of(cls, spec: NodeSpec) -> "Node":
        """Give an idle node."""
        return cls(
            spec=spec,
            free_cpus=spec.cpus,
            free_memory_mib=spec.memory_mib,
            free_gpus=spec.gpus,
        )

    def could_hold(self, shape: Shape) -> bool:
        """Whether the empty node is large enough."""
        return (
            self.spec.cpus >= shape.cpus
            and self.spec.memory_mib >= shape.memory_mib
            and self.spec.gpus >= shape.gpus
            and (not shape.gpu_type or shape.gpu_type == self.spec.gpu_type)
        )

    def has_room(self, shape: Shape) -> bool:
        """Whether what is free now is enough."""
        return (
            not self.status
            and self.free_cpus >= shape.cpus
            and self.free_memory_mib >= shape.memory_mib
            and self.free_gpus >= shape.gpus
            and (not shape.gpu_type or shape.gpu_type == self.spec.gpu_type)
        )

    def take(self, job: Job) -> None:
        """Give a job its share."""
        shape = job.request.shape
        self.free_cpus -= shape.cpus
        self.free_memory_mib -= shape.memory_mib
        self.free_gpus -= shape.gpus
        self.jobs[job.raw_id] = job

    def give_back(self, job: Job) -> None:
        """Take the share of a job back."""
        shape = job.request.shape
        self.free_cpus += shape.cpus
        self.free_memory_mib += shape.memory_mib
        self.free_gpus += shape.gpus
        del self.jobs[job.raw_id]


def find_room(
    nodes: Iterable[Node],
    shape: Shape,
    *,
    until: int,
    reserved: Mapping[str, int],
) -> tuple[str, ...]:
    """Give the nodes for a job, or nothing when it must wait.

    The fullest node that fits comes first, so that whole nodes stay free for large jobs.

    Args:
        nodes: Candidates.
        shape: What the job asks for.
        until: When the job would end at the latest.
        reserved: From when on a node is promised to a job of higher priority.
    """
    fitting = [
        node
        for node in nodes
        if node.has_room(shape) and reserved.get(node.spec.name, NEVER) >= until
    ]
    if len(fitting) < shape.nodes:
        return ()
    fitting.sort(key=lambda node: (node.free_gpus, node.free_cpus, node.spec.name))
    return tuple(sorted(node.spec.name for node in fitting[: shape.nodes]))


def earliest_start(
    nodes: Iterable[Node], shape: Shape, *, now: int
) -> tuple[int, tuple[str, ...]] | None:
    """Give when and where a waiting job could start if every job used its whole limit.

    None when no set of nodes that are up will ever hold it.
    """
    times = sorted(
        (_free_at(node, shape, now=now), node.spec.name)
        for node in nodes
        if not node.status and node.could_hold(shape)
    )
    if len(times) < shape.nodes:
        return None
    chosen = times[: shape.nodes]
    return chosen[-1][0], tuple(sorted(name for _, name in chosen))


def victims(nodes: Sequence[Node], shape: Shape, may_preempt: frozenset[str]) -> list[Job]:
    """Give the jobs that must go so that a job of higher standing fits; empty when none helps."""
    chosen: dict[int, Job] = {}
    ready = 0
    for node in nodes:
        if node.status or not node.could_hold(shape):
            continue
        gone = _to_clear(node, shape, may_preempt)
        if gone is not None:
            ready += 1
            chosen.update((job.raw_id, job) for job in gone)
        if ready == shape.nodes:
            return list(chosen.values())
    return []


def _free_at(node: Node, shape: Shape, *, now: int) -> int:
    free = [node.free_cpus, node.free_memory_mib, node.free_gpus]
    needed = (shape.cpus, shape.memory_mib, shape.gpus)
    if all(have >= need for have, need in zip(free, needed, strict=True)):
        return now
    for job in sorted(node.jobs.values(), key=lambda job: (latest_end(job), job.raw_id)):
        share = job.request.shape
        free[0] += share.cpus
        free[1] += share.memory_mib
        free[2] += share.gpus
        if all(have >= need for have, need in zip(free, needed, strict=True)):
            return max(now, latest_end(job))
    return NEVER


def latest_end(job: Job) -> int:
    """Give when a started job's time limit ends it, or when its nodes will be clear."""
    if job.clearing_until is not None:
        return job.clearing_until
    return NEVER if job.limit_at is None else job.limit_at


def _to_clear(node: Node, shape: Shape, may_preempt: frozenset[str]) -> list[Job] | None:
    cpus, memory_mib, gpus = node.free_cpus, node.free_memory_mib, node.free_gpus
    for job in node.jobs.values():
        if job.is_completing:
            cpus += job.request.shape.cpus
            memory_mib += job.request.shape.memory_mib
            gpus += job.request.shape.gpus
    gone: list[Job] = []
    candidates = [
        job
        for job in node.jobs.values()
        if job.request.qos in may_preempt and not job.is_completing
    ]
    candidates.sort(key=lambda job: -(job.started_at or 0))
    while cpus < shape.cpus or memory_mib < shape.memory_mib or gpus < shape.gpus:
        if not candidates:
            return None
        job = candidates.pop(0)
        gone.append(job)
        cpus += job.request.shape.cpus
        memory_mib += job.request.shape.memory_mib
        gpus += job.request.shape.gpus
    return gone
