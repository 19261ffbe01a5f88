"""What a look at a cluster means for its jobs; pure.

Truth precedence: accounting's terminal row, then the queue, then nothing. A section that failed
is no evidence: nothing follows from it. A job ends only on positive evidence and only once per
restart, whatever the order in which evidence arrives (a property test holds this).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.collector.arrays import is_alive, reopen, whole_array
from services.collector.ledger import Ledger
from services.collector.tracked import Look, Memory, Outcome, Tracked, is_array
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import LEFT_QUEUE, Evidence, Job, JobState
from slurmfleet.slurm.states import end_reason

VANISHED_AFTER = timedelta(minutes=10)
"""How long accounting may know nothing of a job that left the queue; slurmdbd may lag minutes."""

RUNAWAY_AFTER = timedelta(hours=6)
"""How long accounting may call a job alive that the queue does not have: a runaway job.

Source: sacctmgr(1), "show RunawayJobs".
"""

_SAME_MOMENT = timedelta(seconds=2)
"""squeue and sacct may differ by a second in what they call the submit time."""

_KEPT_FIELDS = ("submit_line", "comment", "work_dir", "stdout_path", "stderr_path", "command")
"""Texts that are kept when a look does not tell them any more."""

_PATIENCE = 5
"""How often accounting is asked to confirm an end that the queue has shown."""


def reconcile(cluster: ClusterName, memory: Memory, look: Look) -> Outcome:
    """Give the facts that follow from a look, and what to remember.

    Args:
        cluster: Whose jobs these are.
        memory: What was remembered after the look before.
        look: What was seen.
    """
    ledger = Ledger(cluster, memory, look.observed_at)
    present = look.present or ()
    for job in present:
        if not is_array(job):
            _sees(ledger, job)
    rows = _known_rows(memory, look.accounting or ())
    for row in rows.values():
        if not is_array(row):
            _hears(ledger, row)
    if look.present is not None and look.absence_counts:
        _miss(ledger, memory, look, rows)
    _settle(ledger, memory, look)
    _fold_arrays(ledger, memory, look, rows)
    return ledger.outcome()


def _known_rows(memory: Memory, accounting: Iterable[Job]) -> dict[JobId, Job]:
    """Give accounting's rows by the id under which the job is known.

    sacct calls the components of a het job that never ran 9 and 10, squeue 9+0 and 9+1.

    Source: docs/slurm-output.md, "Ids".
    """
    components = {
        known.job.raw_id: job_id
        for job_id, known in memory.items()
        if known.job.het_job_id is not None
    }
    rows = (replace(row, job_id=components.get(row.raw_id, row.job_id)) for row in accounting)
    return {row.job_id: row for row in rows}


def open_questions(memory: Memory) -> frozenset[JobId]:
    """Give the jobs about which accounting should be asked at the next look."""
    return frozenset(
        job_id
        for job_id, tracked in memory.items()
        if (tracked.missing_since is not None and not tracked.ended)
        or (tracked.ended and not tracked.settled and not tracked.is_array)
        or (tracked.is_array and _has_unseen_tasks(tracked))
    )


def _sees(ledger: Ledger, job: Job) -> None:
    """Take up a job that the queue shows."""
    known = ledger.get(job.job_id)
    if known is not None and _is_unchanged(known, job):
        return
    if job.started_at is not None and job.state.is_terminal and not job.node_list:
        # It never ran: squeue gives the moment of the cancellation as its start.
        job = replace(job, started_at=None)
    if known is None:
        ledger.tell_new(job, Evidence.QUEUE)
        return
    if job.submitted_at < known.run_submitted_at - _SAME_MOMENT:
        return  # an earlier run: older news than what is known
    moved = job.submitted_at > known.run_submitted_at + _SAME_MOMENT
    if moved and job.restart_count <= known.job.restart_count:
        _replace_recycled(ledger, known, job)
        return
    run_submitted_at = job.submitted_at
    if job.submitted_at != known.job.submitted_at:
        job = replace(job, submitted_at=known.job.submitted_at)
    if job.restart_count > known.job.restart_count:
        ledger.tell_requeued(job, run_submitted_at, Evidence.QUEUE)
    elif not known.ended or (job.state.is_terminal and known.source is not Evidence.ACCOUNTING):
        ledger.tell_update(_fill(job, known.job), Evidence.QUEUE)


def _is_unchanged(known: Tracked, job: Job) -> bool:
    """Whether the queue shows the very object that was told: most jobs at most looks.

    The parser gives the same object for the same record; this spares them every comparison.
    """
    return (
        job is known.job
        and known.missing_since is None
        and job.submitted_at == known.run_submitted_at
    )


def _replace_recycled(ledger: Ledger, known: Tracked, job: Job) -> None:
    """Take up a new job under an id that Slurm has used before."""
    if not known.ended and known.job.state is not JobState.VANISHED:
        ledger.tell_vanished(known)
    ledger.tell_new(job, Evidence.QUEUE)


def _hears(ledger: Ledger, row: Job) -> None:
    """Take up a row of accounting about a job that is known, or a task of a known array."""
    known = ledger.get(row.job_id)
    if not row.state.is_terminal:
        return
    if known is None:
        if row.array_job_id is not None and ledger.get(JobId(str(row.array_job_id))) is not None:
            ledger.tell_new(row, Evidence.ACCOUNTING)
            ledger.settle(row.job_id)
        return
    if not _same_run(known, row):
        return
    ledger.tell_update(_refine(known.job, row), Evidence.ACCOUNTING)
    ledger.settle(row.job_id)


def _same_run(known: Tracked, row: Job) -> bool:
    """Whether a row of accounting is about the run that is known.

    An older submit time is a run before a requeue. A newer one is a requeue that happened while
    nobody looked, unless user or name differ: then the id was recycled.
    """
    if row.submitted_at < known.run_submitted_at - _SAME_MOMENT:
        return False
    if row.submitted_at <= known.run_submitted_at + _SAME_MOMENT:
        return True
    return row.user == known.job.user and row.account == known.job.account


def _miss(ledger: Ledger, memory: Memory, look: Look, rows: dict[JobId, Job]) -> None:
    """Deal with jobs that the queue does not show any more."""
    shown = {job.job_id for job in look.present or ()}
    for job_id, before in memory.items():
        known = ledger.get(job_id) or before
        if job_id in shown or known.ended or known.is_array:
            continue
        if known.missing_since is None and known.job.state is not JobState.VANISHED:
            ledger.tell_missing(known)
        elif job_id in look.asked and look.accounting is not None:
            _keep_or_vanish(ledger, known, alive=job_id in rows)


def _keep_or_vanish(ledger: Ledger, known: Tracked, *, alive: bool) -> None:
    missing_since = known.missing_since or ledger.observed_at
    waited = ledger.observed_at - missing_since
    if known.job.state is JobState.VANISHED:
        # Asked once more after it was given up; accounting may be hours late.
        if waited > RUNAWAY_AFTER:
            ledger.remember(replace(known, missing_since=None))
    elif waited > (RUNAWAY_AFTER if alive else VANISHED_AFTER):
        ledger.tell_vanished(known)


def _settle(ledger: Ledger, memory: Memory, look: Look) -> None:
    """Stop asking accounting about ends that it does not confirm."""
    if look.accounting is None:
        return
    for job_id in look.asked:
        known = ledger.get(job_id)
        if known is None or not known.ended or known.settled or job_id not in memory:
            continue
        if known.times_asked + 1 >= _PATIENCE:
            ledger.settle(job_id)
        else:
            ledger.remember(replace(known, times_asked=known.times_asked + 1))


def _fold_arrays(ledger: Ledger, memory: Memory, look: Look, rows: dict[JobId, Job]) -> None:
    """Bring every array up to date with its tasks."""
    tasks: defaultdict[JobId, list[Job]] = defaultdict(list)
    touched = ledger.outcome().remembered
    for job_id in {**memory, **touched}:
        known = ledger.get(job_id)
        if known is not None and known.job.array_task_id is not None:
            tasks[JobId(str(known.job.array_job_id))].append(known.job)
    remainders = {job.job_id: job for job in _arrays(look.present or ())}
    for job in _arrays(rows.values()):
        # Accounting may still call tasks waiting that have started; what it ended stays ended.
        if job.state.is_terminal:
            remainders.setdefault(job.job_id, job)
    arrays = {job_id for job_id, known in memory.items() if known.is_array}
    for array_id in sorted({*tasks, *remainders, *arrays}):
        _fold(ledger, array_id, remainders.get(array_id), tasks[array_id], look)


def _fold(
    ledger: Ledger, array_id: JobId, remainder: Job | None, tasks: list[Job], look: Look
) -> None:
    known = ledger.get(array_id)
    if known is not None and _is_recycled_array(known, remainder, tasks):
        known = None
    before = known.job if known is not None else None
    submitted_at = before.submitted_at if before is not None else None
    own = [task for task in tasks if submitted_at is None or task.submitted_at >= submitted_at]
    reopened = known is not None and known.ended and is_alive(own)
    if known is not None and known.ended and not reopened and not _is_corrected(ledger, own):
        return
    if before is not None and reopened:
        before = reopen(before)
    array = whole_array(
        known=before,
        remainder=remainder,
        tasks=own,
        looked=look.present is not None and look.absence_counts,
    )
    if array is None:
        return
    source = Evidence.ACCOUNTING if look.present is None else Evidence.QUEUE
    if known is None:
        ledger.tell_new(array, source)
    elif reopened:
        ledger.tell_requeued(array, known.run_submitted_at, source)
    else:
        ledger.tell_update(array, source)
        _wait_for_tasks(ledger, array_id, look)


def _is_corrected(ledger: Ledger, tasks: list[Job]) -> bool:
    """Whether this look brought something new of a task, such as accounting's exit code."""
    return any(ledger.is_touched(task.job_id) for task in tasks)


def _wait_for_tasks(ledger: Ledger, array_id: JobId, look: Look) -> None:
    """Give up an array of which no source shows some tasks, after the usual patience."""
    known = ledger.get(array_id)
    if known is None or known.ended or not _has_unseen_tasks(known):
        return
    if known.missing_since is None:
        ledger.remember(replace(known, missing_since=ledger.observed_at))
    elif (
        known.job.state is JobState.UNKNOWN
        and look.accounting is not None
        and array_id in look.asked
        and ledger.observed_at - known.missing_since > VANISHED_AFTER
    ):
        ledger.tell_vanished(known)


def _is_recycled_array(known: Tracked, remainder: Job | None, tasks: list[Job]) -> bool:
    newest = [job.submitted_at for job in (remainder, *tasks) if job is not None]
    return known.ended and any(
        moment > known.run_submitted_at + _SAME_MOMENT and moment > (known.job.ended_at or moment)
        for moment in newest
    )


def _has_unseen_tasks(tracked: Tracked) -> bool:
    return (
        tracked.is_array
        and not tracked.ended
        and tracked.job.state is not JobState.VANISHED
        and JobState.UNKNOWN in tracked.job.task_states
    )


def _arrays(jobs: Iterable[Job]) -> Iterable[Job]:
    return (job for job in jobs if is_array(job))


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


def _refine(known: Job, row: Job) -> Job:
    """Put what accounting tells of an ended run over what the queue told."""
    return replace(
        known,
        state=row.state,
        state_flags=tuple(
            flag for flag in known.state_flags if flag not in {LEFT_QUEUE, "COMPLETING"}
        ),
        reason=known.reason if known.state.is_terminal else end_reason(row.reason),
        started_at=row.started_at or (known.started_at if known.node_list else None),
        expected_start_at=None,
        ended_at=row.ended_at or known.ended_at,
        exit_code=row.exit_code if row.exit_code is not None else known.exit_code,
        # squeue tells the signal of a cancelled job, sacct tells 0:0.
        exit_signal=row.exit_signal or known.exit_signal,
        node_list=row.node_list or known.node_list,
        node_count=row.node_count or known.node_count,
        cpu_count=row.cpu_count or known.cpu_count,
        memory_mib=row.memory_mib if row.memory_mib is not None else known.memory_mib,
        gpu_count=row.gpu_count or known.gpu_count,
        gpus_by_type=row.gpus_by_type or known.gpus_by_type,
        tres=known.tres or row.tres,
        submit_line=row.submit_line or known.submit_line,
        comment=row.comment or known.comment,
        restart_count=max(row.restart_count, known.restart_count),
    )
