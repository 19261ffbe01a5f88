"""One record of squeue as a job.

This is the hot path of a look at much that is new; records that come again are not read again
(`squeue.parse_detail`). Parts that many jobs share, such as what they asked for, are read once,
and names that many have in common are kept once: of 100,000 jobs a fifth of their memory.

Source: squeue(1) -O; docs/slurm-output.md; recordings in tests/fixtures/slurm.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from sys import intern
from typing import NamedTuple, TypeVar

from slurmfleet.contracts.job_parts import GpuScope, JobRequest
from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.contracts.remembering import LONGEST_REMEMBERED
from slurmfleet.slurm.arrays import parse_job_ref, parse_raw_id, task_states
from slurmfleet.slurm.columns import Dialect
from slurmfleet.slurm.dependencies import parse_dependencies
from slurmfleet.slurm.errors import MalformedRowError, SlurmParseError
from slurmfleet.slurm.gpus import GpuCount, count_gpus, read_gpu_request
from slurmfleet.slurm.hostlist import node_names
from slurmfleet.slurm.paths import PathFacts, job_files
from slurmfleet.slurm.quantities import (
    NO_EXIT_CODE,
    needed_time,
    parse_count,
    parse_duration_s,
    parse_exit_code,
    parse_number,
    parse_priority,
    parse_time,
)
from slurmfleet.slurm.records import told
from slurmfleet.slurm.states import parse_state
from slurmfleet.slurm.tres import Tres, parse_tres

FIELD_END = "\0"
"""What ends a field in a record that is given to a reader: no text of Slurm's can hold it."""

_T = TypeVar("_T")
_CACHED_READERS = 8
_EXCLUSIVE = frozenset({"NO", "USER", "MCS", "TOPO"})
_NO_HOST = "n/a"
_YES_OR_NO = {"1": True, "0": False}


class _Row(NamedTuple):
    """The fields that are a job's own, by squeue's names for them; empty where not asked."""

    jobarrayid: str
    jobid: str
    username: str
    account: str
    partition: str
    qos: str
    state: str
    reason: str
    submittime: str
    eligibletime: str
    starttime: str
    endtime: str
    timelimit: str
    numcpus: str
    prioritylong: str
    restartcnt: str
    exit_code: str
    nodelist: str
    batchhost: str
    dependency: str
    sluid: str
    workdir: str
    stdin: str
    stdout: str
    stderr: str
    command: str
    comment: str
    name: str


class _ShapeRow(NamedTuple):
    """The fields of size and request, which many jobs have in common."""

    numnodes: str
    numtasks: str
    tres_alloc: str
    tres_per_job: str
    tres_per_node: str
    tres_per_socket: str
    tres_per_task: str
    feature: str
    reqnodes: str
    excnodes: str
    reservation: str
    licenses: str
    oversubscribe: str
    batchflag: str
    requeue: str
    nice: str
    deadline: str


class _Shape(NamedTuple):
    node_count: int
    tres: Tres
    tres_text: str
    gpus: GpuCount
    request: JobRequest


@lru_cache(maxsize=_CACHED_READERS)
def record_reader(dialect: Dialect, inner: str = "") -> Callable[[str], Job]:
    """Give what reads the records of a detail section.

    Args:
        dialect: Which fields were asked, in which order.
        inner: What ends a field before the first free text; empty: `FIELD_END` does, too.

    Returns:
        A reader of one record, its fields ended by `FIELD_END`. It raises MalformedRowError or
        MalformedValueError for what is no record.
    """
    places = {name.lower().replace("-", "_"): at for at, name in enumerate(dialect.detail)}
    own = itemgetter(*(places.get(name, -1) for name in _Row._fields))
    common = itemgetter(*(places.get(name, -1) for name in _ShapeRow._fields))
    width = len(dialect.detail)

    def read(record: str) -> Job:
        fields = record.split(FIELD_END)
        if inner:
            fields[:1] = fields[0].split(inner)
        if len(fields) != width:
            raise MalformedRowError(f"{len(fields)} fields, not {width}", record)
        fields.append("")  # what was not asked is read here
        asked = _ShapeRow._make(common(fields))
        remembers = sum(map(len, asked)) <= LONGEST_REMEMBERED
        shape = (_known_shape if remembers else _shape)(asked)
        return _job(_Row._make(own(fields)), shape, slurm=dialect.slurm)

    return read


def _job(row: _Row, shape: _Shape, *, slurm: tuple[int, int] | None) -> Job:
    ref = parse_job_ref(row.jobarrayid)
    raw_id = parse_raw_id(row.jobid)
    state, state_flags = parse_state(row.state)
    node_list = intern(told(row.nodelist))
    names, has_all_names = node_names(node_list)
    started_at, expected_start_at, ended_at = _times(row, state)
    exit_code = parse_exit_code(row.exit_code) if state.is_terminal else NO_EXIT_CODE
    batch_host = "" if row.batchhost == _NO_HOST else intern(told(row.batchhost))
    facts = PathFacts(
        raw_id=None if ref.waiting else raw_id,
        array_job_id=ref.array_job_id,
        array_task_id=ref.array_task_id,
        name=row.name,
        user=intern(row.username),
        work_dir=told(row.workdir),
        batch_host=batch_host,
        slurm=slurm,
    )
    files = job_files(
        stdout=row.stdout,
        stderr=row.stderr,
        stdin=row.stdin,
        facts=facts,
        # Only the first component of a het job runs the script, though all are told to be batch.
        is_batch=False if ref.het_offset else shape.request.is_batch,
    )
    return Job(
        job_id=ref.job_id,
        raw_id=raw_id,
        submitted_at=needed_time(row.submittime),
        state=state,
        state_flags=state_flags,
        reason=intern(told(row.reason)),
        name=row.name,
        user=intern(row.username),
        account=intern(told(row.account)),
        partition=intern(row.partition),
        qos=intern(told(row.qos)),
        eligible_at=parse_time(row.eligibletime),
        started_at=started_at,
        expected_start_at=expected_start_at,
        ended_at=ended_at,
        time_limit_s=parse_duration_s(row.timelimit),
        node_count=shape.node_count,
        node_list=node_list,
        node_names=names,
        has_all_node_names=has_all_names,
        batch_host=batch_host,
        cpu_count=parse_count(row.numcpus),
        memory_mib=shape.tres.memory_mib,
        gpu_count=shape.gpus.count,
        gpu_source=shape.gpus.source,
        gpus_by_type=shape.gpus.by_type,
        tres=shape.tres_text,
        priority=parse_priority(row.prioritylong),
        dependency=told(row.dependency),
        dependencies=parse_dependencies(row.dependency),
        request=shape.request,
        work_dir=facts.work_dir,
        command=told(row.command),
        stdout_path=files.stdout_path,
        stderr_path=files.stderr_path,
        stdin_path=files.stdin_path,
        unexpanded_paths=files.unexpanded_paths,
        comment=told(row.comment),
        restart_count=parse_count(row.restartcnt),
        exit_code=exit_code.code,
        exit_signal=exit_code.signal,
        array_job_id=ref.array_job_id,
        array_task_id=ref.array_task_id,
        array_pending=ref.waiting_text if state is JobState.PENDING else "",
        task_states=task_states(ref, state),
        het_job_id=ref.het_job_id,
        het_offset=ref.het_offset,
        sluid=told(row.sluid),
    )


def _times(row: _Row, state: JobState) -> tuple[datetime | None, datetime | None, datetime | None]:
    """Give when it started, when it is expected to, and when it ended.

    What squeue's times mean depends on the state. A waiting job's start is the scheduler's
    estimate; the end of a job that has not ended is its limit. A job that ended without having
    run gets its end as start, and has no nodes.
    """
    start, end = parse_time(row.starttime), parse_time(row.endtime)
    if state is JobState.PENDING:
        return None, start, None
    if not state.is_terminal:
        return start, None, None
    return start if told(row.nodelist) else None, None, end


def _shape(row: _ShapeRow) -> _Shape:
    """Read size and request; parts of a request that make no sense are left out."""
    tres = parse_tres(row.tres_alloc)
    node_count = parse_count(row.numnodes)
    task_count = _lenient(parse_count, row.numtasks, 0)
    request = JobRequest(
        gpus=(
            *read_gpu_request(GpuScope.JOB, row.tres_per_job),
            *read_gpu_request(GpuScope.NODE, row.tres_per_node),
            *read_gpu_request(GpuScope.SOCKET, row.tres_per_socket),
            *read_gpu_request(GpuScope.TASK, row.tres_per_task),
        ),
        features=told(row.feature),
        required_nodes=told(row.reqnodes),
        excluded_nodes=told(row.excnodes),
        reservation=told(row.reservation),
        licenses=told(row.licenses),
        is_exclusive=row.oversubscribe in _EXCLUSIVE,
        is_batch=_YES_OR_NO.get(row.batchflag),
        may_requeue=_YES_OR_NO.get(row.requeue),
        task_count=task_count,
        nice=_lenient(parse_number, row.nice, None),
        deadline_at=_lenient(parse_time, row.deadline, None),
    )
    gpus = count_gpus(tres, request.gpus, node_count=node_count, task_count=task_count)
    return _Shape(
        node_count=node_count,
        tres=tres,
        tres_text=told(row.tres_alloc),
        gpus=gpus,
        request=request,
    )


_known_shape = lru_cache(maxsize=8192)(_shape)


def _lenient(parse: Callable[[str], _T], text: str, otherwise: _T) -> _T:
    """Read what a job can do without."""
    try:
        return parse(text)
    except SlurmParseError:
        return otherwise
