"""A job that Slurm queues again: each of its runs ends once."""

from dataclasses import replace
from datetime import timedelta

from services.collector.jobs.diff import open_questions
from services.collector.jobs.verdicts import VANISHED_AFTER
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, JobState
from tests.unit.collector.jobs.playing import AGAIN, COMPLETED, FAILED, PENDING, RUNNING, T0, Watch


def test_a_requeue_is_the_same_job_with_a_higher_restart_count():
    watch = Watch()
    watch.look([RUNNING])
    again = replace(
        PENDING, submitted_at=T0 + timedelta(seconds=60), restart_count=1, reason="BeginTime"
    )
    running_again = replace(
        RUNNING,
        submitted_at=again.submitted_at,
        restart_count=1,
        started_at=T0 + timedelta(seconds=70),
    )

    told = [
        watch.look([again]),
        watch.look([running_again]),
        watch.look([replace(running_again, state=JobState.COMPLETED, ended_at=watch.now)]),
    ]

    assert told == [["7 submitted PENDING"], ["7 started RUNNING"], ["7 ended COMPLETED"]]
    assert {fact.job.submitted_at for fact in watch.facts} == {T0}
    assert len({fact.fact_id for fact in watch.facts}) == 5


def test_accounting_tells_how_the_run_before_a_requeue_ended():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([AGAIN])
    preempted = replace(FAILED, state=JobState.PREEMPTED, exit_code=0, restart_count=1)

    told = watch.look([AGAIN], [preempted, AGAIN])

    assert told == ["7 ended PREEMPTED"]
    assert watch.facts[-1].job.restart_count == 0
    assert watch.facts[-1].job.ended_at == FAILED.ended_at
    assert watch.facts[-1].revision < watch.facts[-2].revision, "the row shows the present run"
    assert watch.memory[JobId("7")].job.state is JobState.PENDING
    assert open_questions(watch.memory) == frozenset()


def test_a_run_that_accounting_calls_requeued_ended_as_that():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([AGAIN])
    row = replace(PENDING, state_flags=("REQUEUED",), ended_at=T0 + timedelta(seconds=59))

    told = watch.look([AGAIN], [row, AGAIN])

    assert told == ["7 ended REQUEUED"]
    assert watch.facts[-1].job.ended_at == T0 + timedelta(seconds=59)


def test_a_row_that_is_still_open_does_not_end_the_run_before_a_requeue():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([AGAIN])

    assert watch.look([AGAIN], [RUNNING, AGAIN]) == []


def test_a_requeue_that_accounting_never_tells_is_believed_of_the_queue():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([AGAIN])

    told = [one for _ in range(6) for one in watch.look([AGAIN], [])]

    assert told == ["7 ended REQUEUED"]
    assert watch.facts[-1].source is Evidence.QUEUE
    assert watch.facts[-1].job.ended_at == AGAIN.submitted_at


def test_two_requeues_before_accounting_answers_each_end_once():
    watch = Watch()
    third = replace(AGAIN, submitted_at=T0 + timedelta(seconds=120), restart_count=2)
    watch.look([RUNNING])
    watch.look([AGAIN])
    watch.look([third])
    rows = [
        replace(FAILED, state=JobState.NODE_FAIL),
        replace(FAILED, state=JobState.PREEMPTED, submitted_at=AGAIN.submitted_at),
    ]

    told = watch.look([third], rows)

    assert told == ["7 started RUNNING", "7 ended NODE_FAIL", "7 ended PREEMPTED"]
    assert [fact.job.restart_count for fact in watch.facts[-3:]] == [1, 0, 1]


def test_a_run_whose_end_was_told_before_the_requeue_is_not_ended_again():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([replace(FAILED, state=JobState.NODE_FAIL)])

    told = watch.look([AGAIN])

    assert told == ["7 submitted PENDING"]
    assert watch.memory[JobId("7")].past_runs == ()


def test_a_requeue_and_end_while_nobody_looked_is_believed():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])
    later = replace(COMPLETED, submitted_at=T0 + timedelta(minutes=7))

    told = watch.look([], [later])

    assert told == ["7 submitted PENDING", "7 started RUNNING", "7 ended COMPLETED"]
    assert [fact.job.restart_count for fact in watch.facts[-3:]] == [1, 1, 1]
    assert len(watch.memory[JobId("7")].past_runs) == 1, "how the first run ended is still asked"


def test_a_job_that_comes_back_requeued_is_missing_no_more():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])
    watch.look([AGAIN])

    told = watch.look(None, [], after=VANISHED_AFTER * 2)

    assert told == []
    assert watch.memory[AGAIN.job_id].missing_since is None


def test_a_job_that_vanishes_still_owes_the_end_of_the_run_before():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([AGAIN])
    watch.look([])
    vanished = watch.look(None, [], after=VANISHED_AFTER * 2)

    told = watch.look(None, [replace(FAILED, state=JobState.NODE_FAIL)])

    assert vanished == ["7 vanished VANISHED"]
    assert told == ["7 ended NODE_FAIL"]
