"""Partitions, their nodes and their free GPUs, as one moment showed them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from slurmfleet.contracts.nouns import Noun
from slurmfleet.contracts.sample import NOTHING, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuTally:
    """The GPUs of one type in a partition; every one is counted in exactly one of the parts."""

    gpu_type: str
    """Slurm's type name; empty where the site names no types."""

    total: int
    allocated: int
    free: int
    """A job that fits may have them now: on a node that is up, not reserved, not planned."""

    offline: int = 0
    """Unallocated, on nodes that are down, drained, draining, powered down or not responding."""

    reserved: int = 0
    """Unallocated, on nodes of an active reservation that we may not use."""

    planned: int = 0
    """Unallocated, on nodes that the backfill scheduler keeps for a job that is to start soon."""

    blocked: int = 0
    """Unallocated, on nodes whose CPUs or memory are all taken: nobody can have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuDemand:
    """What waiting jobs ask for, by the type that they name."""

    gpu_type: str
    """Empty: any type will do."""

    jobs: int
    """Jobs; the waiting part of an array counts all its tasks."""

    gpus: int
    eligible_jobs: int = 0
    """Of them, those that wait for room alone: not held, nor for another job, a time or a limit."""

    eligible_gpus: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSampled(Sample):
    """One partition: its rules, its nodes, what is free. Named "" it is the whole cluster."""

    noun: ClassVar[Noun] = Noun.PARTITION

    partition: str
    """Empty for the whole cluster: partitions overlap, so they must not be added up."""

    gpu_source: str = ""
    """What the held GPUs were read from: `alloc_tres`, `gres_used`, `job_tres`; empty: no GPUs.
    `unknown`: there are GPUs, but nothing tells how many are held, and `gpus` is empty."""

    state: str = "UP"
    """UP, DOWN, DRAIN or INACTIVE, in Slurm's words."""

    is_default: bool = False
    is_hidden: bool = False
    max_time_s: int | None = None
    """None: unlimited."""

    default_time_s: int | None = None
    grace_time_s: int | None = None
    """Between the warning and the end of a preempted job."""

    min_nodes: int = 0
    max_nodes: int | None = None
    max_cpus_per_node: int | None = None
    priority_tier: int = 0
    priority_job_factor: int = 0
    preempt_mode: str = ""
    over_subscribe: str = ""
    qos: str = ""
    """The partition's own QOS, whose limits count too."""

    allow_accounts: tuple[str, ...] = ()
    """Empty: all."""

    deny_accounts: tuple[str, ...] = ()
    allow_groups: tuple[str, ...] = ()
    allow_qos: tuple[str, ...] = ()
    deny_qos: tuple[str, ...] = ()
    requires_reservation: bool = False
    nodes_total: int = 0
    nodes_by_state: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Each node once, under what matters most to somebody who wants it: `idle`, `mixed`,
    `allocated`, `reserved`, `planned`, `draining`, `drained`, `down`, `powered_down`, `other`."""

    cpus_total: int = 0
    cpus_allocated: int = 0
    cpus_free: int = 0
    """On nodes that may be had, see `GpuTally.free`."""

    memory_total_mib: int = 0
    memory_free_mib: int = 0
    gpus: tuple[GpuTally, ...] = ()
    """One per type, sorted by name."""

    nodes_by_free_gpus: Mapping[int, int] = field(default_factory=dict[int, int])
    """How many nodes have so many free GPUs; nodes without any are left out."""

    demand: tuple[GpuDemand, ...] = ()
    """What waiting jobs of everybody ask for; a job that may go to several partitions counts in
    each of them, a job that names two types of GPU with each."""

    demand_is_known: bool = False
    """Whether the queue was read; if not, `demand` is empty and says nothing."""

    root_only: bool = False
    """Whether only root may submit."""

    next_reservation_at: datetime | None = None
    """When the next reservation begins that we may not use and that takes nodes of this partition:
    what would run longer waits until it is over."""

    next_reservation_nodes: int = 0
    """How many of the partition's nodes it takes."""

    def _identity(self) -> tuple[str, ...]:
        return (self.partition,)
