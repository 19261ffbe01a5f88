from dataclasses import fields
from datetime import timedelta

import pytest

from slurmfleet.contracts.events import JobEnded, JobFact, JobStarted, JobSubmitted, JobVanished
from slurmfleet.contracts.jobs import Evidence, Job
from slurmfleet.store.write.job_batch import Newest, job_columns, newest_per_job, occurred_at
from slurmfleet.testing.builders import ALPHA, NOON, a_full_job, a_job

SEEN = NOON + timedelta(hours=1)


def told(kind: type[JobFact], job: Job, revision: int = 1, minute: int = 0) -> JobFact:
    return kind(
        cluster=ALPHA,
        job=job,
        observed_at=SEEN + timedelta(minutes=minute),
        revision=revision,
        source=Evidence.QUEUE,
    )


def test_the_highest_revision_of_a_job_is_its_newest_fact():
    old, new = a_job(reason="Priority"), a_job(reason="Resources")
    facts = [told(JobStarted, new, 3, 0), told(JobSubmitted, old, 2, -5), told(JobEnded, new, 1)]

    assert newest_per_job(facts) == [
        Newest(fact=facts[0], first_observed_at=SEEN - timedelta(minutes=5))
    ]


def test_every_field_of_a_job_has_a_column():
    columns = job_columns(newest_per_job([told(JobStarted, a_full_job())]))
    expected = {field.name for field in fields(Job)} | {
        "cluster",
        "revision",
        "observed_at",
        "source",
        "first_observed_at",
        "vanished_at",
        "project",
    }

    assert set(columns) == expected


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (told(JobSubmitted, a_job()), NOON),
        (told(JobSubmitted, a_job(restart_count=1)), SEEN),
        (told(JobStarted, a_job(started_at=NOON + timedelta(minutes=9))), NOON.replace(minute=9)),
        (told(JobStarted, a_job()), SEEN),
        (told(JobEnded, a_job(ended_at=NOON + timedelta(minutes=8))), NOON.replace(minute=8)),
        (told(JobEnded, a_job()), SEEN),
        (told(JobVanished, a_job(started_at=NOON)), SEEN),
    ],
)
def test_a_fact_occurred_when_slurm_says_so(fact: JobFact, expected: object):
    assert occurred_at(fact) == expected
