"""What holds whatever queue and accounting say, in whatever order."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.events import JobEnded, JobSubmitted
from slurmfleet.contracts.jobs import Job, JobState
from tests.unit.collector.jobs.playing import (
    COMPLETED,
    FAILED,
    PENDING,
    RUNNING,
    T0,
    Watch,
)

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
