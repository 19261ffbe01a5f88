"""What is done about jobs that the store and a roll tell differently."""

from collections.abc import Sequence
from datetime import timedelta

from services.projector.repairs import (
    GIVEN_UP_FOR,
    MOST_REPAIRS,
    MOST_TRIES,
    ON_ITS_WAY,
    Key,
    Plan,
    Tries,
    counted,
    in_chunks,
    plan,
)
from services.projector.rolls import Roll
from slurmfleet.contracts.ids import JobId
from slurmfleet.store.read.rolls import Drift, MissedJob, UnnamedJob
from slurmfleet.testing.builders import ALPHA, NOON

LONG_AGO = timedelta(hours=1)
EVERY = timedelta(minutes=10)


def a_roll(number: int = 0) -> Roll:
    return Roll(cluster=ALPHA, called_at=NOON + number * EVERY, entries=())


def key(number: int, submitted: timedelta = LONG_AGO) -> Key:
    return JobId(str(number)), NOON - submitted


def drift(unnamed: Sequence[Key] = (), missed: Sequence[Key] = ()) -> Drift:
    return Drift(
        unnamed=tuple(
            UnnamedJob(job_id=job_id, submitted_at=moment, observed_at=NOON - LONG_AGO)
            for job_id, moment in unnamed
        ),
        missed=tuple(MissedJob(job_id=job_id, submitted_at=moment) for job_id, moment in missed),
    )


def over_rolls(found: Drift, rolls: int) -> list[Plan]:
    """Play rolls in which nothing that was asked for helps."""
    plans: list[Plan] = []
    tries: Tries = {}
    for number in range(rolls):
        wanted = plan(a_roll(number), found, tries)
        tries = counted(wanted.tries, [*wanted.adopt, *wanted.tell_again], a_roll(number))
        plans.append(wanted)
    return plans


def test_what_the_roll_does_not_name_is_adopted_and_what_was_missed_told_again():
    wanted = plan(a_roll(), drift([key(1)], [key(2)]), {})

    assert (wanted.adopt, wanted.tell_again, wanted.left) == ((key(1),), (key(2),), 0)


def test_what_was_seen_about_when_the_roll_was_called_is_not_touched():
    def seen(ago: timedelta) -> UnnamedJob:
        return UnnamedJob(job_id=JobId("1"), submitted_at=NOON - ago, observed_at=NOON - ago)

    ages = (-EVERY, timedelta(0), ON_ITS_WAY, ON_ITS_WAY + timedelta(seconds=1))
    wanted = [plan(a_roll(), Drift(unnamed=(seen(age),), missed=()), {}) for age in ages]

    assert [len(one.adopt) for one in wanted] == [0, 0, 0, 1]
    assert [one.left for one in wanted] == [0, 0, 0, 0]


def test_two_jobs_with_one_recycled_id_are_two_jobs():
    old, new = key(1, timedelta(days=9)), key(1)

    wanted = plan(a_roll(), drift([old], [new]), counted({}, [old] * MOST_TRIES, a_roll()))

    assert (wanted.adopt, wanted.tell_again) == ((old,), (new,))


def test_only_so_many_are_asked_for_and_the_rest_is_left_for_later_rolls():
    many = [key(number) for number in range(MOST_REPAIRS + 5)]

    first = plan(a_roll(), drift(many, many), {})
    second = plan(a_roll(1), drift(many), counted(first.tries, first.adopt, a_roll()))

    assert (first.adopt, first.left) == (tuple(many[:MOST_REPAIRS]), 10)
    assert second.adopt[:5] == tuple(many[MOST_REPAIRS:])


def test_what_cannot_be_repaired_is_given_up_and_told_once():
    plans = over_rolls(drift([key(1)], [key(2)]), MOST_TRIES + 3)

    asked = [(one.adopt, one.tell_again) for one in plans]
    assert asked == [((key(1),), (key(2),))] * MOST_TRIES + [((), ())] * 3
    assert [one.given_up for one in plans] == [()] * MOST_TRIES + [(key(1), key(2)), (), ()]
    assert [one.left for one in plans] == [0] * len(plans)


def test_what_was_given_up_is_tried_again_after_a_day():
    rolls = MOST_TRIES + int(GIVEN_UP_FOR / EVERY) + 1
    plans = over_rolls(drift([key(1)]), rolls)

    asked = [number for number, one in enumerate(plans) if one.adopt]
    assert asked == [*range(MOST_TRIES), MOST_TRIES - 1 + int(GIVEN_UP_FOR / EVERY), rolls - 1]


def test_what_was_repaired_is_forgotten():
    tries = counted({}, [key(1), key(2)], a_roll())

    wanted = plan(a_roll(1), drift([key(2)]), tries)

    assert set(wanted.tries) == {key(2)}


def test_silence_costs_a_job_no_try():
    wanted = plan(a_roll(), drift([key(1)]), {})

    assert wanted.tries == {}


def test_chunks_are_bounded_in_number_and_bytes_and_leave_nothing_out():
    sizes = [1, 1, 1, 9, 30, 2, 8, 1]

    chunks = [sizes[one] for one in in_chunks(sizes, most=3, most_bytes=10)]

    assert chunks == [[1, 1, 1], [9], [30], [2, 8], [1]]
    assert list(in_chunks([], most=3, most_bytes=10)) == []
