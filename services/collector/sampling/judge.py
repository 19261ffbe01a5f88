"""What numbers a machine can have; the others are left out and counted by what they were. Pure.

Exporters and drivers are known to tell what cannot be: 0xFFFFFFFF or 9223372036854775794 for "I do
not know", a utilization of 4000 %, NaN. A value that is left out is None, never a zero.

Source: dcgm_fields.h (DCGM_INT64_BLANK, DCGM_FP64_BLANK and the three after each); nvml.h
(NVML_VALUE_NOT_AVAILABLE is -1); values seen by clients of exporters, lebrice/slurm_mcp.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import isfinite

from slurmfleet.gpu.readings import GpuReading, LoadReading

MAX_POWER_W = 5_000.0
MIN_TEMPERATURE_C = -20.0
MAX_TEMPERATURE_C = 150.0
MAX_GPU_MEMORY_MIB = 2.0**21
"""2 TiB."""

MAX_MEMORY_MIB = 2.0**31
MAX_CPU_TIME_S = 1e12
MAX_CORES = 2.0**20
_BLANKS_FROM = 2.0**31 - 16
_UTILIZATION_SLACK_PCT = 0.5
"""Means over a sampling window may come out a little above 100."""


class Absurdity(StrEnum):
    """Why a value was left out."""

    BLANK = "blank"
    """A number that stands for "not known", or none at all."""
    UTILIZATION = "utilization"
    GPU_MEMORY = "gpu_memory"
    """Less than 0, or more than there is."""
    POWER = "power"
    TEMPERATURE = "temperature"
    MEMORY = "memory"
    CPU_TIME = "cpu_time"
    BACKWARDS = "backwards"
    """It is older than what was told before, or a sum became smaller."""
    FUTURE = "future"
    """Its moment has not come yet."""
    BEFORE_START = "before_start"
    """It is from before the job's present run."""
    NOT_OURS = "not_ours"
    """A GPU or series that is not the job's, or cannot be told from another's."""


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges readings; counts what it leaves out."""

    rejected: Counter[str] = field(default_factory=Counter[str])

    def gpu(self, reading: GpuReading) -> GpuReading:
        """Give a reading with nothing in it that cannot be."""
        used = self._within(reading.memory_used_mib, MAX_GPU_MEMORY_MIB, Absurdity.GPU_MEMORY)
        total = self._within(reading.memory_total_mib, MAX_GPU_MEMORY_MIB, Absurdity.GPU_MEMORY)
        total = total or None
        if used is not None and total is not None and used > total:
            self.rejected[Absurdity.GPU_MEMORY] += 1
            used = None
        return replace(
            reading,
            utilization_pct=self.utilization(reading.utilization_pct),
            memory_used_mib=used,
            memory_total_mib=total,
            power_w=self._within(reading.power_w, MAX_POWER_W, Absurdity.POWER),
            temperature_c=self._within(
                reading.temperature_c,
                MAX_TEMPERATURE_C,
                Absurdity.TEMPERATURE,
                lowest=MIN_TEMPERATURE_C,
            ),
        )

    def load(self, reading: LoadReading) -> LoadReading:
        """Give a reading with nothing in it that cannot be."""
        return LoadReading(
            cpu_time_s=self._within(reading.cpu_time_s, MAX_CPU_TIME_S, Absurdity.CPU_TIME),
            memory_used_mib=self._within(reading.memory_used_mib, MAX_MEMORY_MIB, Absurdity.MEMORY),
            memory_peak_mib=self._within(reading.memory_peak_mib, MAX_MEMORY_MIB, Absurdity.MEMORY),
            # No limit is often told as the largest number there is: that is no absurdity.
            memory_limit_mib=_limit(reading.memory_limit_mib),
        )

    def utilization(self, value: float | None) -> float | None:
        """Give a GPU's share in percent, or None."""
        highest = 100.0 + _UTILIZATION_SLACK_PCT
        judged = self._within(value, highest, Absurdity.UTILIZATION)
        return None if judged is None else min(judged, 100.0)

    def cores(self, value: float | None) -> float | None:
        """Give how many CPUs were busy; more than allocated is real where nobody confines jobs."""
        return self._within(value, MAX_CORES, Absurdity.UTILIZATION)

    def _within(
        self, value: float | None, highest: float, kind: Absurdity, *, lowest: float = 0.0
    ) -> float | None:
        if value is None:
            return None
        if not isfinite(value) or (value >= _BLANKS_FROM and highest < _BLANKS_FROM):
            self.rejected[Absurdity.BLANK] += 1
            return None
        if not lowest <= value <= highest:
            self.rejected[kind] += 1
            return None
        return value


def _limit(value: float | None) -> float | None:
    return value if value is not None and 0 < value < MAX_MEMORY_MIB else None
