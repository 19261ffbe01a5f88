"""A job as it was at an earlier stage of its run; pure."""

from dataclasses import replace

from slurmfleet.contracts.jobs import Job, JobState


def as_submitted(job: Job) -> Job:
    """Give the job as it was when it was accepted: what came later is not in the fact."""
    if job.state is JobState.PENDING:
        return job
    return replace(
        job,
        state=JobState.PENDING,
        state_flags=(),
        reason="",
        started_at=None,
        ended_at=None,
        node_list="",
        exit_code=None,
        exit_signal=None,
    )


def as_started(job: Job) -> Job:
    """Give the job as it was when it started."""
    if not (job.state.is_terminal or job.state is JobState.VANISHED):
        return job
    return replace(
        job,
        state=JobState.RUNNING,
        state_flags=(),
        reason="",
        ended_at=None,
        exit_code=None,
        exit_signal=None,
    )
