"""The roll names every live job once, in messages that the bus can carry."""

from dataclasses import replace
from datetime import timedelta

from services.collector.jobs.roll import ENTRIES, roll
from services.collector.jobs.tracked import Tracked
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.contracts.surveys import RollEntry
from tests.unit.collector.jobs.playing import COMPLETED, RUNNING, T0

ALPHA = ClusterName("alpha")


def tracked(job: Job) -> Tracked:
    return Tracked(job=job, revision=1, observed_at=T0, source=Evidence.QUEUE, run_submitted_at=T0)


def test_it_names_what_lives_and_leaves_out_what_has_ended():
    over = replace(COMPLETED, job_id=JobId("8"))
    memory = {job.job_id: tracked(job) for job in (RUNNING, over)}

    (part,) = roll(ALPHA, memory, T0 + timedelta(minutes=1))

    assert part.jobs == (RollEntry(job_id=JobId("7"), submitted_at=T0, revision=1),)
    assert (part.part, part.parts) == (0, 1)


def test_a_job_that_was_given_up_is_not_called_any_more():
    given_up = replace(RUNNING, job_id=JobId("8"), state=JobState.VANISHED)

    (part,) = roll(ALPHA, {JobId("8"): tracked(given_up)}, T0)

    assert part.jobs == ()


def test_a_cluster_without_live_jobs_has_an_empty_roll():
    (part,) = roll(ALPHA, {}, T0)

    assert (part.jobs, part.parts) == ((), 1)


def test_a_long_roll_is_told_in_parts():
    jobs = [replace(RUNNING, job_id=JobId(str(number))) for number in range(1, 2 * ENTRIES + 2)]

    parts = roll(ALPHA, {job.job_id: tracked(job) for job in jobs}, T0)

    assert [len(part.jobs) for part in parts] == [ENTRIES, ENTRIES, 1]
    assert [(part.part, part.parts) for part in parts] == [(0, 3), (1, 3), (2, 3)]
    assert len({part.fact_id for part in parts}) == 3


def test_on_request_what_is_over_is_named_as_well():
    over = replace(COMPLETED, job_id=JobId("8"))
    memory = {job.job_id: tracked(job) for job in (RUNNING, over)}

    (part,) = roll(ALPHA, memory, T0, with_ended=True)

    assert [one.job_id for one in part.jobs] == ["7", "8"]
