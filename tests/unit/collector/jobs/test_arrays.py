"""A job array as one thing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from services.collector.jobs.coverage import Coverage
from services.collector.jobs.diff import open_questions
from services.collector.jobs.verdicts import VANISHED_AFTER
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Job, JobState
from tests.unit.collector.jobs.playing import T0, Watch

WAITING = Job(
    job_id=JobId("8"),
    raw_id=8,
    submitted_at=T0,
    state=JobState.PENDING,
    reason="JobArrayTaskLimit",
    name="sweep",
    user="alice",
    account="ml",
    array_job_id=8,
    array_pending="0-3%2",
    task_states={JobState.PENDING: 4},
)


def waiting(spec: str, count: int) -> Job:
    return replace(WAITING, array_pending=spec, task_states={JobState.PENDING: count})


def task(index: int, state: JobState) -> Job:
    over = state.is_terminal
    return replace(
        WAITING,
        job_id=JobId(f"8_{index}"),
        raw_id=20 + index,
        array_task_id=index,
        array_pending="",
        task_states={},
        reason="",
        state=state,
        started_at=T0 + timedelta(seconds=10),
        ended_at=T0 + timedelta(seconds=20 + index) if over else None,
        node_list="gpu01",
        exit_code=(0 if state is JobState.COMPLETED else 1) if over else None,
    )


def arrays_of(
    watch: Watch,
    present: Sequence[Job] | None,
    accounting: Sequence[Job] | None = None,
    *,
    after: timedelta = timedelta(seconds=1),
) -> list[str]:
    told = watch.look(present, accounting, after=after)
    return [one for one in told if one.startswith("8 ")]


def test_tasks_that_start_leave_the_waiting_part_without_ending_it():
    watch = Watch()
    running, done, failed = JobState.RUNNING, JobState.COMPLETED, JobState.FAILED

    told = [
        arrays_of(watch, [WAITING]),
        arrays_of(watch, [waiting("2-3%2", 2), task(0, running), task(1, running)]),
        arrays_of(watch, [task(0, done), task(1, done), task(2, running), task(3, running)]),
        arrays_of(watch, [task(0, done), task(1, done), task(2, failed), task(3, done)]),
    ]

    assert told == [["8 submitted PENDING"], ["8 started RUNNING"], ["8 changed RUNNING"],
                    ["8 ended FAILED"]]  # fmt: skip
    assert watch.memory[JobId("8")].job.task_states == {done: 3, failed: 1}
    assert watch.memory[JobId("8")].job.ended_at == T0 + timedelta(seconds=23)
    assert watch.memory[JobId("8")].job.exit_code == 1


def test_an_array_could_run_when_its_first_task_could_whoever_showed_that():
    watch = Watch()
    eligible_at = T0 + timedelta(seconds=5)
    tasks = [
        replace(task(index, JobState.RUNNING), eligible_at=eligible_at + timedelta(seconds=index))
        for index in range(4)
    ]

    arrays_of(watch, [WAITING])
    arrays_of(watch, tasks)

    assert WAITING.eligible_at is None
    assert watch.memory[JobId("8")].job.eligible_at == eligible_at


def test_an_array_that_waits_could_run_when_slurm_says_so_now():
    watch = Watch()
    later = T0 + timedelta(hours=2)

    arrays_of(watch, [replace(WAITING, eligible_at=T0 + timedelta(hours=1))])
    arrays_of(watch, [replace(WAITING, eligible_at=later)])

    assert watch.memory[JobId("8")].job.eligible_at == later


def test_counts_are_exact_while_tasks_come_and_go():
    watch = Watch()
    watch.look([waiting("0-999%50", 1_000)])

    watch.look([waiting("2-999%50", 998), task(0, JobState.RUNNING), task(1, JobState.COMPLETED)])

    assert watch.memory[JobId("8")].job.task_states == {
        JobState.COMPLETED: 1,
        JobState.PENDING: 998,
        JobState.RUNNING: 1,
    }


def test_tasks_that_nobody_saw_are_unknown_until_accounting_tells_them():
    watch = Watch()
    watch.look([WAITING])

    unseen = arrays_of(watch, [waiting("2-3", 2)])
    states = watch.memory[JobId("8")].job.task_states
    asked = open_questions(watch.memory)
    told = watch.look(
        [waiting("2-3", 2)], [task(0, JobState.COMPLETED), task(1, JobState.COMPLETED)]
    )

    assert unseen == ["8 changed PENDING"]
    assert states == {JobState.PENDING: 2, JobState.UNKNOWN: 2}
    assert asked == frozenset({JobId("8")})
    assert "8_0 ended COMPLETED" in told
    assert watch.memory[JobId("8")].job.task_states == {JobState.COMPLETED: 2, JobState.PENDING: 2}


def test_an_array_with_unseen_tasks_does_not_end():
    watch = Watch()
    watch.look([WAITING])

    told = [
        arrays_of(watch, []),
        arrays_of(watch, [], []),
        arrays_of(watch, [], [task(index, JobState.COMPLETED) for index in range(4)]),
    ]

    assert told == [["8 changed UNKNOWN"], [], ["8 started RUNNING", "8 ended COMPLETED"]]


def test_an_array_that_no_source_knows_vanishes():
    watch = Watch()
    watch.look([WAITING])
    watch.look([])
    watch.look([], [])

    told = arrays_of(watch, [], [], after=VANISHED_AFTER + timedelta(seconds=5))

    assert told == ["8 vanished VANISHED"]


def test_a_waiting_part_that_is_cancelled_ends_the_array():
    watch = Watch()
    watch.look([waiting("2-3", 2), task(0, JobState.COMPLETED), task(1, JobState.COMPLETED)])
    cancelled = replace(
        WAITING,
        state=JobState.CANCELLED,
        reason="",
        array_pending="2-3",
        task_states={JobState.CANCELLED: 2},
        ended_at=T0 + timedelta(seconds=60),
    )

    told = arrays_of(watch, [cancelled, task(0, JobState.COMPLETED), task(1, JobState.COMPLETED)])

    assert told == ["8 ended CANCELLED"]


def test_a_failed_look_leaves_an_array_as_it_was():
    watch = Watch()
    watch.look([waiting("2-3", 2), task(0, JobState.RUNNING), task(1, JobState.RUNNING)])

    assert watch.look(None) == []


def test_an_array_that_is_first_seen_running_is_put_together_from_its_tasks():
    watch = Watch()

    told = arrays_of(watch, [task(0, JobState.RUNNING), task(1, JobState.COMPLETED)])

    assert told == ["8 submitted PENDING", "8 started RUNNING"]


def test_an_arrays_gpus_have_their_type_whether_or_not_it_was_seen_waiting():
    typed = replace(task(0, JobState.RUNNING), gpu_count=1, gpus_by_type={"h100": 1})
    done = replace(typed, state=JobState.COMPLETED, ended_at=T0 + timedelta(seconds=20))
    seen_waiting, seen_running = Watch(), Watch()

    seen_waiting.look([replace(waiting("0", 1), gpu_count=1)], None)
    for watch in (seen_waiting, seen_running):
        watch.look([typed], None)
        watch.look([done], None)

    types = [watch.memory[JobId("8")].job.gpus_by_type for watch in (seen_waiting, seen_running)]
    assert types == [{"h100": 1}] * 2


def test_an_array_of_which_a_task_is_requeued_runs_and_ends_once_more():
    watch = Watch()
    done, failed = JobState.COMPLETED, JobState.FAILED
    watch.look([task(0, done), task(1, failed)])
    later = T0 + timedelta(minutes=5)
    again = replace(task(1, JobState.RUNNING), submitted_at=later, restart_count=1)

    told = [
        arrays_of(watch, [task(0, done), again]),
        arrays_of(watch, [task(0, done), replace(again, state=done, ended_at=later, exit_code=0)]),
    ]

    array = watch.memory[JobId("8")].job
    assert told == [["8 submitted PENDING", "8 started RUNNING"], ["8 ended COMPLETED"]]
    assert (array.restart_count, array.task_states) == (1, {done: 2})
    assert array.submitted_at == T0
    assert len({fact.fact_id for fact in watch.facts}) == len(watch.facts)


def test_a_waiting_part_that_accounting_still_shows_does_not_come_back():
    watch = Watch()
    watch.look([waiting("2-3", 2), task(0, JobState.COMPLETED), task(1, JobState.COMPLETED)])
    running = [task(index, JobState.RUNNING) for index in (2, 3)]

    watch.look([task(0, JobState.COMPLETED), task(1, JobState.COMPLETED), *running],
               [waiting("2-3", 2)])  # fmt: skip

    states = watch.memory[JobId("8")].job.task_states
    assert states == {JobState.COMPLETED: 2, JobState.RUNNING: 2}


def test_a_cancelled_waiting_part_that_only_accounting_knows_ends_the_array():
    watch = Watch()
    watch.look([waiting("2-3", 2), task(0, JobState.COMPLETED), task(1, JobState.COMPLETED)])
    gone = [task(0, JobState.COMPLETED), task(1, JobState.COMPLETED)]
    watch.look(gone)
    cancelled = replace(
        WAITING,
        state=JobState.CANCELLED,
        array_pending="2-3",
        task_states={JobState.CANCELLED: 2},
        ended_at=T0 + timedelta(seconds=60),
    )

    told = arrays_of(watch, gone, [cancelled])

    assert told == ["8 ended CANCELLED"]


def test_a_recycled_array_id_is_another_array():
    watch = Watch()
    watch.look([task(0, JobState.COMPLETED)])
    other = replace(WAITING, submitted_at=T0 + timedelta(days=400), name="other")

    told = arrays_of(watch, [other], after=timedelta(days=401))

    assert told == ["8 submitted PENDING"]
    assert watch.memory[JobId("8")].job.name == "other"


def test_an_end_that_accounting_corrects_is_counted_once_and_shown_on_the_array():
    watch = Watch()
    done, failed, oom = JobState.COMPLETED, JobState.FAILED, JobState.OUT_OF_MEMORY
    watch.look([task(0, done), task(1, failed)])
    corrected = replace(task(1, oom), exit_code=0, exit_signal=125)

    told = arrays_of(watch, [task(0, done), task(1, failed)], [corrected])

    array = watch.memory[JobId("8")].job
    assert told == ["8 changed OUT_OF_MEMORY"]
    assert array.task_states == {done: 1, oom: 1}
    assert (array.exit_code, array.exit_signal) == (0, 125)


def test_which_task_gives_an_array_its_exit_code_does_not_depend_on_their_order():
    codes = []
    for order in (1, -1):
        watch = Watch()
        first = replace(task(0, JobState.FAILED), exit_code=7)
        second = replace(task(1, JobState.FAILED), exit_code=9)
        watch.look([first, second][::order])
        codes.append(watch.memory[JobId("8")].job.exit_code)

    assert codes == [7, 7]


def test_an_array_that_is_followed_no_more_ends_by_accounting():
    watch = Watch()
    watch.look([WAITING])
    nobody = Coverage.of([])
    done = [task(index, JobState.COMPLETED) for index in range(4)]

    unseen = watch.look([], covered=nobody, followed=nobody)
    half = watch.look(None, done[:2], followed=nobody)
    told = watch.look(None, done, followed=nobody)

    assert unseen == []
    assert [one for one in half if one.startswith("8 ")] == ["8 started PENDING"]
    assert "8 ended COMPLETED" in told
    assert watch.memory[JobId("8")].job.task_states == {JobState.COMPLETED: 4}


def test_accounting_that_says_nothing_of_waiting_tasks_changes_nothing():
    watch = Watch()
    watch.look([WAITING])

    assert [watch.look(None, []), watch.look([WAITING])] == [[], []]
