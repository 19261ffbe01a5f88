"""A job array as one thing with exact counts; pure.

Slurm shows the tasks that still wait as one record and every other task as its own. The whole
array is put together from both and from what is remembered of tasks that have left the queue.

Source: squeue(1), "JOB ARRAY SUPPORT"; docs/slurm-output.md, "Ids".
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import NO_GPUS, NO_TASKS, Job, JobState

_WORST_FIRST = (
    JobState.FAILED,
    JobState.OUT_OF_MEMORY,
    JobState.TIMEOUT,
    JobState.NODE_FAIL,
    JobState.BOOT_FAIL,
    JobState.DEADLINE,
    JobState.PREEMPTED,
    JobState.CANCELLED,
    JobState.COMPLETED,
)
"""How a whole array ended is how its worst task ended."""

_ALIVE_FIRST = (JobState.RUNNING, JobState.SUSPENDED, JobState.PENDING)


def whole_array(
    *, known: Job | None, remainder: Job | None, tasks: Sequence[Job], looked: bool
) -> Job | None:
    """Put an array together.

    Args:
        known: The array as it was last told.
        remainder: The record of the tasks that still wait, or were cancelled while they waited.
        tasks: Every task that is known, live and ended.
        looked: Whether the queue was read; otherwise waiting tasks are as they were.

    Returns:
        The array, or None when nothing is known of it. Tasks that were there and that no source
        shows now are counted as UNKNOWN, and keep the array from ending.
    """
    tasks = sorted(tasks, key=lambda task: task.array_task_id or 0)
    pattern = remainder or known or (_without_own(tasks[0]) if tasks else None)
    if pattern is None or pattern.array_job_id is None:
        return None
    counts = _count(known, remainder, tasks, looked=looked)
    state = overall_state(counts)
    starts = [task.started_at for task in tasks if task.started_at and task.node_list]
    if known is not None and known.started_at is not None:
        starts.append(known.started_at)
    ends = [task.ended_at for task in tasks if task.ended_at is not None]
    if remainder is not None and remainder.ended_at is not None:
        ends.append(remainder.ended_at)
    worst = worst_member(tasks, state)
    return replace(
        pattern,
        job_id=JobId(str(pattern.array_job_id)),
        raw_id=pattern.array_job_id,
        submitted_at=known.submitted_at if known is not None else pattern.submitted_at,
        state=state,
        state_flags=(),
        reason=_reason(known, remainder, looked=looked) if state is JobState.PENDING else "",
        array_task_id=None,
        array_pending=_waiting(known, remainder, looked=looked),
        task_states=counts,
        node_list="",
        node_names=(),
        has_all_node_names=True,
        batch_host="",
        gpus_by_type=_types(pattern, known, *tasks),
        restart_count=known.restart_count if known is not None else 0,
        eligible_at=_eligible_at(state, pattern, (known, remainder, *tasks)),
        started_at=min(starts, default=None),
        expected_start_at=remainder.expected_start_at if remainder is not None else None,
        ended_at=max(ends, default=None) if state.is_terminal else None,
        exit_code=worst.exit_code if worst is not None else None,
        exit_signal=worst.exit_signal if worst is not None else None,
    )


def _types(*told: Job | None) -> Mapping[str, int]:
    """Give what GPUs a task has: the record of those that wait names no type where nobody asked.

    So it is the same whether or not anybody saw that record before the first task ran.
    """
    types = (one.gpus_by_type for one in told if one is not None)
    return next(filter(None, types), NO_GPUS)


def _eligible_at(state: JobState, pattern: Job, told: Sequence[Job | None]) -> datetime | None:
    """Give from when the first task could run; of an array that waits, what Slurm says of it now.

    The record of the waiting tasks may be gone before anybody saw it with that moment.
    """
    if state is JobState.PENDING and pattern.eligible_at is not None:
        return pattern.eligible_at
    moments = [one.eligible_at for one in told if one is not None]
    return min((one for one in moments if one is not None), default=None)


def _without_own(task: Job) -> Job:
    """Give a task without what is its own: its files and Slurm's id are no other task's."""
    return replace(
        task, stdout_path="", stderr_path="", stdin_path="", unexpanded_paths=(), sluid=""
    )


def is_alive(tasks: Sequence[Job]) -> bool:
    """Whether some task waits or runs."""
    return any(task.state in _ALIVE_FIRST for task in tasks)


def reopen(ended: Job) -> Job:
    """Give an array that had ended and of which tasks were requeued, as a new run."""
    return replace(
        ended,
        restart_count=ended.restart_count + 1,
        ended_at=None,
        exit_code=None,
        exit_signal=None,
    )


def _count(
    known: Job | None, remainder: Job | None, tasks: Sequence[Job], *, looked: bool
) -> Mapping[JobState, int]:
    counts = Counter(task.state for task in tasks)
    before = known.task_states if known is not None else NO_TASKS
    if remainder is not None:
        counts.update(remainder.task_states)
    elif not looked:
        # A task that shows up elsewhere than in the queue has been one of those that wait.
        begun = sum(counts.values()) - counts[JobState.PENDING]
        waited = before.get(JobState.PENDING, 0)
        appeared = max(0, begun - (sum(before.values()) - waited))
        counts[JobState.PENDING] = max(counts[JobState.PENDING], waited - appeared)
    unseen = sum(before.values()) - sum(counts.values())
    for state in reversed(_WORST_FIRST):
        # A cancelled waiting part whose record has gone, or a task that is not remembered, stays
        # what it was; a task whose end was corrected is counted once.
        kept = max(0, min(unseen, before.get(state, 0) - counts[state]))
        counts[state] += kept
        unseen -= kept
    if unseen > 0:
        counts[JobState.UNKNOWN] += unseen
    return {state: counts[state] for state in sorted(counts) if counts[state] > 0}


def overall_state(counts: Mapping[JobState, int]) -> JobState:
    """Give the state of a group from the counts of its members; UNKNOWN where some are unseen."""
    for state in _ALIVE_FIRST:
        if state in counts:
            return state
    if JobState.UNKNOWN in counts or JobState.VANISHED in counts:
        return JobState.UNKNOWN
    return next((state for state in _WORST_FIRST if state in counts), JobState.UNKNOWN)


def worst_member(tasks: Sequence[Job], state: JobState) -> Job | None:
    """Give the first member that ended as the whole group did; None while it has not ended."""
    return (
        next((task for task in tasks if task.state is state), None) if state.is_terminal else None
    )


def _reason(known: Job | None, remainder: Job | None, *, looked: bool) -> str:
    """Give why it waits; what does not tell of the waiting tasks leaves it as it was."""
    if remainder is not None:
        return remainder.reason
    return known.reason if known is not None and not looked else ""


def _waiting(known: Job | None, remainder: Job | None, *, looked: bool) -> str:
    if remainder is not None:
        return "" if remainder.state.is_terminal else remainder.array_pending
    return known.array_pending if known is not None and not looked else ""
