"""Array task lists, and job ids as squeue and sacct write them.

Source: sbatch(1) --array; squeue(1), "JOB ARRAY SUPPORT"; docs/slurm-output.md, "Ids".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, islice

from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import NO_TASKS, JobState
from slurmfleet.slurm.errors import MalformedValueError
from slurmfleet.slurm.quantities import LARGEST_COUNT

INDEX_LIMIT = 1_000
_RAW_ID_DIGITS = len("4294967295")
_SPEC = re.compile(r"(?P<list>[0-9][0-9,:-]*?)(?P<cut>,?\.\.\.)?(?:%(?P<at_once>[0-9]{1,9}))?")
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9})(?::([1-9][0-9]{0,8}))?)?")
_JOB = re.compile(
    r"(?P<base>[1-9][0-9]{0,9})"
    r"(?:_(?P<task>[0-9]{1,9})|_\[(?P<waiting>[^\[\]]+)\]|\+(?P<offset>[0-9]{1,4}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayTasks:
    """Which tasks of an array a text names."""

    count: int
    indices: tuple[int, ...]
    """The first ones, at most 1,000, in the text's order."""

    at_once: int | None = None
    """How many may run at the same time (`%2`); None for no such limit."""

    is_cut: bool = False
    """Slurm left some out (`...`, without SLURM_BITSTR_LEN=0): the count is a lower bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRef:
    """A job id as Slurm writes it, taken apart."""

    job_id: JobId
    """`15` for the waiting part of an array too: it stands for the array as a whole."""

    array_job_id: int | None = None
    """None on anything that is neither an array's task nor its waiting part."""

    array_task_id: int | None = None
    waiting: ArrayTasks | None = None
    waiting_text: str = ""
    het_job_id: int | None = None
    het_offset: int | None = None


def parse_array_tasks(text: str) -> ArrayTasks:
    """Read `2-9%2`, `0-999:2` or `1,3,5-7%4`.

    Raises:
        MalformedValueError: It is something else.
    """
    spec = _SPEC.fullmatch(text)
    if spec is None:
        raise MalformedValueError("not a list of array tasks", text)
    ranges = [_task_range(piece, text) for piece in spec["list"].rstrip(",").split(",")]
    count = sum(map(len, ranges))
    if count > LARGEST_COUNT:
        raise MalformedValueError("more tasks than any array has", text)
    return ArrayTasks(
        count=count,
        indices=tuple(islice(chain.from_iterable(ranges), INDEX_LIMIT)),
        at_once=int(spec["at_once"]) if spec["at_once"] else None,
        is_cut=spec["cut"] is not None,
    )


def _task_range(piece: str, text: str) -> range:
    match = _RANGE.fullmatch(piece)
    if match is None:
        raise MalformedValueError("not a list of array tasks", text)
    first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
    if last < first:
        raise MalformedValueError("not a list of array tasks", text)
    return range(first, last + 1, step)


def parse_job_ref(text: str) -> JobRef:
    """Read `4711`, `15_3`, `15_[2-9%2]` or `17+1`.

    Raises:
        MalformedValueError: It is something else.
    """
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= _RAW_ID_DIGITS:
        return JobRef(job_id=JobId(text))
    match = _JOB.fullmatch(text)
    if match is None:
        raise MalformedValueError("not a job id", text)
    base = int(match["base"])
    if match["task"]:
        return JobRef(job_id=JobId(text), array_job_id=base, array_task_id=int(match["task"]))
    if match["waiting"]:
        return JobRef(
            job_id=JobId(match["base"]),
            array_job_id=base,
            waiting=parse_array_tasks(match["waiting"]),
            waiting_text=match["waiting"],
        )
    return JobRef(job_id=JobId(text), het_job_id=base, het_offset=int(match["offset"]))


def parse_raw_id(text: str) -> int:
    """Read Slurm's own number of a job.

    Raises:
        MalformedValueError: It is something else.
    """
    if not (text.isascii() and text.isdigit()) or text[0] == "0" or len(text) > _RAW_ID_DIGITS:
        raise MalformedValueError("not a job number", text)
    return int(text)


def task_states(ref: JobRef, state: JobState) -> Mapping[JobState, int]:
    """Give how many tasks of a whole array are in which state; empty on everything else."""
    return {state: ref.waiting.count} if ref.waiting else NO_TASKS
