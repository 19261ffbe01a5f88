"""One GPU's and one node's numbers as a source gave them, before anybody judged them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReading:
    """One GPU or MIG slice at one moment; None where the source does not tell."""

    uuid: str = ""
    """As the driver names it; of a MIG slice its own, or the GPU's with `/` and the number of the
    GPU instance where the source names only these."""

    index: int | None = None
    """nvidia-smi's number, or the source's own: never used to tell GPUs of two sources apart."""

    model: str = ""
    mig_profile: str = ""
    """As `1g.10gb`; empty for a whole GPU."""

    utilization_pct: float | None = None
    memory_used_mib: float | None = None
    memory_total_mib: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None

    @property
    def tells(self) -> bool:
        """Whether there is any number in it."""
        return any(
            value is not None
            for value in (
                self.utilization_pct,
                self.memory_used_mib,
                self.power_w,
                self.temperature_c,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReading:
    """What a job has used of one node's CPUs and memory; None where the source does not tell."""

    cpu_time_s: float | None = None
    """Used since the job began there."""

    memory_used_mib: float | None = None
    """Resident, without the page cache."""

    memory_peak_mib: float | None = None
    memory_limit_mib: float | None = None

    @property
    def tells(self) -> bool:
        """Whether there is any number in it."""
        return self.cpu_time_s is not None or self.memory_used_mib is not None
