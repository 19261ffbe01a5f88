"""Waiting jobs as demand for GPUs: by type, and whether anything but room keeps them.

Source: squeue(1) Reason; https://slurm.schedmd.com/job_reason_codes.html of 22.05 to 26.05;
src/common/job_state_reason.c.
"""

from dataclasses import dataclass
from functools import lru_cache

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


@lru_cache(maxsize=4096)
def waits_for_room(reason: str) -> bool:
    """Tell whether a job would start if there were room: it competes with who submits now.

    All else keeps it whatever is free: a hold, another job, a time, a limit of an account or a
    QOS, a licence, a reservation of its own, a partition that is closed or too small.
    """
    return reason.partition(",")[0].partition(":")[0].strip() in _ROOM
