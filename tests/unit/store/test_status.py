from dataclasses import replace
from datetime import timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.events import LinkState, PollFinished
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.store.write.status import ClusterStatus, after_poll, has_failed, told_jobs
from slurmfleet.testing.builders import NOON, a_poll


def section(name: SectionName, *, ok: bool = True, error: str = "") -> SectionOutcome:
    return SectionOutcome(name=name, ok=ok, exit_status=0 if ok else 1, error=error)


DETAIL = section(SectionName.DETAIL)
QUEUE = section(SectionName.QUEUE)


def a_poll_at(minute: int, **changes: object) -> PollFinished:
    started_at = NOON + timedelta(minutes=minute)
    times = {"started_at": started_at, "finished_at": started_at + timedelta(seconds=2)}
    return a_poll(**{**times, **changes})


def fold(*polls: PollFinished) -> ClusterStatus:
    first, *others = polls
    return reduce(after_poll, others, after_poll(None, first))


def test_a_first_poll_gives_every_value_it_tells():
    assert fold(a_poll()) == ClusterStatus(
        cluster=ClusterName("alpha"),
        last_poll_started_at=NOON,
        last_poll_finished_at=NOON + timedelta(seconds=1.5),
        link="ok",
        error="",
        interval_s=30,
        state_since=NOON - timedelta(days=1),
        slurm_rpcs=3,
        good_poll_started_at=NOON,
        observed_at=NOON + timedelta(seconds=1.5),
        tracked_jobs=4,
        detail_asked_at=NOON,
        queue_observed_at=NOON + timedelta(seconds=1.5),
        accounting_asked_at=NOON,
        accounting_error="Slurm's accounting database (slurmdbd) does not answer.",
        slurm_version="24.11.5",
        slurm_version_told_at=NOON,
        clock_offset_s=-0.25,
        clock_offset_told_at=NOON,
    )


def test_a_failed_poll_clears_no_good_value():
    good = fold(a_poll_at(0))
    failed = a_poll_at(
        1,
        link=LinkState.TIMED_OUT,
        error="no answer",
        sections=(),
        population=None,
        slurm_version="",
        tracked_jobs=0,
        slurm_rpcs=0,
        clock_offset_s=None,
    )

    assert after_poll(good, failed) == replace(
        good,
        last_poll_started_at=failed.started_at,
        last_poll_finished_at=failed.finished_at,
        link="timed_out",
        error="no answer",
        slurm_rpcs=0,
    )


def test_all_that_was_asked_of_the_tracked_jobs_must_be_told():
    failed = section(SectionName.DETAIL_ACCOUNTS, ok=False, error="slow")
    poll = a_poll_at(0, sections=(DETAIL, failed))

    assert (told_jobs(poll), has_failed(poll), fold(poll).detail_error) == (False, True, "slow")


def test_a_poll_that_did_not_ask_for_jobs_neither_succeeds_nor_fails():
    poll = a_poll_at(0, sections=(QUEUE,))

    assert (told_jobs(poll), has_failed(poll)) == (False, False)


def test_a_failure_without_words_gets_some():
    silent = SectionOutcome(name=SectionName.DETAIL, ok=False, exit_status=None)
    refused = SectionOutcome(name=SectionName.QUEUE, ok=False, exit_status=3)
    status = fold(a_poll_at(0, sections=(silent, refused), population=None))

    assert (status.detail_error, status.queue_error) == (
        "detail never reported its end",
        "queue failed with exit status 3",
    )


def test_a_later_answer_clears_an_error():
    bad = section(SectionName.DETAIL, ok=False, error="slow")

    assert fold(a_poll_at(0, sections=(bad,)), a_poll_at(1)).detail_error == ""


sections = st.lists(
    st.builds(
        section,
        st.sampled_from([name for name in SectionName if name is not SectionName.UNKNOWN]),
        ok=st.booleans(),
    ),
    unique_by=lambda one: one.name,
).map(tuple)
polls = st.lists(
    st.tuples(st.integers(0, 20), sections, st.sampled_from(LinkState), st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[0],
).map(
    lambda drawn: [
        a_poll_at(
            minute,
            sections=told,
            link=link,
            tracked_jobs=minute,
            population=() if counted else None,
            slurm_version=f"24.{minute}" if counted else "",
            clock_offset_s=float(minute) if counted else None,
        )
        for minute, told, link, counted in drawn
    ]
)


@given(st.data(), polls)
def test_polls_may_come_in_any_order_and_repeatedly(data: st.DataObject, told: list[PollFinished]):
    in_order = sorted(told, key=lambda poll: poll.started_at)
    shuffled = data.draw(st.permutations(told + told[:2]))

    assert fold(*shuffled) == fold(*in_order)


def test_a_site_without_accounting_is_told_though_nothing_failed():
    none_kept = section(SectionName.ACCOUNTING, error="This cluster keeps no accounting database.")

    status = fold(a_poll_at(0, sections=(DETAIL, none_kept)))

    assert status.accounting_error == "This cluster keeps no accounting database."
    assert not has_failed(a_poll_at(0, sections=(DETAIL, none_kept)))
