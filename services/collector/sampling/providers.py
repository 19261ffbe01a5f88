"""What a source of samples is, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.collector.desk import Desk
from services.collector.sampling.jobs import SampledJob
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.registry import SampleProvider
from slurmfleet.contracts.sections import SectionOutcome
from slurmfleet.gpu.readings import GpuReading, LoadReading
from slurmfleet.slurm.records import BadRow


class Need(StrEnum):
    """What a job is to be sampled for; either may come from another source."""

    GPU = "gpu"
    LOAD = "load"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSeen:
    """One reading of one GPU of a job, or of several together."""

    job_id: JobId
    node: str
    """Empty: all nodes together."""

    seen_at: datetime
    reading: GpuReading
    gpu_count: int = 1
    """How many GPUs the values are a mean of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSeen:
    """One reading of a job's CPUs and memory, on one node or on all together."""

    job_id: JobId
    node: str
    seen_at: datetime
    reading: LoadReading
    cpu_count: int
    """Allocated there; 0: not known."""

    parts: Mapping[str, float] = field(default_factory=dict[str, float])
    """CPU seconds by step, where the source tells of steps, which come and go; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """What one asking of one source gave."""

    source: str
    """For the facts: `sstat`, `sidecar`, `prometheus/dcgm`."""

    gpus: tuple[GpuSeen, ...] = ()
    loads: tuple[LoadSeen, ...] = ()
    resting: frozenset[JobId] = frozenset()
    """Jobs that it samples, but not at every asking: nothing new now is no gap."""

    nothing: Mapping[JobId, str] = field(default_factory=dict[JobId, str])
    """Why it shows nothing of a job, for people."""

    sections: tuple[SectionOutcome, ...] = ()
    bad_rows: tuple[BadRow, ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict[str, int])
    """What it left out itself: series of another job, GPUs of somebody else."""

    @property
    def failed(self) -> bool:
        """Whether it could not be asked: no evidence of anything."""
        return any(not section.ok for section in self.sections) and not (self.gpus or self.loads)

    @property
    def error(self) -> str:
        """Give the words of the first part that failed; empty when all is well."""
        return next((one.error for one in self.sections if not one.ok), "")


class Provider(Protocol):
    """One source of one cluster. What it remembers between two askings is its own business."""

    @property
    def name(self) -> SampleProvider:
        """Which rung of the ladder it is."""
        ...

    @property
    def sees(self) -> frozenset[Need]:
        """What it can tell at best."""
        ...

    @property
    def interval_s(self) -> float:
        """How often it samples a job at best."""
        ...

    async def sample(self, jobs: Sequence[SampledJob], desk: Desk) -> Sequence[ProviderAnswer]:
        """Ask about some jobs; several answers where it holds several kinds of series.

        Raises:
            SshError: The login node cannot be reached.
            IncompleteAnswerError: The login node ran nothing.
        """
        ...
