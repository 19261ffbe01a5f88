"""What follows from looks at a cluster."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.jobs.coverage import Coverage
from services.collector.jobs.diff import open_questions, reconcile
from services.collector.jobs.tracked import Look, Tracked
from services.collector.jobs.verdicts import RUNAWAY_AFTER, VANISHED_AFTER
from slurmfleet.contracts.events import JobEnded, JobFact, JobSubmitted
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import LEFT_QUEUE, Evidence, Job, JobState

ALPHA = ClusterName("alpha")
T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)
PENDING = Job(
    job_id=JobId("7"),
    raw_id=7,
    submitted_at=T0,
    state=JobState.PENDING,
    reason="Priority",
    name="train",
    user="alice",
    account="ml",
)
RUNNING = replace(
    PENDING,
    state=JobState.RUNNING,
    reason="",
    started_at=T0 + timedelta(seconds=5),
    node_list="gpu01",
)
COMPLETED = replace(
    RUNNING, state=JobState.COMPLETED, ended_at=T0 + timedelta(seconds=9), exit_code=0
)
FAILED = replace(COMPLETED, state=JobState.FAILED, exit_code=1)


class Watch:
    """Plays looks, one after another, a second apart unless told otherwise."""

    def __init__(self) -> None:
        self.memory: dict[JobId, Tracked] = {}
        self.now = T0
        self.facts: list[JobFact] = []

    def look(
        self,
        present: Sequence[Job] | None,
        accounting: Sequence[Job] | None = None,
        *,
        after: timedelta = timedelta(seconds=1),
        **more: Any,  # noqa: ANN401 fields of Look
    ) -> list[str]:
        self.now += after
        outcome = reconcile(
            ALPHA,
            self.memory,
            Look(
                observed_at=self.now,
                present=None if present is None else tuple(present),
                accounting=None if accounting is None else tuple(accounting),
                asked=open_questions(self.memory) if accounting is not None else frozenset(),
                **more,
            ),
        )
        self.memory |= outcome.remembered
        self.facts += outcome.facts
        return [f"{fact.job.job_id} {fact.verb} {fact.job.state}" for fact in outcome.facts]


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


def test_an_end_that_accounting_never_confirms_is_asked_about_a_few_times_only():
    watch = Watch()
    watch.look([COMPLETED])

    asked = 0
    while open_questions(watch.memory):
        watch.look([], [])
        asked += 1

    assert asked == 5


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


AGAIN = replace(
    PENDING, submitted_at=T0 + timedelta(seconds=60), restart_count=1, reason="BeginTime"
)


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


def test_accounting_adds_the_submit_line_of_a_job_that_goes_on_once():
    watch = Watch()
    watch.look([RUNNING])
    row = replace(RUNNING, submit_line="sbatch train.sh")

    told = [watch.look(None, [row]), watch.look([RUNNING]), watch.look(None, [row])]

    assert told == [["7 changed RUNNING"], [], []]
    assert watch.memory[JobId("7")].job.submit_line == "sbatch train.sh"


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


def test_a_requeue_and_end_while_nobody_looked_is_believed():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([])
    later = replace(COMPLETED, submitted_at=T0 + timedelta(minutes=7))

    told = watch.look([], [later])

    assert told == ["7 submitted PENDING", "7 started RUNNING", "7 ended COMPLETED"]
    assert [fact.job.restart_count for fact in watch.facts[-3:]] == [1, 1, 1]
    assert len(watch.memory[JobId("7")].past_runs) == 1, "how the first run ended is still asked"


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


QUEUE = st.sampled_from(["not asked", "absent", PENDING, RUNNING, COMPLETED, FAILED])
ROWS = st.sampled_from([PENDING, RUNNING, COMPLETED, FAILED, "requeued", "preempted"])
EVIDENCE = st.lists(
    st.tuples(
        QUEUE,
        st.none() | st.lists(st.tuples(ROWS, st.integers(0, 2)), max_size=3),
        st.integers(min_value=1, max_value=2_000),
        st.integers(min_value=0, max_value=2),
    ),
    max_size=12,
)


def run_of(job: Job, restart: int) -> Job:
    return replace(job, restart_count=restart, submitted_at=T0 + timedelta(minutes=restart))


def row_of(kind: Job | str, restart: int) -> Job:
    if isinstance(kind, Job):
        return run_of(kind, restart)
    if kind == "requeued":
        row = replace(PENDING, state_flags=("REQUEUED",), ended_at=COMPLETED.ended_at)
    else:
        row = replace(COMPLETED, state=JobState.PREEMPTED)
    return run_of(row, restart)


def play(watch: Watch, evidence: list[tuple[Any, Any, int, int]]) -> None:
    for queue, accounting, seconds, restart in evidence:
        present = None if queue == "not asked" else []
        if isinstance(queue, Job):
            present = [run_of(queue, restart)]
        rows = None
        if accounting is not None:
            rows = [row_of(kind, of_run) for kind, of_run in accounting]
        watch.look(present, rows, after=timedelta(seconds=seconds))


@given(EVIDENCE)
def test_any_interleaving_of_evidence_ends_each_run_at_most_once(
    evidence: list[tuple[Any, Any, int, int]],
):
    watch = Watch()
    play(watch, evidence)

    ends = Counter(
        (f.job.submitted_at, f.job.restart_count) for f in watch.facts if f.verb == "ended"
    )
    ids = [fact.fact_id for fact in watch.facts if isinstance(fact, JobEnded | JobSubmitted)]
    revisions = [(fact.job.submitted_at, fact.revision) for fact in watch.facts]
    assert len(revisions) == len(set(revisions))
    assert all(count == 1 for count in ends.values())
    assert len(ids) == len(set(ids))


@given(EVIDENCE)
def test_once_accounting_is_patiently_asked_every_run_that_was_seen_has_ended(
    evidence: list[tuple[Any, Any, int, int]],
):
    watch = Watch()
    play(watch, evidence)
    last = run_of(COMPLETED, 2)
    for _ in range(7):
        watch.look([last], [last])

    begun = {f.job.restart_count for f in watch.facts if f.verb == "submitted"}
    ended = {f.job.restart_count for f in watch.facts if f.verb == "ended"}
    assert begun <= ended


@given(EVIDENCE)
def test_no_job_ends_without_positive_evidence(evidence: list[tuple[Any, Any, int, int]]):
    watch = Watch()
    for queue, accounting, seconds, _ in evidence:
        present = None if queue == "not asked" else []
        if isinstance(queue, Job) and not queue.state.is_terminal:
            present = [queue]
        rows = None if accounting is None else []
        for kind, of_run in accounting or ():
            if kind in (PENDING, RUNNING):
                rows = [run_of(kind, of_run)]
        watch.look(present, rows, after=timedelta(seconds=seconds))

    assert [fact for fact in watch.facts if fact.verb == "ended"] == []
