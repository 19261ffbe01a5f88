"""Waiting jobs as demand for GPUs: by type, and whether anything but room keeps them.

Source: squeue(1) Reason; https://slurm.schedmd.com/job_reason_codes.html of 22.05 to 26.05;
src/common/job_state_reason.c.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from slurmfleet.contracts.remembering import remembers_short_texts
from slurmfleet.slurm.gpus import GpuCount

ANY_TYPE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Waiting jobs that ask for the same type of GPU in the same partitions."""

    partitions: str
    """One, or several as `a,b`."""

    gpu_type: str
    """As the job names it (Slurm keeps types in lower case); empty where it takes any."""

    is_eligible: bool
    """Whether they wait for room alone."""

    jobs: int
    gpus: int


_ROOM = frozenset(
    {
        "",
        "None",  # not looked at yet
        "Priority",
        "Resources",
        "NodeDown",
        "PowerNotAvail",
        "PowerReserved",
        "ReqNodeNotAvail",
        "SchedDefer",
        "Scheduler",
        "Unknown",
        # Words of the scheduler where the code is Resources.
        "Nodes required for job are DOWN",
    }
)
"""Reasons that go away when others end or a machine is repaired."""


@remembers_short_texts(4096)
def waits_for_room(reason: str) -> bool:
    """Tell whether a job would start if there were room: it competes with who submits now.

    All else keeps it whatever is free: a hold, another job, a time, a limit of an account or a
    QOS, a licence, a reservation of its own, a partition that is closed or too small.
    """
    return reason.partition(",")[0].partition(":")[0].strip() in _ROOM


class _Kind(NamedTuple):
    partitions: str
    gpu_type: str
    is_eligible: bool


class Demand:
    """Adds waiting jobs up."""

    def __init__(self) -> None:
        """Begin with none."""
        self._jobs: Counter[_Kind] = Counter()
        self._gpus: Counter[_Kind] = Counter()

    def add(self, partitions: str, reason: str, gpus: GpuCount, *, jobs: int) -> None:
        """Count jobs that are alike.

        Args:
            partitions: Where they may go.
            reason: Why they wait.
            gpus: Of each of them.
            jobs: How many they are.
        """
        untyped = gpus.count - sum(gpus.by_type.values())
        wanted = {**gpus.by_type, ANY_TYPE: untyped} if untyped > 0 else gpus.by_type
        for gpu_type, count in wanted.items():
            kind = _Kind(partitions, gpu_type, waits_for_room(reason))
            self._jobs[kind] += jobs
            self._gpus[kind] += jobs * count

    def waiting(self) -> tuple[Waiting, ...]:
        """Give what was counted, sorted."""
        return tuple(
            Waiting(
                partitions=kind.partitions,
                gpu_type=kind.gpu_type,
                is_eligible=kind.is_eligible,
                jobs=jobs,
                gpus=self._gpus[kind],
            )
            for kind, jobs in sorted(self._jobs.items())
        )
