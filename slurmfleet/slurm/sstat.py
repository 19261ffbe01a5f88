"""What sstat prints of the steps that run: CPU time, resident memory, GPU use.

A job has a row for each running step that somebody may see (batch, extern, interactive, 0, 1, …);
a step that has ended is not in it any more. `mem` in TRESUsageInTot is what its tasks hold now, in
TRESUsageInMax what the largest of them ever held; `cpu` adds up since the step began.

`gres/gpuutil` adds up the GPUs of all processes since 24.05; before, a process tells only the last
of its GPUs. It is absent where slurm.conf does not list it in AccountingStorageTRES.

Source: sstat(1); seen on Slurm 22.05.8, 24.11.5 and 26.05 (tests/fixtures/slurm, case `steps`):
asking for the array's own number gives all its tasks, a row may so come twice; an unknown job and a
controller that is down are the same sentence on standard error, with exit status 0.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slurmfleet.slurm.errors import MalformedRowError, SlurmParseError
from slurmfleet.slurm.quantities import parse_amount, parse_count, parse_duration_s
from slurmfleet.slurm.records import BadRow, BadRows, bad_row

STEP_COLUMNS = ("JobID", "NTasks", "TRESUsageInTot", "TRESUsageInMax", "Nodelist")
"""With `--noconvert`: plain bytes. None of them holds a `|`, the only separator that sstat has."""

SUMS_GPUS_SINCE = (24, 5)
LOOKS_UP_NO_ALLOCATION_SINCE = (24, 11)
_MIB = 2**20
_STEP = re.compile(r"(?P<job>[1-9][0-9]{0,9})(?:\+[0-9]+)?\.(?P<step>[A-Za-z0-9+_.]+)")
_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})")
_NOT_RUNNING = re.compile(r"No steps running for (?:job |JobId=)([0-9]+)")
_NOT_TOLD = re.compile(r"couldn't get steps for (?:job |JobId=)([0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUse:
    """What one running step uses on all its nodes together; None where sstat does not tell."""

    raw_job_id: int
    step: str
    """`batch`, `extern`, `interactive` or a number."""

    task_count: int
    node_list: str
    cpu_time_s: float | None
    memory_used_mib: float | None
    largest_task_mib: float | None
    """The most that one task has ever held."""

    gpu_utilization_sum_pct: float | None
    """Of all its GPUs, added up."""

    gpu_memory_sum_mib: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsAnswer:
    """What one call of sstat told."""

    steps: tuple[StepUse, ...]
    without_steps: frozenset[int]
    """Jobs that run no step: so Slurm says, for example of a het job's further components."""

    untold: frozenset[int]
    """Jobs about which it could tell nothing: unknown, not ours, or the controller is silent."""

    bad: tuple[BadRow, ...]


def parse_steps(stdout: str, stderr: str = "") -> StepsAnswer:
    """Read what `steps_section` printed."""
    steps: dict[tuple[int, str], StepUse] = {}
    bad = BadRows()
    for line in stdout.splitlines():
        if not line.strip():
            continue
        try:
            use = _step(line)
        except SlurmParseError as exc:
            bad.append(bad_row(line, exc))
        else:
            steps[use.raw_job_id, use.step] = use
    return StepsAnswer(
        steps=tuple(steps.values()),
        without_steps=frozenset(map(int, _NOT_RUNNING.findall(stderr))),
        untold=frozenset(map(int, _NOT_TOLD.findall(stderr))),
        bad=tuple(bad),
    )


def _step(line: str) -> StepUse:
    fields = line.split("|")
    name = _STEP.fullmatch(fields[0])
    if name is None or len(fields) != len(STEP_COLUMNS):
        raise MalformedRowError("not a step of sstat", line)
    total, largest = _usage(fields[2], line), _usage(fields[3], line)
    cpu = total.get("cpu", "")
    return StepUse(
        raw_job_id=int(name["job"]),
        step=name["step"],
        task_count=parse_count(fields[1]),
        node_list=fields[4],
        cpu_time_s=parse_duration_s(cpu) if cpu else None,
        memory_used_mib=_mib(total.get("mem", "")),
        largest_task_mib=_mib(largest.get("mem", "")),
        gpu_utilization_sum_pct=_amount(total.get("gres/gpuutil", "")),
        gpu_memory_sum_mib=_mib(total.get("gres/gpumem", "")),
    )


def _usage(text: str, line: str) -> Mapping[str, str]:
    pairs = [item.partition("=") for item in text.split(",") if item]
    if any(not equals for _, equals, _ in pairs):
        raise MalformedRowError("not a TRES usage", line)
    return {name: amount for name, _, amount in pairs}


def _amount(text: str) -> float | None:
    return float(parse_amount(text)) if text else None


def _mib(text: str) -> float | None:
    amount = _amount(text)
    return None if amount is None else amount / _MIB


def tells_gpus(version: str, gpu_count: int) -> bool:
    """Say whether a step's GPU sums can be believed: since 24.05, or where there is one GPU."""
    return _is_since(version, SUMS_GPUS_SINCE) or gpu_count == 1


def requests_per_job(version: str) -> int:
    """Give how many requests sstat makes of the controller for each job that it is asked about.

    Source: sdiag of 22.05.8 (FED_INFO, JOB_STEP_INFO, JOB_ALLOCATION_INFO), of 24.11.5 and 26.05.5
    (the first two); versions between them count as the older one.
    """
    return 2 if _is_since(version, LOOKS_UP_NO_ALLOCATION_SINCE) else 3


def _is_since(version: str, since: tuple[int, int]) -> bool:
    numbers = _VERSION.match(version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= since


def summed(values: Iterable[float | None]) -> float | None:
    """Add up what is told; None where nothing is."""
    told = [value for value in values if value is not None]
    return sum(told) if told else None
