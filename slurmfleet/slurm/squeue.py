"""What squeue prints, as values: tracked jobs in full, everybody's jobs as counts.

Source: squeue(1) -O; docs/slurm-output.md; recordings in tests/fixtures/slurm (22.05, 24.11).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.slurm.arrays import parse_array_tasks, parse_job_ref, parse_raw_id, task_states
from slurmfleet.slurm.columns import DETAIL_COLUMNS, QUEUE_COLUMNS
from slurmfleet.slurm.errors import MalformedRowError, SlurmParseError
from slurmfleet.slurm.quantities import (
    NO_EXIT_CODE,
    needed_time,
    parse_count,
    parse_duration_s,
    parse_exit_code,
    parse_priority,
    parse_time,
)
from slurmfleet.slurm.records import PLAIN, BadRow, ParsedRows, Separators, bad_row, told
from slurmfleet.slurm.states import parse_state
from slurmfleet.slurm.tres import parse_tres


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


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """Everybody's jobs, counted."""

    counts: Mapping[QueueGroup, QueueCount]

    rows: int
    """Records that were understood."""

    bad: tuple[BadRow, ...]


def parse_queue(text: str) -> QueueCounts:
    """Count the jobs that `queue_section` listed."""
    tasks_by_rest: Counter[str] = Counter()
    rows_by_rest: Counter[str] = Counter()
    bad: list[BadRow] = []
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
    return _counted(tasks_by_rest, rows_by_rest, bad)


def _task_count(ref: str) -> int:
    """Give how many jobs a record stands for; the caller's loop is hot, so ids are not built."""
    if not ref[:1].isdigit():
        raise MalformedRowError("not a job id", ref)
    _, bracket, waiting = ref.partition("_[")
    return parse_array_tasks(waiting.removesuffix("]")).count if bracket else 1


def _counted(tasks: Counter[str], rows: Counter[str], bad: list[BadRow]) -> QueueCounts:
    """Parse what is the same in many records once, and add up."""
    counts: dict[QueueGroup, QueueCount] = {}
    understood = 0
    for rest, jobs in tasks.items():
        try:
            group, gpus_each = _kind_of_job(rest)
        except SlurmParseError as exc:
            bad.extend([bad_row(rest, exc)] * rows[rest])
            continue
        understood += rows[rest]
        before = counts.get(group)
        counts[group] = QueueCount(
            jobs=jobs + (before.jobs if before else 0),
            gpus=jobs * gpus_each + (before.gpus if before else 0),
        )
    return QueueCounts(counts=counts, rows=understood, bad=tuple(bad))


def _kind_of_job(rest: str) -> tuple[QueueGroup, int]:
    """Give the group of a record without its id, and the GPUs of each of its jobs."""
    fields = rest.split("|")
    if len(fields) != len(QUEUE_COLUMNS) or fields[-1]:
        raise MalformedRowError(f"not the {len(QUEUE_COLUMNS)} fields of a record", rest)
    user, account, partition, state, tres, _ = fields
    group = QueueGroup(
        partition=partition, account=told(account), user=user, state=parse_state(state)[0]
    )
    return group, parse_tres(tres).gpu_count


def parse_detail(text: str, separators: Separators = PLAIN) -> ParsedRows:
    """Read the jobs that a `detail_section` listed.

    The waiting part of an array is one job under the array's id, with `task_states`.
    """
    jobs: list[Job] = []
    bad: list[BadRow] = []
    *records, remainder = text.split(f"{separators.record}\n")
    for record in records:
        try:
            fields = tuple(record.split(separators.field))
            if len(fields) != len(DETAIL_COLUMNS):
                raise MalformedRowError(f"{len(fields)} fields, not {len(DETAIL_COLUMNS)}", record)
            jobs.append(_job(fields))
        except SlurmParseError as exc:
            bad.append(bad_row(record, exc))
    if remainder.strip():
        problem = MalformedRowError("a record without its end", remainder)
        bad.append(bad_row(remainder, problem))
    return ParsedRows(jobs=tuple(jobs), bad=tuple(bad))


@lru_cache(maxsize=131_072)  # one look of a very large queue; a smaller one never hits
def _job(fields: tuple[str, ...]) -> Job:
    """Read one record.

    Most records are the same from look to look, and then give the same object: reading 10,000
    of them again takes 20 ms of CPU instead of 130 ms, and comparing them nearly nothing.
    """
    field = dict(zip(DETAIL_COLUMNS, fields, strict=True))
    ref = parse_job_ref(field["JobArrayID"])
    state, state_flags = parse_state(field["State"])
    tres = parse_tres(field["tres-alloc"])
    times = _times(field, state)
    exit_code = parse_exit_code(field["exit_code"]) if state.is_terminal else NO_EXIT_CODE
    return Job(
        job_id=ref.job_id,
        raw_id=parse_raw_id(field["JobID"]),
        submitted_at=times.submitted_at,
        state=state,
        state_flags=state_flags,
        reason=told(field["Reason"]),
        name=field["Name"],
        user=field["UserName"],
        account=told(field["Account"]),
        partition=field["Partition"],
        qos=told(field["QOS"]),
        eligible_at=parse_time(field["EligibleTime"]),
        started_at=times.started_at,
        expected_start_at=times.expected_start_at,
        ended_at=times.ended_at,
        time_limit_s=parse_duration_s(field["TimeLimit"]),
        node_count=parse_count(field["NumNodes"]),
        node_list=told(field["NodeList"]),
        cpu_count=parse_count(field["NumCPUs"]),
        memory_mib=tres.memory_mib,
        gpu_count=tres.gpu_count,
        gpus_by_type=tres.gpus_by_type,
        tres=told(field["tres-alloc"]),
        priority=parse_priority(field["PriorityLong"]),
        dependency=told(field["Dependency"]),
        work_dir=told(field["WorkDir"]),
        command=told(field["Command"]),
        stdout_path=told(field["STDOUT"]),
        stderr_path=told(field["STDERR"]),
        comment=told(field["Comment"]),
        restart_count=parse_count(field["RestartCnt"]),
        exit_code=exit_code.code,
        exit_signal=exit_code.signal,
        array_job_id=ref.array_job_id,
        array_task_id=ref.array_task_id,
        array_pending=ref.waiting_text if state is JobState.PENDING else "",
        task_states=task_states(ref, state),
        het_job_id=ref.het_job_id,
        het_offset=ref.het_offset,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    submitted_at: datetime
    started_at: datetime | None
    expected_start_at: datetime | None
    ended_at: datetime | None


def _times(field: Mapping[str, str], state: JobState) -> _Times:
    """Sort out squeue's times, whose meaning depends on the state.

    A waiting job's start is the scheduler's estimate; the end of a job that has not ended is its
    limit. A job that ended without having run gets its end as start, and has no nodes.
    """
    start, end = parse_time(field["StartTime"]), parse_time(field["EndTime"])
    never_ran = state.is_terminal and not told(field["NodeList"])
    return _Times(
        submitted_at=needed_time(field["SubmitTime"]),
        started_at=None if state is JobState.PENDING or never_ran else start,
        expected_start_at=start if state is JobState.PENDING else None,
        ended_at=end if state.is_terminal else None,
    )
