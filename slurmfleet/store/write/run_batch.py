"""Runs that ended as the columns that the statements take; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slurmfleet.contracts.events import JobChanged, JobFact
from slurmfleet.contracts.jobs import JobState
from slurmfleet.store.write.columns import number_array, text_array, time_array

_OVER = frozenset(state for state in JobState if state.is_terminal) | {
    JobState.VANISHED,
    JobState.REQUEUED,
}
_LONGEST = timedelta(days=3_660)
"""A start long before that is a clock's mistake; each day of a run is marked by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What a batch says of runs."""

    ended: Sequence[JobFact]
    """The newest fact of each run that is over."""

    touched: Sequence[JobFact]
    """Facts by which runs that are stored may count for something else: the job lives again, in
    the same run or in another."""


def runs_in(facts: Iterable[JobFact]) -> Runs:
    """Find what a batch says of runs."""
    ended: dict[tuple[object, ...], JobFact] = {}
    touched: list[JobFact] = []
    for fact in facts:
        job = fact.job
        if job.state in _OVER:
            key = (fact.cluster, job.job_id, job.submitted_at, job.restart_count)
            seen = ended.get(key)
            if seen is None or fact.revision > seen.revision:
                ended[key] = fact
        elif isinstance(fact, JobChanged) and "state" in fact.changed:
            touched.append(fact)
        if job.restart_count:
            touched.append(fact)
    return Runs(ended=list(ended.values()), touched=touched)


def run_columns(facts: Sequence[JobFact]) -> Mapping[str, str]:
    """Give the columns of `write_ended_runs`: an array literal per name, one element per run."""
    jobs = [fact.job for fact in facts]
    ends = [_ended_at(fact) for fact in facts]
    starts = [
        max(job.started_at, end - _LONGEST) if job.started_at is not None else None
        for job, end in zip(jobs, ends, strict=True)
    ]
    return {
        **key_columns(facts),
        "restart_count": number_array([job.restart_count for job in jobs]),
        "revision": number_array([fact.revision for fact in facts]),
        "state": text_array([job.state for job in jobs]),
        "partition": text_array([job.partition for job in jobs]),
        "started_at": time_array(starts),
        "ended_at": time_array(ends),
        "gpu_count": number_array([job.gpu_count for job in jobs]),
        "cpu_count": number_array([job.cpu_count for job in jobs]),
    }


def key_columns(facts: Sequence[JobFact]) -> Mapping[str, str]:
    """Give the columns of a job's key: an array literal per name, one element per fact."""
    return {
        "cluster": text_array([fact.cluster for fact in facts]),
        "job_id": text_array([fact.job.job_id for fact in facts]),
        "submitted_at": time_array([fact.job.submitted_at for fact in facts]),
    }


def _ended_at(fact: JobFact) -> datetime:
    """Give when the run was over; one that vanished cannot have outlasted its time limit."""
    job = fact.job
    if job.ended_at is not None:
        return job.ended_at
    if job.started_at is None or job.time_limit_s is None:
        return fact.observed_at
    try:
        return min(fact.observed_at, job.started_at + timedelta(seconds=job.time_limit_s))
    except OverflowError:
        return fact.observed_at
