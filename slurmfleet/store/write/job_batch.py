"""Job facts as the columns that the statements take; pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slurmfleet.analysis.projects import OWN_PROJECTS, ProjectOf
from slurmfleet.contracts.events import JobChanged, JobEnded, JobFact, JobStarted, JobSubmitted
from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.store.job_details import dependencies_json, request_json
from slurmfleet.store.write.columns import json_array, number_array, text_array, time_array

_TEXTS: Mapping[str, Callable[[Job], str]] = {
    "job_id": lambda job: job.job_id,
    "state": lambda job: job.state,
    "reason": lambda job: job.reason,
    "name": lambda job: job.name,
    "user": lambda job: job.user,
    "account": lambda job: job.account,
    "partition": lambda job: job.partition,
    "qos": lambda job: job.qos,
    "node_list": lambda job: job.node_list,
    "tres": lambda job: job.tres,
    "dependency": lambda job: job.dependency,
    "work_dir": lambda job: job.work_dir,
    "command": lambda job: job.command,
    "stdout_path": lambda job: job.stdout_path,
    "stderr_path": lambda job: job.stderr_path,
    "comment": lambda job: job.comment,
    "submit_line": lambda job: job.submit_line,
    "array_pending": lambda job: job.array_pending,
    "batch_host": lambda job: job.batch_host,
    "gpu_source": lambda job: job.gpu_source,
    "stdin_path": lambda job: job.stdin_path,
    "sluid": lambda job: job.sluid,
    "dependencies": lambda job: dependencies_json(job.dependencies),
    "request": lambda job: request_json(job.request),
}
_NUMBERS: Mapping[str, Callable[[Job], int | None]] = {
    "raw_id": lambda job: job.raw_id,
    "time_limit_s": lambda job: job.time_limit_s,
    "node_count": lambda job: job.node_count,
    "cpu_count": lambda job: job.cpu_count,
    "memory_mib": lambda job: job.memory_mib,
    "gpu_count": lambda job: job.gpu_count,
    "priority": lambda job: job.priority,
    "restart_count": lambda job: job.restart_count,
    "exit_code": lambda job: job.exit_code,
    "exit_signal": lambda job: job.exit_signal,
    "array_job_id": lambda job: job.array_job_id,
    "array_task_id": lambda job: job.array_task_id,
    "het_job_id": lambda job: job.het_job_id,
    "het_offset": lambda job: job.het_offset,
}
_TIMES: Mapping[str, Callable[[Job], datetime | None]] = {
    "submitted_at": lambda job: job.submitted_at,
    "eligible_at": lambda job: job.eligible_at,
    "started_at": lambda job: job.started_at,
    "expected_start_at": lambda job: job.expected_start_at,
    "ended_at": lambda job: job.ended_at,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest fact of one job in a batch, and when the batch first saw the job."""

    fact: JobFact
    first_observed_at: datetime


def newest_per_job(facts: Sequence[JobFact]) -> Sequence[Newest]:
    """Give one entry per job: the highest revision decides, whatever the order."""
    found: dict[tuple[str, str, datetime], Newest] = {}
    for fact in facts:
        key = (fact.cluster, fact.job.job_id, fact.job.submitted_at)
        seen = found.get(key)
        if seen is None:
            found[key] = Newest(fact=fact, first_observed_at=fact.observed_at)
            continue
        found[key] = Newest(
            fact=fact if fact.revision > seen.fact.revision else seen.fact,
            first_observed_at=min(seen.first_observed_at, fact.observed_at),
        )
    return list(found.values())


def job_columns(batch: Sequence[Newest], project_of: ProjectOf = OWN_PROJECTS) -> dict[str, str]:
    """Give the columns of `upsert_jobs`: an array literal per name, one element per job."""
    facts = [one.fact for one in batch]
    jobs = [fact.job for fact in facts]
    return {
        **{name: text_array([get(job) for job in jobs]) for name, get in _TEXTS.items()},
        **{name: number_array([get(job) for job in jobs]) for name, get in _NUMBERS.items()},
        **{name: time_array([get(job) for job in jobs]) for name, get in _TIMES.items()},
        "state_flags": text_array([text_array(job.state_flags) for job in jobs]),
        "node_names": text_array([text_array(job.node_names) for job in jobs]),
        "unexpanded_paths": text_array([text_array(job.unexpanded_paths) for job in jobs]),
        "has_all_node_names": number_array([job.has_all_node_names for job in jobs]),
        "gpus_by_type": json_array([job.gpus_by_type for job in jobs]),
        "task_states": json_array([job.task_states for job in jobs]),
        "project": text_array([project_of(job.name) for job in jobs]),
        "cluster": text_array([fact.cluster for fact in facts]),
        "revision": number_array([fact.revision for fact in facts]),
        "observed_at": time_array([fact.observed_at for fact in facts]),
        "source": text_array([fact.source for fact in facts]),
        "first_observed_at": time_array([one.first_observed_at for one in batch]),
        "vanished_at": time_array(
            [fact.observed_at if fact.job.state is JobState.VANISHED else None for fact in facts]
        ),
    }


def event_columns(facts: Sequence[JobFact]) -> dict[str, str]:
    """Give the columns of `insert_job_events`: an array literal per name, one element per fact."""
    jobs = [fact.job for fact in facts]
    told = ("job_id", "state", "reason", "name", "user", "account")
    return {
        **{name: text_array([_TEXTS[name](job) for job in jobs]) for name in told},
        "event_id": text_array([fact.fact_id for fact in facts]),
        "cluster": text_array([fact.cluster for fact in facts]),
        "submitted_at": time_array([job.submitted_at for job in jobs]),
        "restart_count": number_array([job.restart_count for job in jobs]),
        "verb": text_array([fact.verb for fact in facts]),
        "source": text_array([fact.source for fact in facts]),
        "occurred_at": time_array([occurred_at(fact) for fact in facts]),
        "observed_at": time_array([fact.observed_at for fact in facts]),
        "revision": number_array([fact.revision for fact in facts]),
        "changed": text_array([text_array(_changed(fact)) for fact in facts]),
    }


def occurred_at(fact: JobFact) -> datetime:
    """Give Slurm's own time for a fact, or when it was seen where Slurm does not say.

    A requeue keeps the submit time of the first submission, so that time is not the requeue's.
    """
    match fact:
        case JobSubmitted() if fact.job.restart_count == 0:
            return fact.job.submitted_at
        case JobStarted():
            return fact.job.started_at or fact.observed_at
        case JobEnded():
            return fact.job.ended_at or fact.observed_at
        case _:
            return fact.observed_at


def _changed(fact: JobFact) -> tuple[str, ...]:
    return fact.changed if isinstance(fact, JobChanged) else ()
