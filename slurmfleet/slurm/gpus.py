"""How many GPUs a job has or wants, of which type, and what says so.

Slurm's own count for the whole job (TRES) is right where there is one. Sites that do not list
gres/gpu in AccountingStorageTRES have none; then the request is multiplied by nodes or tasks, and
where that needs a number that nobody tells, as with GPUs for each socket, nothing is guessed.

Source: squeue(1) tres-alloc, tres-per-job, tres-per-node, tres-per-socket, tres-per-task;
sbatch(1) --gpus and its kin; docs/slurm-output.md, "GPUs" (Slurm 22.05.8 and 24.11.5). The letter
`%b` is never asked: it says nothing of --gpus and --gpus-per-task.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from slurmfleet.contracts.job_parts import GpuRequest, GpuScope, GpuSource
from slurmfleet.contracts.jobs import NO_GPUS
from slurmfleet.slurm.tres import Tres

_NOTHING = frozenset({"", "N/A", "(null)", "None", "none"})
_AFFINITY = re.compile(r"\([^()]*\)")
_GPU = re.compile(r"(?:gres[:/])?gpu(?:[:=](?P<rest>.*))?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCount:
    """The GPUs of a whole job."""

    count: int
    by_type: Mapping[str, int]
    """A request without a type is not in it."""

    source: GpuSource


NO_GPU_COUNT = GpuCount(count=0, by_type=NO_GPUS, source=GpuSource.NONE)


def read_gpu_request(per: GpuScope, text: str) -> tuple[GpuRequest, ...]:
    """Read what squeue shows of a request: `gres:gpu:h100:2`, `gres/gpu:2`, `cpu=1,gres/gpu=1`.

    Of a type that is named twice the last counts, as in Slurm. What is no GPU is left out.
    """
    if text in _NOTHING:
        return ()
    counts = dict(_types(_AFFINITY.sub("", text)))
    return tuple(
        GpuRequest(count=count, per=per, gpu_type=kind) for kind, count in counts.items() if count
    )


def _types(text: str) -> Iterator[tuple[str, int]]:
    for item in text.split(","):
        match = _GPU.fullmatch(item.strip())
        if match is None:
            continue
        words = [word for word in re.split("[:=]", match["rest"] or "") if word != "no_consume"]
        told = words.pop() if words and _COUNT.fullmatch(words[-1]) else "1"
        yield ":".join(words), int(told)


def count_gpus(
    tres: Tres, requests: tuple[GpuRequest, ...], *, node_count: int, task_count: int
) -> GpuCount:
    """Give the GPUs of a whole job, from the best that is known of it."""
    if tres.gpu_count:
        by_type = tres.gpus_by_type or _types_that_fit(tres.gpu_count, requests)
        return GpuCount(count=tres.gpu_count, by_type=by_type, source=GpuSource.TRES)
    factors = {GpuScope.JOB: 1, GpuScope.NODE: node_count, GpuScope.TASK: task_count}
    for per, factor in factors.items():
        mine = [one for one in requests if one.per is per]
        if mine and factor:
            return GpuCount(
                count=factor * sum(one.count for one in mine),
                by_type={one.gpu_type: factor * one.count for one in mine if one.gpu_type},
                source=GpuSource.REQUEST,
            )
    if not requests:
        return NO_GPU_COUNT
    return GpuCount(count=0, by_type=NO_GPUS, source=GpuSource.UNKNOWN)


def _types_that_fit(total: int, requests: tuple[GpuRequest, ...]) -> Mapping[str, int]:
    """Give the types of a request if a whole number of it makes the total.

    Slurm counts types only where the site lists them as TRES.
    """
    scopes = {one.per for one in requests}
    asked = sum(one.count for one in requests)
    if len(scopes) != 1 or not all(one.gpu_type for one in requests) or total % asked:
        return NO_GPUS
    return {one.gpu_type: one.count * (total // asked) for one in requests}
