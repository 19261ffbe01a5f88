"""What follows from what others believe of jobs, or have missed of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.collector.jobs.repair import Adoption, adopt, tell_again
from services.collector.jobs.tracked import Tracked, is_group
from services.collector.jobs.verdicts import VANISHED_AFTER
from slurmfleet.contracts.codec import encode
from slurmfleet.contracts.events import JobEnded, JobFact, JobStarted, JobSubmitted, JobVanished
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from tests.unit.collector.jobs.playing import ALPHA, COMPLETED, PENDING, RUNNING, T0, Watch
from tests.unit.collector.jobs.test_arrays import WAITING, task
from tests.unit.collector.jobs.test_hets import component

SEVEN = JobId("7")
LATER = T0 + timedelta(hours=1)
NOW_REVISION = int(LATER.timestamp() * 1_000_000)


def claim(job: Job, *, revision: int = 5) -> Tracked:
    """Give what the store knows of a job, as the command brings it."""
    over = job.state.is_terminal
    return Tracked(
        job=job,
        revision=revision,
        observed_at=T0,
        source=Evidence.QUEUE,
        run_submitted_at=job.submitted_at,
        missing_since=None if over else LATER,
        settled=over,
    )


def adopted(watch: Watch, *claims: Tracked) -> Adoption:
    watch.now = LATER
    adoption = adopt(ALPHA, watch.memory, claims, LATER)
    watch.memory |= adoption.outcome.remembered
    watch.facts += adoption.outcome.facts
    return adoption


def told(facts: Sequence[JobFact]) -> list[str]:
    return [f"{fact.job.job_id} {fact.verb} {fact.job.state}" for fact in facts]


def test_what_is_not_remembered_is_taken_up_and_ends_as_accounting_says():
    watch = Watch()

    adoption = adopted(watch, claim(RUNNING))
    after = watch.look(None, [COMPLETED])

    assert (adoption.adopted, adoption.told, adoption.outcome.facts) == (1, 0, ())
    assert after == ["7 ended COMPLETED"]
    assert watch.facts[0].revision > 5


def test_what_was_taken_up_and_is_in_the_queue_goes_on_without_a_word():
    watch = Watch()
    adopted(watch, claim(RUNNING))

    after = watch.look([RUNNING])

    assert after == []
    assert watch.memory[SEVEN].missing_since is None


def test_what_no_source_knows_vanishes_and_is_asked_about_no_more():
    watch = Watch()
    adopted(watch, claim(RUNNING))

    after = [watch.look(None, []), watch.look(None, [], after=VANISHED_AFTER)]

    assert after == [[], ["7 vanished VANISHED"]]


def test_what_is_remembered_as_it_was_told_is_left_alone():
    watch = Watch()
    watch.look([RUNNING])
    before = dict(watch.memory)

    adoption = adopted(watch, claim(RUNNING, revision=before[SEVEN].revision))

    assert (adoption.adopted, adoption.told, adoption.outcome.facts) == (0, 0, ())
    assert watch.memory == before


def test_an_end_that_others_missed_is_told_again_above_what_they_have():
    watch = Watch()
    watch.look([RUNNING])
    watch.look([COMPLETED])
    first = {fact.fact_id for fact in watch.facts}
    theirs = NOW_REVISION + 50

    adoption = adopted(watch, claim(RUNNING, revision=theirs))
    again = adoption.outcome.facts

    assert (adoption.adopted, adoption.told) == (0, 1)
    assert told(again) == ["7 submitted PENDING", "7 started RUNNING", "7 ended COMPLETED"]
    assert {fact.fact_id for fact in again} == first
    assert [fact.revision for fact in again] == [theirs + 1, theirs + 2, theirs + 3]
    assert watch.memory[SEVEN].revision == theirs + 3


def test_an_older_job_under_a_recycled_id_is_gone():
    watch = Watch()
    newer = replace(RUNNING, submitted_at=T0 + timedelta(minutes=30))
    watch.look([newer])
    before = dict(watch.memory)

    adoption = adopted(watch, claim(RUNNING))
    (gone,) = adoption.outcome.facts

    assert (adoption.adopted, adoption.told) == (0, 1)
    assert isinstance(gone, JobVanished)
    assert (gone.job.submitted_at, gone.job.state) == (T0, JobState.VANISHED)
    assert gone.revision == NOW_REVISION
    assert watch.memory == before


def test_a_newer_job_under_a_recycled_id_is_taken_up_and_the_older_is_gone():
    watch = Watch()
    watch.look([RUNNING])
    newer = replace(RUNNING, submitted_at=T0 + timedelta(minutes=30))

    adoption = adopted(watch, claim(newer))

    assert adoption.adopted == 1
    assert told(adoption.outcome.facts) == ["7 vanished VANISHED"]
    assert adoption.outcome.facts[0].job.submitted_at == T0
    assert watch.memory[SEVEN].job == newer


def test_a_later_run_than_the_remembered_one_is_taken_up():
    watch = Watch()
    watch.look([COMPLETED])
    requeued = replace(RUNNING, restart_count=1)

    adoption = adopted(watch, claim(requeued, revision=NOW_REVISION))

    assert (adoption.adopted, adoption.outcome.facts) == (1, ())
    assert watch.memory[SEVEN].job == requeued


def test_a_whole_array_and_its_tasks_end_by_what_accounting_says():
    watch = Watch()
    whole = replace(
        WAITING,
        state=JobState.RUNNING,
        array_pending="",
        task_states={JobState.RUNNING: 2, JobState.COMPLETED: 1},
        started_at=T0 + timedelta(seconds=10),
    )
    known = [task(0, JobState.COMPLETED), task(1, JobState.RUNNING), task(2, JobState.RUNNING)]

    adoption = adopted(watch, *map(claim, known), claim(whole))
    after = watch.look(None, [task(1, JobState.COMPLETED), task(2, JobState.FAILED)])

    assert adoption.adopted == 3
    assert after == ["8_1 ended COMPLETED", "8_2 ended FAILED", "8 ended FAILED"]
    assert watch.memory[JobId("8")].job.task_states == {
        JobState.COMPLETED: 2,
        JobState.FAILED: 1,
    }


def test_a_whole_array_without_its_ended_tasks_asks_accounting_for_them():
    watch = Watch()
    whole = replace(WAITING, array_pending="", task_states={JobState.PENDING: 2})
    adopted(watch, claim(whole))

    after = [
        watch.look([]),
        watch.look(None, [task(0, JobState.COMPLETED), task(1, JobState.COMPLETED)]),
    ]

    assert after[0] == ["8 changed UNKNOWN"]
    assert after[1][-1] == "8 ended COMPLETED"


def test_a_het_job_and_its_components_end_by_what_accounting_says():
    watch = Watch()
    watch.look([component(RUNNING, 0), component(RUNNING, 1)])
    first = [fact for fact in watch.facts if isinstance(fact, (JobSubmitted, JobStarted))]
    lost = sorted(watch.memory.values(), key=lambda known: is_group(known.job))
    other = Watch()

    adopted(other, *[claim(known.job, revision=known.revision) for known in lost])
    after = other.look(None, [component(COMPLETED, 0), component(COMPLETED, 1)])

    assert after == ["17+0 ended COMPLETED", "17+1 ended COMPLETED", "17 ended COMPLETED"]
    assert len(first) == 6


def again(watch: Watch, *keys: tuple[JobId, datetime]) -> Sequence[JobFact]:
    retelling = tell_again(ALPHA, watch.memory, keys, LATER)
    watch.memory |= retelling.outcome.remembered
    return retelling.outcome.facts


def test_a_running_job_is_told_again_with_the_ids_that_it_had():
    watch = Watch()
    watch.look([PENDING])
    watch.look([RUNNING])
    watch.look([replace(RUNNING, time_limit_s=60)])
    ids = [fact.fact_id for fact in watch.facts if isinstance(fact, (JobSubmitted, JobStarted))]
    seen_at = watch.memory[SEVEN].observed_at

    facts = again(watch, (SEVEN, T0))

    assert told(facts) == ["7 submitted PENDING", "7 started RUNNING"]
    assert [fact.fact_id for fact in facts] == ids
    assert [fact.revision for fact in facts] == [NOW_REVISION, NOW_REVISION + 1]
    assert facts[-1].job == replace(RUNNING, time_limit_s=60)
    assert {fact.observed_at for fact in facts} == {seen_at}
    assert watch.memory[SEVEN].revision == NOW_REVISION + 1


def test_a_vanished_job_is_told_again_with_its_start():
    watch = Watch()
    adopted(watch, claim(RUNNING))
    watch.look(None, [])
    watch.look(None, [], after=VANISHED_AFTER)

    facts = again(watch, (SEVEN, T0))

    assert told(facts) == ["7 submitted PENDING", "7 started RUNNING", "7 vanished VANISHED"]


def test_a_job_of_an_unknown_state_is_told_as_it_is():
    watch = Watch()
    watch.look([PENDING])
    watch.look([replace(PENDING, state=JobState.UNKNOWN)])

    (fact,) = again(watch, (SEVEN, T0))

    assert isinstance(fact, JobSubmitted)
    assert fact.job.state is JobState.UNKNOWN


def test_what_is_told_again_is_no_repetition_to_the_bus():
    """Its messages differ from each other and from the first ones, else the stream drops them."""
    watch = Watch()
    watch.look([COMPLETED])
    first = watch.facts

    tellings = [first, again(watch, (SEVEN, T0)), again(watch, (SEVEN, T0))]
    ids = [
        {message.message_id for message in encode(facts, source="/collector/alpha")}
        for facts in tellings
    ]

    assert [len(one) for one in ids] == [3, 3, 3]
    assert len(set.union(*ids)) == 9


def test_only_the_job_that_was_meant_is_told_again():
    watch = Watch()
    watch.look([RUNNING])

    facts = again(watch, (SEVEN, T0 - timedelta(days=9)), (JobId("8"), T0))

    assert facts == ()


def test_an_ended_job_that_was_told_again_ends_no_second_time():
    watch = Watch()
    watch.look([RUNNING])
    again(watch, (SEVEN, T0))
    watch.now = LATER

    after = [watch.look([COMPLETED]), watch.look(None, [COMPLETED])]

    assert after == [["7 ended COMPLETED"], []]
    assert [type(fact) for fact in watch.facts].count(JobEnded) == 1
