"""What accounting says of jobs: how runs ended, and that others have not; pure.

A row is about one run of a job, known by its submit time, which a requeue moves. The run that is
known now, a run before it whose end is still to be told, or a later one that nobody saw begin.

Source: sacct(1), --duplicates; docs/slurm-output.md, "Requeue, -D, RestartCnt".
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from services.collector.jobs.ledger import Ledger
from services.collector.jobs.tracked import Look, Memory, PastRun, Tracked, group_of, is_array
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import LEFT_QUEUE, Evidence, Job, JobState
from slurmfleet.slurm.states import end_reason

VANISHED_AFTER = timedelta(minutes=10)
"""How long accounting may know nothing of a job that left the queue; slurmdbd may lag minutes."""

RUNAWAY_AFTER = timedelta(hours=6)
"""How long accounting may call a job alive that the queue does not have: a runaway job.

Source: sacctmgr(1), "show RunawayJobs".
"""

SAME_MOMENT = timedelta(seconds=2)
"""squeue and sacct may differ by a second in what they call the submit time."""

PATIENCE = 5
"""How often accounting is asked to confirm an end that the queue has shown."""

Rows = Mapping[JobId, Sequence[Job]]
"""What accounting told, by the id under which we know the job; its runs, the oldest first."""


def hear(ledger: Ledger, memory: Memory, look: Look) -> Rows:
    """Take up what accounting told and what it did not tell; give the rows for the groups."""
    rows = _known_rows(memory, look.accounting or ())
    for job_id, runs in rows.items():
        for row in runs:
            if not is_array(row):
                _hear_run(ledger, job_id, row, look)
    if look.accounting is not None:
        for job_id in look.asked:
            _hear_silence(ledger, job_id, rows.get(job_id, ()))
    return rows


def _known_rows(memory: Memory, accounting: Sequence[Job]) -> Rows:
    """Give accounting's rows by the id under which the job is known.

    sacct calls the components of a het job that never ran 9 and 10, squeue 9+0 and 9+1.

    Source: docs/slurm-output.md, "Ids".
    """
    if not accounting:
        return {}
    components = {
        known.job.raw_id: job_id
        for job_id, known in memory.items()
        if known.job.het_offset is not None
    }
    rows: defaultdict[JobId, list[Job]] = defaultdict(list)
    for row in accounting:
        job_id = components.get(row.raw_id, row.job_id)
        rows[job_id].append(row if job_id == row.job_id else replace(row, job_id=job_id))
    for runs in rows.values():
        runs.sort(key=lambda row: row.submitted_at)
    return rows


def _hear_run(ledger: Ledger, job_id: JobId, row: Job, look: Look) -> None:
    known = ledger.get(job_id)
    if known is None:
        if row.state.is_terminal and _may_be_taken_up(ledger, row, look):
            ledger.tell_new(row, Evidence.ACCOUNTING)
            ledger.settle(job_id)
        return
    if (past := _past_run(known, row)) is not None:
        _end_past_run(ledger, known, past, row)
        return
    if _is_later_run(known, row):
        if row.state.is_terminal:
            _take_up_later_run(ledger, known, row)
        return
    if not _is_present_run(known, row):
        return
    if row.state.is_terminal:
        ledger.tell_update(_refine(known.job, row), Evidence.ACCOUNTING)
        ledger.settle(job_id)
    elif not known.ended and row.submit_line and not known.job.submit_line:
        # The one thing that accounting alone tells of a job that has not ended.
        ledger.tell_known_better(replace(known.job, submit_line=row.submit_line))


def _may_be_taken_up(ledger: Ledger, row: Job, look: Look) -> bool:
    """Whether a job that only accounting knows is ours: a task of a known group, or followed."""
    group = group_of(row)
    return (group is not None and ledger.get(group) is not None) or look.followed.has(row)


def _past_run(known: Tracked, row: Job) -> PastRun | None:
    return next(
        (
            past
            for past in known.past_runs
            if abs(row.submitted_at - past.run_submitted_at) <= SAME_MOMENT
        ),
        None,
    )


def _end_past_run(ledger: Ledger, known: Tracked, past: PastRun, row: Job) -> None:
    """Tell the end of a run before a requeue, once accounting has closed its row.

    The row of a run that was requeued says REQUEUED, which is a flag to us, or how it was ended:
    PREEMPTED, NODE_FAIL.
    """
    if not (row.state.is_terminal or "REQUEUED" in row.state_flags):
        return
    state = row.state if row.state.is_terminal else JobState.REQUEUED
    ended_at = row.ended_at or past.next_submitted_at
    job = replace(_refine(past.job, row), state=state, ended_at=ended_at)
    # The row's own count of restarts may be that of the run that followed.
    ledger.tell_past_end(
        known, past, replace(job, restart_count=past.job.restart_count), Evidence.ACCOUNTING
    )


def _is_present_run(known: Tracked, row: Job) -> bool:
    return abs(row.submitted_at - known.run_submitted_at) <= SAME_MOMENT


def _is_later_run(known: Tracked, row: Job) -> bool:
    """Whether a row is about a run that began after a requeue which nobody saw.

    A later row with another user or account is about another job: the id was recycled.
    """
    is_later = row.submitted_at > known.run_submitted_at + SAME_MOMENT
    return is_later and row.user == known.job.user and row.account == known.job.account


def _take_up_later_run(ledger: Ledger, known: Tracked, row: Job) -> None:
    """Tell a run that began and ended while nobody looked."""
    # Where sacct does not know Restarts, one requeue is the least that there must have been.
    restart_count = max(row.restart_count, known.job.restart_count + 1)
    later = replace(
        _refine(known.job, row),
        submitted_at=known.job.submitted_at,
        restart_count=restart_count,
        reason=end_reason(row.reason),
    )
    ledger.tell_requeued(later, row.submitted_at, Evidence.ACCOUNTING)
    ledger.settle(known.job.job_id)


def _hear_silence(ledger: Ledger, job_id: JobId, runs: Sequence[Job]) -> None:
    """Draw the conclusions of having asked about a job and not having been told its end."""
    known = ledger.get(job_id)
    if known is None:
        return
    if known.past_runs:
        known = _grow_impatient(ledger, known)
    if known.is_group:
        return
    if known.ended:
        _settle(ledger, known)
    elif known.missing_since is not None:
        alive = any(_is_present_run(known, row) or _is_later_run(known, row) for row in runs)
        _keep_or_vanish(ledger, known, alive=alive)


def _grow_impatient(ledger: Ledger, known: Tracked) -> Tracked:
    """Tell the ends of past runs that accounting does not know, after the usual patience.

    That the queue shows a later run is proof enough that the earlier one is over.
    """
    for past in known.past_runs:
        if past.times_asked + 1 < PATIENCE:
            known = ledger.asked_about_past(known, past)
        else:
            known = _end_unheard(ledger, known, past)
    return known


def end_past_runs(ledger: Ledger, known: Tracked) -> None:
    """Tell the ends of all past runs as the queue knows them: nobody will be asked any more."""
    for past in known.past_runs:
        known = _end_unheard(ledger, known, past)


def _end_unheard(ledger: Ledger, known: Tracked, past: PastRun) -> Tracked:
    ended_at = past.next_submitted_at
    job = replace(past.job, state=JobState.REQUEUED, ended_at=ended_at, state_flags=())
    return ledger.tell_past_end(known, past, job, Evidence.QUEUE)


def _settle(ledger: Ledger, known: Tracked) -> None:
    """Stop asking accounting about an end that it does not confirm."""
    if known.settled:
        return
    if known.times_asked + 1 >= PATIENCE:
        ledger.settle(known.job.job_id)
    else:
        ledger.remember(replace(known, times_asked=known.times_asked + 1))


def _keep_or_vanish(ledger: Ledger, known: Tracked, *, alive: bool) -> None:
    waited = ledger.observed_at - (known.missing_since or ledger.observed_at)
    if known.job.state is JobState.VANISHED:
        # Asked once more after it was given up; accounting may be hours late.
        if waited > RUNAWAY_AFTER:
            ledger.remember(replace(known, missing_since=None))
    elif waited > (RUNAWAY_AFTER if alive else VANISHED_AFTER):
        ledger.tell_vanished(known)


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
        # The queue may never have shown it: a job can wait, run and end between two looks.
        eligible_at=row.eligible_at or known.eligible_at,
        expected_start_at=None,
        ended_at=row.ended_at or known.ended_at,
        exit_code=row.exit_code if row.exit_code is not None else known.exit_code,
        # squeue tells the signal of a cancelled job, sacct tells 0:0.
        exit_signal=row.exit_signal or known.exit_signal,
        node_list=row.node_list or known.node_list,
        node_names=row.node_names if row.node_list else known.node_names,
        has_all_node_names=(row if row.node_list else known).has_all_node_names,
        node_count=row.node_count or known.node_count,
        cpu_count=row.cpu_count or known.cpu_count,
        memory_mib=row.memory_mib if row.memory_mib is not None else known.memory_mib,
        gpu_count=row.gpu_count or known.gpu_count,
        gpu_source=row.gpu_source if row.gpu_count else known.gpu_source,
        gpus_by_type=row.gpus_by_type or known.gpus_by_type,
        tres=known.tres or row.tres,
        submit_line=row.submit_line or known.submit_line,
        comment=row.comment or known.comment,
        sluid=known.sluid or row.sluid,
        restart_count=max(row.restart_count, known.restart_count),
    )
