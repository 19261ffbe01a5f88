"""What follows for jobs that left the queue, from what accounting says of them."""

from dataclasses import replace
from datetime import timedelta

from services.collector.jobs.diff import open_questions
from services.collector.jobs.verdicts import RUNAWAY_AFTER, VANISHED_AFTER
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import LEFT_QUEUE, Evidence, JobState
from tests.unit.collector.jobs.playing import COMPLETED, FAILED, PENDING, RUNNING, T0, Watch


def test_a_job_that_left_the_queue_waits_for_accounting():
    watch = Watch()
    watch.look([RUNNING])

    told = [watch.look([]), watch.look([], []), watch.look([], [FAILED])]

    assert told == [["7 changed RUNNING"], [], ["7 ended FAILED"]]
    assert watch.facts[2].job.state_flags == (LEFT_QUEUE,)
    assert watch.facts[-1].source is Evidence.ACCOUNTING
    assert watch.facts[-1].job.state_flags == ()


def test_a_failed_accounting_section_never_makes_a_job_vanish():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])

    told = watch.look([], None, after=10 * VANISHED_AFTER)

    assert told == []


def test_a_job_that_no_source_knows_vanishes_and_may_still_end():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])

    told = [
        watch.look([], [], after=VANISHED_AFTER + timedelta(seconds=2)),
        watch.look([], [], after=timedelta(minutes=1)),
        watch.look([], [COMPLETED], after=timedelta(minutes=1)),
    ]

    assert told == [["7 vanished VANISHED"], [], ["7 ended COMPLETED"]]


def test_a_job_that_accounting_calls_running_does_not_vanish():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])

    told = watch.look([], [RUNNING], after=VANISHED_AFTER + timedelta(minutes=1))

    assert told == []


def test_a_missing_job_that_comes_back_is_live_again():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])

    told = watch.look([RUNNING])

    assert told == ["7 changed RUNNING"]
    assert open_questions(watch.memory) == frozenset()


def test_accounting_corrects_what_the_queue_said_of_an_end():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([FAILED])
    killed = replace(
        FAILED, state=JobState.OUT_OF_MEMORY, exit_code=0, exit_signal=125, submit_line="sbatch x"
    )

    told = [watch.look([FAILED], [killed]), watch.look([FAILED], None)]

    assert told == [["7 changed OUT_OF_MEMORY"], []]
    assert open_questions(watch.memory) == frozenset()


def test_a_run_that_only_accounting_saw_has_the_moment_from_which_it_could_run():
    watch = Watch()
    eligible_at = T0 + timedelta(seconds=2)
    watch.look([PENDING])
    watch.look([])

    watch.look([], [replace(COMPLETED, eligible_at=eligible_at)])

    assert PENDING.eligible_at is None
    assert watch.memory[JobId("7")].job.eligible_at == eligible_at


def test_an_end_that_accounting_never_confirms_is_asked_about_a_few_times_only():
    watch = Watch()
    watch.look([COMPLETED])

    asked = 0
    while open_questions(watch.memory):
        watch.look([], [])
        asked += 1

    assert asked == 5


def test_accounting_adds_the_submit_line_of_a_job_that_goes_on_once():
    watch = Watch()
    watch.look([RUNNING])
    row = replace(RUNNING, submit_line="sbatch train.sh")

    told = [watch.look(None, [row]), watch.look([RUNNING]), watch.look(None, [row])]

    assert told == [["7 changed RUNNING"], [], []]
    assert watch.memory[JobId("7")].job.submit_line == "sbatch train.sh"


def test_a_het_component_that_never_ran_is_known_by_its_number():
    watch = Watch()
    component = replace(PENDING, job_id=JobId("9+1"), raw_id=10, het_job_id=9, het_offset=1)
    watch.look([component])
    watch.look([])
    row = replace(PENDING, job_id=JobId("10"), raw_id=10, state=JobState.CANCELLED, ended_at=T0)

    told = watch.look([], [row])

    assert told == ["9+1 ended CANCELLED", "9 ended CANCELLED"]


def test_accounting_of_somebody_elses_later_job_under_the_same_id_ends_nothing():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])
    other = replace(FAILED, submitted_at=T0 + timedelta(days=400), user="mallory")

    assert watch.look([], [other]) == []


def test_a_runaway_job_is_given_up_after_hours():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])

    told = watch.look([], [RUNNING], after=RUNAWAY_AFTER + timedelta(minutes=1))

    assert told == ["7 vanished VANISHED"]


def test_a_vanished_job_is_not_asked_about_for_ever():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])
    watch.look([], [], after=VANISHED_AFTER + timedelta(seconds=1))

    asked_before = open_questions(watch.memory)
    watch.look([], [], after=RUNAWAY_AFTER)

    assert asked_before == {"7"}
    assert open_questions(watch.memory) == frozenset()
