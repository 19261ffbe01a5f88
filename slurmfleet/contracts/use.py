"""What running jobs do with their GPUs, CPUs and memory."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.nouns import Noun, instant
from slurmfleet.contracts.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSampled(Sample):
    """One GPU of one job, or the mean over several where the source does not tell them apart."""

    noun: ClassVar[Noun] = Noun.GPU

    job_id: JobId
    submitted_at: datetime
    node: str = ""
    """Empty: all nodes of the job together."""

    gpu_uuid: str = ""
    """As the driver names it; of a MIG slice the slice's own, or the GPU's with `/` and the number
    of the GPU instance where the source tells only these. Empty where it has none."""

    gpu_index: int | None = None
    mig_profile: str = ""
    """As `1g.10gb`; empty for a whole GPU."""

    model: str = ""
    gpu_count: int = 1
    """How many GPUs the values are a mean of."""

    span_s: float | None = None
    """Over how long the values are a mean; None: a moment's."""

    utilization_pct: float | None = None
    """0 to 100: part of the time in which any kernel was resident. Low proves waste, high
    proves nothing."""

    memory_used_mib: int | None = None
    memory_total_mib: int | None = None
    power_w: float | None = None
    temperature_c: float | None = None

    def _identity(self) -> tuple[str, ...]:
        index = "" if self.gpu_index is None else str(self.gpu_index)
        return self.job_id, instant(self.submitted_at), self.node, self.gpu_uuid, index


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSampled(Sample):
    """CPU and memory use of one job, on one node or on all."""

    noun: ClassVar[Noun] = Noun.LOAD

    job_id: JobId
    submitted_at: datetime
    node: str = ""
    """Empty: all nodes of the job together."""

    span_s: float | None = None
    cpu_count: int | None = None
    """Allocated there."""

    cpu_utilization_pct: float | None = None
    """0 to 100, of all allocated CPUs; more where a site does not confine jobs to theirs."""

    cpu_time_s: float | None = None
    """Used since the job began."""

    memory_used_mib: int | None = None
    memory_peak_mib: int | None = None
    memory_limit_mib: int | None = None
    disk_read_mib: float | None = None
    """Since the job began."""

    disk_written_mib: float | None = None

    def _identity(self) -> tuple[str, ...]:
        return self.job_id, instant(self.submitted_at), self.node


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingMissed(Sample):
    """For a while a running job could not be sampled: a gap is a fault of ours, not idleness."""

    noun: ClassVar[Noun] = Noun.GPU
    verb: ClassVar[str] = "missed"

    job_id: JobId
    submitted_at: datetime
    node: str = ""
    since_at: datetime
    """The last good sample, or the job's start."""

    reason: str

    def _identity(self) -> tuple[str, ...]:
        return self.job_id, instant(self.submitted_at), self.node
