"""Limits with what is used of them, and what they leave; pure.

Source: https://slurm.schedmd.com/resource_limits.html; sacctmgr(1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slurmfleet.contracts.shares import LimitUse
from slurmfleet.slurm.tres_limits import CPU, GPU, GPU_TYPE_PREFIX, MEMORY, NODE

SUBMITTING = frozenset({"GrpSubmit", "MaxSubmit", "MaxSubmitPU", "MaxSubmitPA"})
RUNNING = frozenset({"GrpJobs", "MaxJobs", "MaxJobsPU", "MaxJobsPA"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How many more GPUs some limits leave."""

    gpus: int | None
    """None: no limit."""

    nearest: LimitUse | None = None


def is_counted(tres: str) -> bool:
    """Tell what jobs hold of it is known; gres/gpumem, licenses and billing are not."""
    return tres in {CPU, MEMORY, NODE, GPU} or tres.startswith(GPU_TYPE_PREFIX)


def left(limit: LimitUse) -> int:
    """Give what may still be used; nothing where a limit was lowered below what is."""
    return max(0, limit.allowed - limit.used)


def resource(limit: LimitUse) -> str:
    """Give what limits have to have in common to be compared."""
    if limit.name in SUBMITTING:
        return "submitted jobs"
    if limit.name in RUNNING:
        return "running jobs"
    return f"{limit.tres} {limit.name}" if limit.name.endswith("Mins") else limit.tres


def described(limit: LimitUse, *, with_owner: bool = True) -> str:
    """Give a limit in one line: `account bio: GrpTRES gres/gpu=6`."""
    what = f"{limit.name} {limit.tres}" if limit.tres else limit.name
    return f"{limit.owner}: {what}={limit.allowed}" if with_owner else f"{what}={limit.allowed}"


def gpus_left(limits: Iterable[LimitUse]) -> Bound:
    """Give how many more GPUs may run: none where anything that a job needs is used up.

    A limit on one type of GPU, or on what is submitted, keeps no job from running.
    """
    bounds = [
        (left(one) if one.tres == GPU and one.name not in _MINUTES else 0, one)
        for one in limits
        if _bounds_gpus(one)
    ]
    gpus, nearest = min(bounds, key=lambda bound: bound[0], default=(None, None))
    return Bound(gpus=gpus, nearest=nearest)


_MINUTES = frozenset({"GrpTRESMins", "GrpTRESRunMins"})


def _bounds_gpus(limit: LimitUse) -> bool:
    if limit.tres == GPU and limit.name not in _MINUTES:
        return True
    is_of_type = limit.tres.startswith(GPU_TYPE_PREFIX) and limit.name not in _MINUTES
    return left(limit) == 0 and limit.name not in SUBMITTING and not is_of_type


def nearest_limits(limits: Iterable[LimitUse]) -> tuple[LimitUse, ...]:
    """Give of each resource the limit that leaves least, sorted by name and resource."""
    nearest: dict[str, LimitUse] = {}
    for one in limits:
        known = nearest.get(resource(one))
        if known is None or left(one) < left(known):
            nearest[resource(one)] = one
    return tuple(sorted(nearest.values(), key=lambda one: (one.name, one.tres)))


def gpus_left_by_type(limits: Iterable[LimitUse], gpus: int | None) -> Mapping[str, int]:
    """Give what limits on single types leave, never more than for all types."""
    rooms: dict[str, int] = {}
    for one in limits:
        if one.tres.startswith(GPU_TYPE_PREFIX) and one.name not in _MINUTES:
            gpu_type = one.tres.removeprefix(GPU_TYPE_PREFIX)
            rooms[gpu_type] = min(rooms.get(gpu_type, left(one)), left(one))
    return {one: room if gpus is None else min(room, gpus) for one, room in rooms.items()}
