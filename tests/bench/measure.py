"""What a measurement gives, and how CPU time and memory of a process are read."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from statistics import median

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CPU_FIELDS = slice(11, 13)
"""utime and stime, counted behind the command's closing bracket: proc(5)."""


class Bound(StrEnum):
    """Which side of a budget is the good one."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What docs/performance.md allows or asks for."""

    bound: Bound
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured number."""

    group: str
    what: str
    unit: str
    value: float | None
    """None: it could not be measured here; `remark` says why."""

    budget: Budget | None = None
    """None: shown to explain another number, and judged by nobody."""

    repetitions: int = 1
    """How many values the median or the quantile was taken of."""

    detail: Mapping[str, float] = field(default_factory=dict[str, float])
    """Parts of the number or numbers beside it, by name with unit."""

    remark: str = ""
    """What is to be known of the number, in a sentence."""

    @property
    def ratio(self) -> float | None:
        """How much of the budget is used up; more than 1 is too much, whatever the bound."""
        if self.budget is None or self.value is None:
            return None
        if self.budget.bound is Bound.AT_MOST:
            return self.value / self.budget.value
        return self.budget.value / self.value if self.value else math.inf

    @property
    def met(self) -> bool | None:
        """Whether the budget is kept; None without one."""
        return None if self.ratio is None else self.ratio <= 1


def at_most(value: float) -> Budget:
    """Give a budget that must not be passed."""
    return Budget(bound=Bound.AT_MOST, value=value)


def at_least(value: float) -> Budget:
    """Give a budget that must be reached."""
    return Budget(bound=Bound.AT_LEAST, value=value)


def quantile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that `share` of the values do not pass."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def medians(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Give the median of every part over several repetitions."""
    return {name: median(part[name] for part in parts) for name in parts[0]} if parts else {}


def cpu_s(pid: int) -> float:
    """Give the CPU time that a process has used so far, its threads included."""
    behind_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    return sum(int(ticks) for ticks in behind_name.split()[_CPU_FIELDS]) / _TICKS_PER_S


def family_cpu_s(pid: int) -> float:
    """Give the CPU time of a process and of the children that live at present."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    total_s = 0.0
    for one in (pid, *map(int, children)):
        try:
            total_s += cpu_s(one)
        except FileNotFoundError:
            continue  # it ended meanwhile
    return total_s


def peak_rss_mib(pid: int | None = None) -> float:
    """Give the most memory that a process has held at once; None: this one.

    Not `getrusage`: there a child begins with what its parent had.
    """
    status = Path(f"/proc/{pid or 'self'}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
