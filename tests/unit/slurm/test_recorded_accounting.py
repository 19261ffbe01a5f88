"""What sacct told of jobs, as recorded from real Slurm."""

import pytest

from slurmfleet.contracts.jobs import JobState
from slurmfleet.slurm.columns import ANY_SLURM
from tests.unit.slurm.recorded import (
    ENDED,
    PREEMPTED_FOR_GOOD,
    WAITING,
    Recorded,
    by_label,
    read_accounting,
)


def test_recorded_fields_of_accounting_are_ours(recorded: Recorded):
    assert recorded("accounting").dialect.accounting == ANY_SLURM.accounting


def test_sacct_tells_how_jobs_ended(recorded: Recorded):
    recording = recorded("accounting-newest")

    jobs = by_label(read_accounting(recording), recording.labels)

    wanted = ENDED | {"timeout": (JobState.TIMEOUT, 0, 0)}
    wanted |= {"cancelled-running": (JobState.CANCELLED, 0, 0)}
    seen = {
        label: (jobs[label].state, jobs[label].exit_code, jobs[label].exit_signal)
        for label in wanted
    }
    assert seen == wanted
    assert all(jobs[label].started_at and jobs[label].ended_at for label in wanted)
    assert jobs["cancelled-pending"].started_at is None
    assert jobs["cancelled-pending"].ended_at is not None


def test_sacct_shows_that_others_have_not_ended(recorded: Recorded, slurm_version: str):
    recording = recorded("accounting-newest")

    jobs = by_label(read_accounting(recording), recording.labels)

    waiting = {label: jobs[label].state for label in (*WAITING, "requeued-by-node")}
    assert set(waiting.values()) == {JobState.PENDING}
    for_good = slurm_version == PREEMPTED_FOR_GOOD
    assert jobs["preempted"].state is (JobState.PREEMPTED if for_good else JobState.PENDING)
    assert (jobs["running"].state, jobs["running"].ended_at) == (JobState.RUNNING, None)
    assert jobs["suspended"].state is JobState.SUSPENDED
    assert jobs["odd-newline"].name == "line1\nline2"


def test_sacct_shows_earlier_runs_when_asked_for_every_run(recorded: Recorded, slurm_version: str):
    recording = recorded("accounting")
    rows = read_accounting(recording)

    def runs(label: str) -> list[tuple[JobState, tuple[str, ...]]]:
        number = recording.labels[label]
        return [(job.state, job.state_flags) for job in rows.jobs if job.raw_id == number]

    assert runs("requeued") == [(JobState.PENDING, ("REQUEUED",)), (JobState.PENDING, ())]
    assert runs("requeued-by-node") == [(JobState.NODE_FAIL, ()), (JobState.PENDING, ())]
    newer = [] if slurm_version == PREEMPTED_FOR_GOOD else [(JobState.PENDING, ())]
    assert runs("preempted") == [(JobState.PREEMPTED, ()), *newer]


@pytest.mark.parametrize("slurm_version", ["24.11.5", "26.05.5"], indirect=True)
def test_sacct_tells_restarts_where_it_knows_them(recorded: Recorded):
    recording = recorded("accounting-restarts")

    rows = read_accounting(recording)
    jobs = by_label(rows, recording.labels)

    assert len(rows.bad) == 3
    assert [jobs[label].restart_count for label in ("requeued", "completed")] == [1, 0]
