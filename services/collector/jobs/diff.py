"""What a look at a cluster means for its jobs; pure.

Truth precedence: accounting's terminal row, then the queue, then nothing. A section that failed
is no evidence: nothing follows from it. A job ends only on positive evidence and only once per
restart, whatever the order in which evidence arrives (a property test holds this).

What the queue shows is judged here, what accounting says in `verdicts.py`, what both mean for
arrays and het jobs in `groups.py`.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from services.collector.jobs.groups import fold_groups, has_unseen_members
from services.collector.jobs.ledger import Ledger
from services.collector.jobs.tracked import Look, Memory, Outcome, Tracked, is_array
from services.collector.jobs.verdicts import SAME_MOMENT, end_past_runs, hear
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState

_KEPT_FIELDS = ("submit_line", "comment", "work_dir", "stdout_path", "stderr_path", "command")
"""Texts that are kept when a look does not tell them any more."""


def reconcile(cluster: ClusterName, memory: Memory, look: Look) -> Outcome:
    """Give the facts that follow from a look, and what to remember.

    Args:
        cluster: Whose jobs these are.
        memory: What was remembered after the look before.
        look: What was seen.
    """
    ledger = Ledger(cluster, memory, look.observed_at)
    for job in look.present or ():
        if not is_array(job) and _is_ours(ledger, job, look) and _is_news(ledger, job, look):
            _see(ledger, job)
    if look.present is not None and look.absence_counts:
        _miss(ledger, memory, look)
    rows = hear(ledger, memory, look)
    fold_groups(ledger, memory, look, rows)
    return ledger.outcome()


def open_questions(memory: Memory) -> frozenset[JobId]:
    """Give the jobs about which accounting should be asked soon."""
    return frozenset(job_id for job_id, tracked in memory.items() if is_open(tracked))


def is_open(tracked: Tracked) -> bool:
    """Whether accounting may know something about a job that is not told yet."""
    if tracked.past_runs:
        return True
    if tracked.ended:
        return not tracked.settled and not tracked.is_group
    is_missing = tracked.missing_since is not None and not tracked.is_group
    return is_missing or has_unseen_members(tracked)


def hot_users(memory: Memory, since: datetime) -> frozenset[str]:
    """Give whose jobs are about to be told of: they changed since then, or a question is open."""
    return frozenset(
        known.job.user
        for known in memory.values()
        if (known.observed_at > since or is_open(known)) and not (known.ended or known.is_group)
    )


def _is_ours(ledger: Ledger, job: Job, look: Look) -> bool:
    """Whether a listed job is followed: a listing by user shows jobs in other accounts too."""
    return look.followed.has(job) or ledger.get(job.job_id) is not None


def _is_news(ledger: Ledger, job: Job, look: Look) -> bool:
    """Whether something may follow from a record; this spares most jobs every comparison."""
    if job.job_id not in look.unchanged:
        return True
    known = ledger.get(job.job_id)
    return known is None or known.missing_since is not None or known.job.state is JobState.VANISHED


def _see(ledger: Ledger, job: Job) -> None:
    """Take up a job that the queue shows."""
    known = ledger.get(job.job_id)
    if job.started_at is not None and job.state.is_terminal and not job.node_list:
        # It never ran: squeue gives the moment of the cancellation as its start.
        job = replace(job, started_at=None)
    if known is None:
        ledger.tell_new(job, Evidence.QUEUE)
        return
    if job.submitted_at < known.run_submitted_at - SAME_MOMENT:
        return  # an earlier run: older news than what is known
    moved = job.submitted_at > known.run_submitted_at + SAME_MOMENT
    if moved and job.restart_count <= known.job.restart_count:
        _replace_recycled(ledger, known, job)
        return
    run_submitted_at = job.submitted_at
    if job.submitted_at != known.job.submitted_at:
        job = replace(job, submitted_at=known.job.submitted_at)
    # A run that accounting told as a whole may have been given too low a count (Slurm 22.05).
    is_told_whole = known.ended and known.source is Evidence.ACCOUNTING and not moved
    if job.restart_count > known.job.restart_count and not is_told_whole:
        ledger.tell_requeued(job, run_submitted_at, Evidence.QUEUE)
    elif not known.ended or (job.state.is_terminal and known.source is not Evidence.ACCOUNTING):
        ledger.tell_update(_fill(job, known.job), Evidence.QUEUE)


def _replace_recycled(ledger: Ledger, known: Tracked, job: Job) -> None:
    """Take up a new job under an id that Slurm has used before."""
    end_past_runs(ledger, known)
    if not known.is_over:
        ledger.tell_vanished(known)
    ledger.tell_new(job, Evidence.QUEUE)


def _miss(ledger: Ledger, memory: Memory, look: Look) -> None:
    """Notice jobs that the queue does not show any more."""
    shown = {job.job_id for job in look.present or ()}
    for job_id, before in memory.items():
        if (
            job_id in shown
            or job_id in look.unreadable
            or before.is_group
            or not look.covered.has(before.job)
        ):
            continue
        known = ledger.get(job_id) or before
        if known.missing_since is None and not known.is_over:
            ledger.tell_missing(known)


def _fill(job: Job, known: Job) -> Job:
    """Keep what an earlier look or another source told and this one does not tell.

    The job itself is given where nothing is missing, so that the next look may find it unchanged;
    copying every job was half of a steady look's CPU.
    """
    missing: dict[str, Any] = {
        name: kept
        for name in _KEPT_FIELDS
        if not getattr(job, name) and (kept := getattr(known, name))
    }
    if known.started_at and not job.started_at and job.restart_count == known.restart_count:
        missing["started_at"] = known.started_at
    return replace(job, **missing) if missing else job
