"""A job to and from its protobuf message; one line a field, so that a new one cannot hide."""

from functools import lru_cache

from google.protobuf.message import DecodeError

from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.job_parts import (
    LONGEST_REMEMBERED,
    NO_REQUEST,
    Dependency,
    GpuSource,
    JobRequest,
)
from slurmfleet.contracts.jobs import NO_GPUS, NO_TASKS, Job, JobState
from slurmfleet.contracts.mirror import fill, value_of
from slurmfleet.contracts.moments import from_timestamp, to_timestamp
from slurmfleet.pb.v1 import facts_pb2 as pb


class UndecodableJobError(ValueError):
    """Bytes that are said to hold a job and do not."""


def job_to_pb(job: Job) -> pb.Job:
    """Give the message of a job."""
    message = pb.Job(
        job_id=job.job_id,
        state=job.state,
        state_flags=job.state_flags,
        gpus_by_type=dict(job.gpus_by_type),
        task_states={str(state): count for state, count in job.task_states.items()},
        submitted_at=to_timestamp(job.submitted_at),
        raw_id=job.raw_id,
        node_count=job.node_count,
        cpu_count=job.cpu_count,
        gpu_count=job.gpu_count,
        restart_count=job.restart_count,
        reason=job.reason,
        name=job.name,
        user=job.user,
        account=job.account,
        partition=job.partition,
        qos=job.qos,
        node_list=job.node_list,
        tres=job.tres,
        dependency=job.dependency,
        work_dir=job.work_dir,
        command=job.command,
        stdout_path=job.stdout_path,
        stderr_path=job.stderr_path,
        comment=job.comment,
        submit_line=job.submit_line,
        array_pending=job.array_pending,
        time_limit_s=job.time_limit_s,
        memory_mib=job.memory_mib,
        priority=job.priority,
        exit_code=job.exit_code,
        exit_signal=job.exit_signal,
        array_job_id=job.array_job_id,
        array_task_id=job.array_task_id,
        het_job_id=job.het_job_id,
        het_offset=job.het_offset,
        node_names=job.node_names,
        node_names_cut=not job.has_all_node_names,
        batch_host=job.batch_host,
        gpu_source=job.gpu_source,
        dependencies=[_dependency_to_pb(one) for one in job.dependencies],
        request=None if job.request is NO_REQUEST else _request_to_pb(job.request),
        stdin_path=job.stdin_path,
        unexpanded_paths=job.unexpanded_paths,
        sluid=job.sluid,
    )
    if job.eligible_at is not None:
        message.eligible_at.CopyFrom(to_timestamp(job.eligible_at))
    if job.started_at is not None:
        message.started_at.CopyFrom(to_timestamp(job.started_at))
    if job.expected_start_at is not None:
        message.expected_start_at.CopyFrom(to_timestamp(job.expected_start_at))
    if job.ended_at is not None:
        message.ended_at.CopyFrom(to_timestamp(job.ended_at))
    return message


def job_from_pb(message: pb.Job) -> Job:
    """Give the job of a message; a state that this version does not know is UNKNOWN."""
    has = message.HasField
    return Job(
        job_id=JobId(message.job_id),
        state=to_state(message.state),
        state_flags=tuple(message.state_flags),
        gpus_by_type=dict(message.gpus_by_type) if message.gpus_by_type else NO_GPUS,
        task_states=(
            {to_state(name): count for name, count in message.task_states.items()}
            if message.task_states
            else NO_TASKS
        ),
        submitted_at=from_timestamp(message.submitted_at),
        raw_id=message.raw_id,
        node_count=message.node_count,
        cpu_count=message.cpu_count,
        gpu_count=message.gpu_count,
        restart_count=message.restart_count,
        reason=message.reason,
        name=message.name,
        user=message.user,
        account=message.account,
        partition=message.partition,
        qos=message.qos,
        node_list=message.node_list,
        tres=message.tres,
        dependency=message.dependency,
        work_dir=message.work_dir,
        command=message.command,
        stdout_path=message.stdout_path,
        stderr_path=message.stderr_path,
        comment=message.comment,
        submit_line=message.submit_line,
        array_pending=message.array_pending,
        time_limit_s=message.time_limit_s if has("time_limit_s") else None,
        memory_mib=message.memory_mib if has("memory_mib") else None,
        priority=message.priority if has("priority") else None,
        exit_code=message.exit_code if has("exit_code") else None,
        exit_signal=message.exit_signal if has("exit_signal") else None,
        array_job_id=message.array_job_id if has("array_job_id") else None,
        array_task_id=message.array_task_id if has("array_task_id") else None,
        het_job_id=message.het_job_id if has("het_job_id") else None,
        het_offset=message.het_offset if has("het_offset") else None,
        eligible_at=from_timestamp(message.eligible_at) if has("eligible_at") else None,
        started_at=from_timestamp(message.started_at) if has("started_at") else None,
        expected_start_at=from_timestamp(message.expected_start_at)
        if has("expected_start_at")
        else None,
        ended_at=from_timestamp(message.ended_at) if has("ended_at") else None,
        node_names=tuple(message.node_names),
        has_all_node_names=not message.node_names_cut,
        batch_host=message.batch_host,
        gpu_source=_to_source(message),
        dependencies=tuple(value_of(Dependency, one) for one in message.dependencies),
        request=_request_from_pb(message.request) if has("request") else NO_REQUEST,
        stdin_path=message.stdin_path,
        unexpanded_paths=tuple(message.unexpanded_paths),
        sluid=message.sluid,
    )


def job_to_bytes(job: Job) -> bytes:
    """Give a job as bytes, the same for equal jobs."""
    return job_to_pb(job).SerializeToString(deterministic=True)


def job_from_bytes(data: bytes) -> Job:
    """Give the job of `job_to_bytes`, also of an older version of it.

    Raises:
        UndecodableJobError: The bytes are no job, or a moment in it is none that there can be.
    """
    try:
        return job_from_pb(pb.Job.FromString(data))
    except (DecodeError, ValueError, OverflowError) as exc:
        raise UndecodableJobError(str(exc)[:500]) from exc


def _request_to_pb(request: JobRequest) -> pb.JobRequest:
    """Give a request's message, made once for all jobs that asked for the same."""
    return (_remembered_request if request.is_short else _request_message)(request)


def _request_message(request: JobRequest) -> pb.JobRequest:
    message = pb.JobRequest()
    fill(message, request)
    return message


_remembered_request = lru_cache(maxsize=4096)(_request_message)


def _request_from_pb(message: pb.JobRequest) -> JobRequest:
    data = message.SerializeToString()
    if len(data) > LONGEST_REMEMBERED:
        return value_of(JobRequest, message)
    return _request_from_bytes(data)


@lru_cache(maxsize=4096)
def _request_from_bytes(data: bytes) -> JobRequest:
    return value_of(JobRequest, pb.JobRequest.FromString(data))


@lru_cache(maxsize=4096)
def _dependency_to_pb(dependency: Dependency) -> pb.Dependency:
    message = pb.Dependency()
    fill(message, dependency)
    return message


def _to_source(message: pb.Job) -> GpuSource:
    """Read what GPUs were counted by; before there was the field it was TRES alone."""
    if not message.gpu_source:
        return GpuSource.TRES if message.gpu_count else GpuSource.NONE
    return _SOURCES.get(message.gpu_source, GpuSource.UNKNOWN)


_SOURCES = {str(source): source for source in GpuSource}


_STATES = {str(state): state for state in JobState}


def to_state(word: str) -> JobState:
    """Read a state's name; what is not known becomes UNKNOWN."""
    return _STATES.get(word, JobState.UNKNOWN)
