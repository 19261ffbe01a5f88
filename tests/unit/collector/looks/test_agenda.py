"""What accounting is asked about, in which order, and when again."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from services.collector.jobs.coverage import Coverage
from services.collector.jobs.tracked import Tracked
from services.collector.looks.agenda import (
    FOLLOWED_NO_MORE_EVERY,
    MOST_INTRODUCTIONS,
    MOST_JOBS,
    TIMES_INTRODUCED,
    WINDOW_EVERY,
    WINDOW_OVERLAP,
    Agenda,
    Inquired,
    unknown_groups,
)
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.testing.builders import a_job
from slurmfleet.testing.moments import NOON

ALICE = Coverage.of(["alice"])
NOBODY = Coverage.of([])
SECOND = timedelta(seconds=1)


def agenda() -> Agenda:
    return Agenda(hot_interval_s=10, backfill=timedelta(hours=24), backfill_most=timedelta(days=7))


def known(number: int, *, missing: bool = False, **more: object) -> Tracked:
    """Give a running job of alice whose submit line is known, unless told otherwise."""
    job = a_job(str(number), **{"state": JobState.RUNNING, "submit_line": "sbatch x", **more})
    return Tracked(
        job=job,
        revision=1,
        observed_at=NOON,
        source=Evidence.QUEUE,
        run_submitted_at=NOON,
        missing_since=NOON if missing else None,
    )


def memory(entries: Iterable[Tracked]) -> dict[JobId, Tracked]:
    return {entry.job.job_id: entry for entry in entries}


def asked(agenda: Agenda, at: datetime, of: dict[JobId, Tracked], followed: Coverage) -> list[str]:
    """Ask what is to be asked about jobs, and be answered."""
    jobs = agenda.jobs(at, of, followed)
    agenda.answered(Inquired(jobs=jobs), at, of)
    return sorted(jobs)


def row(number: int, task: int | None = None, **more: object) -> Job:
    """Give what accounting tells of an ended task of an array, or of a plain job."""
    if task is None:
        return a_job(str(number), raw_id=number, state=JobState.COMPLETED, **more)
    return a_job(
        f"{number}_{task}",
        raw_id=number + 1 + task,
        state=JobState.COMPLETED,
        array_job_id=number,
        array_task_id=task,
        **more,
    )


def test_of_a_group_that_is_not_known_all_members_are_asked_for():
    component = a_job("70+1", raw_id=71, state=JobState.FAILED, het_job_id=70, het_offset=1)
    known_array = replace(known(60), job=replace(known(60).job, array_job_id=60))
    rows = (row(50, 1), row(50, 2), row(60, 1), row(80), row(90, 1, user="bob"), component)

    assert unknown_groups(rows, memory([known_array]), ALICE) == (50, 70)


def test_a_whole_array_of_somebody_who_is_followed_no_more_is_asked_about():
    of = memory([replace(known(60), job=replace(known(60).job, array_job_id=60))])

    assert asked(agenda(), NOON, of, NOBODY) == ["60"]


def test_a_followed_job_that_goes_on_is_no_question():
    assert agenda().jobs(NOON, memory([known(1)]), ALICE) == frozenset()


def test_a_job_with_an_open_question_is_asked_about_each_time():
    jobs = memory([known(1), known(2, missing=True)])
    one = agenda()

    assert [asked(one, NOON + i * SECOND, jobs, ALICE) for i in range(5)] == [["2"]] * 5


def test_a_job_that_is_followed_no_more_is_asked_about_now_and_then():
    jobs = memory([known(1), known(2, user="bob"), known(3, user="bob", state=JobState.FAILED)])
    jobs[JobId("3")] = replace(jobs[JobId("3")], settled=True)
    one = agenda()
    again = NOON + FOLLOWED_NO_MORE_EVERY

    assert [asked(one, at, jobs, ALICE) for at in (NOON, again, again + SECOND)] == [
        ["2"],
        [],
        ["2"],
    ]


def test_a_live_job_without_a_submit_line_is_introduced_a_few_times_ever_further_apart():
    jobs = memory([known(1, submit_line=""), known(2)])
    one = agenda()

    told = [s for s in range(3_600) if asked(one, NOON + s * SECOND, jobs, ALICE) == ["1"]]

    assert told == [0, 11, 52, 213]


def test_an_introduction_does_not_wait_for_a_clock_that_was_set_back():
    jobs = memory([known(1, submit_line="")])
    one = agenda()
    asked(one, NOON, jobs, ALICE)

    assert one.jobs(NOON - SECOND, jobs, ALICE) == {"1"}


def test_a_job_that_was_forgotten_and_comes_again_is_introduced_anew():
    jobs = memory([known(1, submit_line="")])
    one = agenda()
    for _ in range(TIMES_INTRODUCED):
        asked(one, NOON, jobs, ALICE)
    before = asked(one, NOON, jobs, ALICE)
    asked(one, NOON, {}, ALICE)

    assert (before, asked(one, NOON, jobs, ALICE)) == ([], ["1"])


def test_a_whole_array_is_not_introduced_for_its_tasks_are():
    jobs = memory([known(1, array_job_id=1, submit_line="")])

    assert agenda().jobs(NOON, jobs, ALICE) == frozenset()


def test_open_questions_come_before_all_others():
    open_ones = [known(number, missing=True) for number in range(10_000, 10_000 + MOST_JOBS)]
    others = [known(1, user="bob"), known(2, submit_line="")]

    jobs = agenda().jobs(NOON, memory([*others, *open_ones]), ALICE)

    assert jobs == {entry.job.job_id for entry in open_ones}


def test_introductions_come_last_and_are_few_at_once():
    no_more = [known(number, user="bob") for number in range(1, 4)]
    new = [known(number, submit_line="") for number in range(10, 11 + MOST_INTRODUCTIONS)]

    jobs = agenda().jobs(NOON, memory([*new, *no_more]), ALICE)

    assert jobs == {entry.job.job_id for entry in [*no_more, *new[:MOST_INTRODUCTIONS]]}


def test_jobs_followed_no_more_fill_what_open_questions_leave_and_no_more():
    open_ones = [known(number, missing=True) for number in range(10_000, 9_999 + MOST_JOBS)]
    no_more = [known(number, user="bob") for number in range(1, 4)]

    jobs = agenda().jobs(NOON, memory([*no_more, *open_ones]), ALICE)

    assert jobs == {entry.job.job_id for entry in [no_more[0], *open_ones]}


def test_the_first_window_goes_back_as_far_as_is_configured():
    one = agenda()

    assert one.is_window_due(NOON)
    assert one.window(NOON, None) == (NOON - timedelta(hours=24), NOON)


def test_a_window_overlaps_the_one_before():
    until = NOON - timedelta(minutes=5)

    assert agenda().window(NOON, until) == (until - WINDOW_OVERLAP, NOON)


def test_a_window_after_a_long_outage_goes_back_so_far_and_no_further():
    window = agenda().window(NOON, NOON - timedelta(days=30))

    assert window == (NOON - timedelta(days=7), NOON)


def test_a_window_is_due_again_a_while_after_it_was_answered():
    one = agenda()
    one.answered(Inquired(window=one.window(NOON, None)), NOON, {})

    due = [
        one.is_window_due(NOON + after) for after in (SECOND, WINDOW_EVERY - SECOND, WINDOW_EVERY)
    ]

    assert due == [False, False, True]


def test_an_inquiry_without_window_leaves_the_window_due():
    one = agenda()
    one.answered(Inquired(jobs=frozenset({JobId("1")})), NOON, {})

    assert one.is_window_due(NOON)


def test_inquiries_keep_their_distance():
    one = agenda()
    before = one.wait_s(NOON)
    one.answered(Inquired(), NOON, {})

    waits = [one.wait_s(NOON + timedelta(seconds=after)) for after in (0, 8, 18, 60)]

    assert (before, waits) == (0, [18, 10, 0, 0])


def test_nothing_to_ask_is_an_empty_inquiry():
    assert Inquired().is_empty
    assert not Inquired(jobs=frozenset({JobId("1")})).is_empty
    assert not Inquired(window=(NOON, NOON)).is_empty


def test_a_clock_that_was_set_back_delays_no_inquiry_and_no_window():
    one, earlier = agenda(), NOON - timedelta(hours=2)

    one.answered(Inquired(jobs=frozenset(), window=(NOON, NOON)), NOON, {})

    assert (one.wait_s(earlier), one.is_window_due(earlier)) == (0.0, True)


def test_a_window_that_a_clock_ahead_has_answered_is_asked_for_again():
    ahead = NOON + timedelta(hours=2)

    assert agenda().window(NOON, ahead) == (NOON - timedelta(hours=24), NOON)
