"""What follows from looks at a cluster."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.collector.jobs.coverage import Coverage
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import JobState
from tests.unit.collector.jobs.playing import COMPLETED, FAILED, PENDING, RUNNING, T0, Watch


def test_a_job_is_told_as_submitted_started_and_ended():
    watch = Watch()

    told = [watch.look([PENDING]), watch.look([RUNNING]), watch.look([COMPLETED])]

    assert told == [["7 submitted PENDING"], ["7 started RUNNING"], ["7 ended COMPLETED"]]


def test_a_job_that_lived_between_two_looks_is_told_whole_and_in_order():
    watch = Watch()

    told = watch.look([FAILED])

    assert told == ["7 submitted PENDING", "7 started RUNNING", "7 ended FAILED"]


def test_the_same_look_twice_tells_nothing_the_second_time():
    watch = Watch()
    watch.look([RUNNING])

    assert watch.look([RUNNING]) == []


def test_a_failed_section_changes_nothing():
    watch = Watch()
    watch.look([RUNNING])
    before = dict(watch.memory)

    told = watch.look(None)

    assert (told, watch.memory) == ([], before)


def test_a_job_cancelled_while_waiting_never_started():
    watch = Watch()
    watch.look([PENDING])

    told = watch.look(
        [replace(PENDING, state=JobState.CANCELLED, started_at=T0, ended_at=T0, reason="")]
    )

    assert told == ["7 ended CANCELLED"]
    assert watch.facts[-1].job.started_at is None


def test_a_job_of_somebody_who_was_not_listed_is_not_missed():
    watch = Watch()
    watch.look([RUNNING])

    told = watch.look([], covered=Coverage.of(["bob"], ["physics"]))

    assert told == []


@pytest.mark.parametrize("covered", [Coverage.of(["alice"]), Coverage.of([], ["ML"])])
def test_a_job_is_missed_where_its_user_or_account_was_listed(covered: Coverage):
    watch = Watch()
    watch.look([RUNNING])

    assert watch.look([], covered=covered) == ["7 changed RUNNING"]


def test_a_listing_by_user_takes_up_no_jobs_of_accounts_that_nobody_follows():
    watch = Watch()
    other = replace(RUNNING, job_id=JobId("8"), raw_id=8, account="private", user="carol")

    told = watch.look([RUNNING, other], followed=Coverage.of([], ["ml"]))

    assert told == ["7 submitted PENDING", "7 started RUNNING"]


def test_a_job_that_is_followed_no_more_still_gets_its_end():
    watch = Watch()
    watch.look([RUNNING])
    followed = Coverage.of(["bob"])

    told = watch.look(None, [COMPLETED], followed=followed)

    assert told == ["7 ended COMPLETED"]


def test_a_job_that_only_accounting_saw_is_told_whole_if_it_is_followed():
    watch = Watch()
    other = replace(FAILED, job_id=JobId("8"), raw_id=8, user="bob", account="physics")

    told = watch.look(None, [FAILED, other], followed=Coverage.of(["alice"]))

    assert told == ["7 submitted PENDING", "7 started RUNNING", "7 ended FAILED"]


def test_an_unchanged_record_is_news_again_for_a_job_that_was_missed():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])

    told = watch.look([RUNNING], unchanged=frozenset({RUNNING.job_id}))

    assert told == ["7 changed RUNNING"]


def test_a_recycled_id_is_another_job():
    watch = Watch()
    watch.look([COMPLETED])
    other = replace(PENDING, submitted_at=T0 + timedelta(days=400), name="other")

    told = watch.look([other], after=timedelta(days=401))

    assert told == ["7 submitted PENDING"]
    assert watch.facts[-1].job.submitted_at == other.submitted_at


def test_a_recycled_id_of_a_job_that_never_ended_vanishes_it_first():
    watch = Watch()
    watch.look([RUNNING])
    other = replace(PENDING, submitted_at=T0 + timedelta(days=400))

    told = watch.look([other], after=timedelta(days=401))

    assert told == ["7 submitted PENDING", "7 vanished VANISHED"]


def test_a_moving_start_estimate_is_no_news_until_it_moves_far():
    watch = Watch()
    watch.look([replace(PENDING, expected_start_at=T0 + timedelta(hours=1))])

    told = [
        watch.look([replace(PENDING, expected_start_at=T0 + timedelta(minutes=61), priority=9)]),
        watch.look([replace(PENDING, expected_start_at=T0 + timedelta(minutes=90))]),
    ]

    assert told == [[], ["7 changed PENDING"]]


def test_revisions_grow_even_when_the_clock_is_set_back():
    watch = Watch()
    watch.look([PENDING])

    watch.look([RUNNING], after=timedelta(hours=-1))

    assert watch.facts[1].revision > watch.facts[0].revision
