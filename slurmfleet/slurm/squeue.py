"""What squeue prints, as values: tracked jobs in full, everybody's jobs as counts.

Source: squeue(1) -O; docs/slurm-output.md; recordings in tests/fixtures/slurm (22.05, 24.11).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from itertools import repeat
from typing import NamedTuple

from slurmfleet.contracts.job_parts import GpuScope
from slurmfleet.contracts.jobs import NO_GPUS, Job, JobState
from slurmfleet.contracts.remembering import LONGEST_REMEMBERED
from slurmfleet.slurm.arrays import parse_array_tasks
from slurmfleet.slurm.columns import (
    ANY_SLURM,
    GPU_COLUMNS,
    QUEUE_COLUMNS,
    VOLATILE_COLUMNS,
    Dialect,
)
from slurmfleet.slurm.errors import MalformedRowError, SlurmParseError
from slurmfleet.slurm.gpus import GpuCount, count_gpus, read_gpu_request
from slurmfleet.slurm.job_record import FIELD_END, record_reader
from slurmfleet.slurm.quantities import LARGEST_COUNT, parse_count
from slurmfleet.slurm.records import (
    NO_RECORDS,
    PLAIN,
    BadRow,
    BadRows,
    Buffer,
    ParsedRows,
    Records,
    Separators,
    bad_row,
    pieces,
    told,
)
from slurmfleet.slurm.states import parse_state
from slurmfleet.slurm.tres import parse_tres
from slurmfleet.slurm.waiting import Demand, Waiting


class QueueGroup(NamedTuple):
    """What jobs have in common that are counted together."""

    partition: str
    """A job that may go to several partitions is under `a,b`."""

    account: str
    user: str
    state: JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCount:
    """How many jobs there are of one group."""

    jobs: int
    """The waiting part of an array counts all its tasks."""

    gpus: int
    """Allocated, or requested by jobs that wait."""

    gpus_by_type: Mapping[str, int] = field(default_factory=lambda: NO_GPUS)
    """By the type that the jobs hold or name; what names none is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """Everybody's jobs, counted."""

    counts: Mapping[QueueGroup, QueueCount]
    waiting: tuple[Waiting, ...]
    """The jobs among them that wait for GPUs."""

    rows: int
    """Records that were understood."""

    bad: tuple[BadRow, ...]


def parse_queue(text: str, dialect: Dialect = ANY_SLURM) -> QueueCounts:
    """Count the jobs that `queue_section` listed."""
    tasks_by_rest: Counter[str] = Counter()
    rows_by_rest: Counter[str] = Counter()
    bad = BadRows()
    for line in text.split("\n"):
        ref, bar, rest = line.partition("|")
        if not bar:
            if line:
                bad.append(bad_row(line, MalformedRowError("no field separator", line)))
            continue
        try:
            tasks_by_rest[rest] += _task_count(ref)
            rows_by_rest[rest] += 1
        except SlurmParseError as exc:
            bad.append(bad_row(line, exc))
    return _counted(tasks_by_rest, rows_by_rest, bad, dialect)


def _task_count(ref: str) -> int:
    """Give how many jobs a record stands for; the caller's loop is hot, so ids are not built."""
    if not ref[:1].isdigit():
        raise MalformedRowError("not a job id", ref)
    _, bracket, waiting = ref.partition("_[")
    return parse_array_tasks(waiting.removesuffix("]")).count if bracket else 1


def _counted(
    tasks: Counter[str], rows: Counter[str], bad: BadRows, dialect: Dialect
) -> QueueCounts:
    """Parse what is the same in many records once, and add up."""
    sums: dict[QueueGroup, _Sum] = {}
    demand = Demand()
    understood = 0
    for rest, jobs in tasks.items():
        try:
            group, gpus, reason = _kind_of_job(rest, dialect)
            before = sums.get(group, _Sum())
            if max(before.jobs + jobs, before.gpus + jobs * gpus.count) > LARGEST_COUNT:
                raise MalformedRowError("more than any cluster has", rest)
        except SlurmParseError as exc:
            bad.extend(repeat(bad_row(rest, exc), rows[rest]))
            continue
        understood += rows[rest]
        sums.setdefault(group, _Sum()).add(gpus, jobs)
        if gpus.count and group.state is JobState.PENDING:
            demand.add(group.partition, reason, gpus, jobs=jobs)
    return QueueCounts(
        counts={group: one.total() for group, one in sums.items()},
        waiting=demand.waiting(),
        rows=understood,
        bad=tuple(bad),
    )


class _Sum:
    """Adds the jobs of one group up."""

    __slots__ = ("by_type", "gpus", "jobs")

    def __init__(self) -> None:
        self.jobs = self.gpus = 0
        self.by_type: dict[str, int] = {}

    def add(self, gpus: GpuCount, jobs: int) -> None:
        self.jobs += jobs
        self.gpus += jobs * gpus.count
        for kind, count in gpus.by_type.items():
            self.by_type[kind] = self.by_type.get(kind, 0) + jobs * count

    def total(self) -> QueueCount:
        return QueueCount(jobs=self.jobs, gpus=self.gpus, gpus_by_type=self.by_type or NO_GPUS)


def _kind_of_job(rest: str, dialect: Dialect) -> tuple[QueueGroup, GpuCount, str]:
    """Give the group of a record without its id, each of its jobs' GPUs, and why it waits."""
    fields = rest.split("|")
    if len(fields) != len(dialect.queue) or fields[-1]:
        raise MalformedRowError(f"not the {len(dialect.queue)} fields of a record", rest)
    user, account, partition, state, tres, reason, *more = fields
    group = QueueGroup(
        partition=partition, account=told(account), user=user, state=parse_state(state)[0]
    )
    count = _known_gpus if len(rest) <= LONGEST_REMEMBERED else _gpus
    return group, count(tres, dialect.queue[len(QUEUE_COLUMNS) :], tuple(more)), reason


def _gpus(tres: str, names: tuple[str, ...], more: tuple[str, ...]) -> GpuCount:
    """Count a job's GPUs, with the fields that are asked where tres-alloc does not tell them."""
    fields = dict(zip(names, more, strict=False))
    per_job, per_node, per_task, nodes, tasks = (fields.get(name, "") for name in GPU_COLUMNS)
    requests = (
        *read_gpu_request(GpuScope.JOB, per_job),
        *read_gpu_request(GpuScope.NODE, per_node),
        *read_gpu_request(GpuScope.TASK, per_task),
    )
    return count_gpus(
        parse_tres(tres), requests, node_count=parse_count(nodes), task_count=parse_count(tasks)
    )


_known_gpus = lru_cache(maxsize=8192)(_gpus)


def parse_detail(
    output: Buffer,
    separators: Separators = PLAIN,
    dialect: Dialect = ANY_SLURM,
    *,
    known: Records = NO_RECORDS,
) -> ParsedRows:
    """Read the jobs that a `detail_section` listed.

    The waiting part of an array is one job under the array's id, with `task_states`.

    Args:
        output: What squeue printed.
        separators: Of the call.
        dialect: Which fields were asked.
        known: The records of the look before, asked in the same dialect. A record of these gives
            the very same job; its priority may then be an older one.
    """
    read = record_reader(dialect, separators.inner)
    field_end, record_end = separators.field.encode(), f"{separators.record}\n".encode()
    is_volatile = dialect.detail[-1] in VOLATILE_COLUMNS
    records: dict[bytes, Job] = {}
    bad = BadRows()
    jobs: list[Job] = []
    remainder = b""
    for piece, is_ended in pieces(output, record_end):
        if not is_ended:
            remainder = piece
            break
        # Separators differ from call to call; with a fixed one, equal records are equal bytes.
        record = piece.replace(field_end, _FIELD_END)
        lasting = record.rpartition(_FIELD_END)[0] if is_volatile else record
        digest = blake2b(lasting, digest_size=_DIGEST_BYTES).digest()
        job = known.get(digest)
        try:
            records[digest] = job = job or read(record.decode("utf-8", "replace"))
        except SlurmParseError as exc:
            bad.append(bad_row(_shown(record, separators), exc))
        else:
            jobs.append(job)
    if remainder.strip():
        text = _shown(remainder, separators)
        bad.append(bad_row(text, MalformedRowError("a record without its end", text)))
    return ParsedRows(jobs=tuple(jobs), bad=tuple(bad), records=records)


def _shown(record: bytes, separators: Separators) -> str:
    """Give a record as squeue printed it, or its first part where it is very long."""
    text = record[:_LONGEST_SHOWN].decode("utf-8", "replace")
    return text.replace(FIELD_END, separators.field)


_FIELD_END = FIELD_END.encode()
_DIGEST_BYTES = 16
_LONGEST_SHOWN = 4_096
