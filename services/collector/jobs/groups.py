"""Arrays and het jobs as one thing each, brought up to date with their members; pure.

How one is put together stands in `arrays.py` and `hets.py`; here is when.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from services.collector.jobs.arrays import is_alive, reopen, whole_array
from services.collector.jobs.hets import whole_het
from services.collector.jobs.ledger import Ledger
from services.collector.jobs.tracked import Look, Memory, Tracked, group_of, is_array, known_groups
from services.collector.jobs.verdicts import SAME_MOMENT, VANISHED_AFTER, Rows
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What there is to put one group together from."""

    remainder: Job | None
    """The record of an array's tasks that wait, or were cancelled while they waited."""

    members: Sequence[Job]
    looked: bool
    """Whether the queue was read for the group's owner."""


def fold_groups(ledger: Ledger, memory: Memory, look: Look, rows: Rows) -> None:
    """Bring every array and het job up to date with its members."""
    members = _members(ledger, memory)
    remainders = _remainders(look, rows)
    groups = known_groups(memory)
    for group_id in sorted({*members, *remainders, *groups}):
        _fold(ledger, group_id, remainders.get(group_id), members.get(group_id, ()), look)


def has_unseen_members(tracked: Tracked) -> bool:
    """Whether a live group has members that no source shows."""
    return (
        JobState.UNKNOWN in tracked.job.task_states  # only groups count their members
        and tracked.is_group
        and not tracked.ended
        and tracked.job.state is not JobState.VANISHED
    )


def _members(ledger: Ledger, memory: Memory) -> Mapping[JobId, list[Job]]:
    members: defaultdict[JobId, list[Job]] = defaultdict(list)
    touched = ledger.outcome().remembered
    kept = (known for job_id, known in memory.items() if job_id not in touched)
    for known in chain(kept, touched.values()):
        job = known.job
        if job.array_task_id is None and job.het_offset is None:
            continue  # most jobs at most looks
        if (group := group_of(job)) is not None:
            members[group].append(job)
    return members


def _remainders(look: Look, rows: Rows) -> Mapping[JobId, Job]:
    remainders = {job.job_id: job for job in _arrays(look.present or ()) if look.followed.has(job)}
    for job in _arrays(row for runs in rows.values() for row in runs):
        # Accounting may still call tasks waiting that have started; what it ended stays ended.
        if job.state.is_terminal:
            remainders.setdefault(job.job_id, job)
    return remainders


def _arrays(jobs: Iterable[Job]) -> Iterable[Job]:
    return (job for job in jobs if is_array(job))


def _fold(
    ledger: Ledger, group_id: JobId, remainder: Job | None, members: Sequence[Job], look: Look
) -> None:
    known = ledger.get(group_id)
    if known is not None and not known.is_group:
        return  # a plain job has the id: it was recycled, and the members are of old
    if known is not None and _is_recycled(known, remainder, members):
        known = None
    before = known.job if known is not None else None
    submitted_at = before.submitted_at if before is not None else None
    own = [one for one in members if submitted_at is None or one.submitted_at >= submitted_at]
    reopened = known is not None and known.ended and is_alive(own)
    if known is not None and known.ended and not reopened and not _is_corrected(ledger, own):
        return
    if before is not None and reopened:
        before = reopen(before)
    looked = group_id not in look.unreadable and _has_looked(look, own, before)
    evidence = _Evidence(remainder=remainder, members=own, looked=looked)
    group = _whole(before, evidence)
    if group is None:
        return
    source = Evidence.ACCOUNTING if look.present is None else Evidence.QUEUE
    if known is None:
        ledger.tell_new(group, source)
    elif reopened:
        ledger.tell_reopened(group, known.run_submitted_at, source)
    else:
        ledger.tell_update(group, source)
        _wait_for_members(ledger, group_id, look)


def _has_looked(look: Look, members: Sequence[Job], known: Job | None) -> bool:
    some = known or next(iter(members), None)
    listed = look.present is not None and look.absence_counts
    return listed and (some is None or look.covered.has(some))


def _whole(known: Job | None, evidence: _Evidence) -> Job | None:
    first = evidence.remainder or known or next(iter(evidence.members), None)
    if first is not None and first.het_job_id is not None and first.array_job_id is None:
        return whole_het(known=known, components=evidence.members)
    return whole_array(
        known=known,
        remainder=evidence.remainder,
        tasks=evidence.members,
        looked=evidence.looked,
    )


def _is_corrected(ledger: Ledger, members: Sequence[Job]) -> bool:
    """Whether this look brought something new of a member, such as accounting's exit code."""
    return any(ledger.is_touched(one.job_id) for one in members)


def _wait_for_members(ledger: Ledger, group_id: JobId, look: Look) -> None:
    """Give up a group of which no source shows some members, after the usual patience."""
    known = ledger.get(group_id)
    if known is None or known.ended or not has_unseen_members(known):
        return
    if known.missing_since is None:
        ledger.remember(replace(known, missing_since=ledger.observed_at))
    elif (
        known.job.state is JobState.UNKNOWN
        and look.accounting is not None
        and group_id in look.asked
        and ledger.observed_at - known.missing_since > VANISHED_AFTER
    ):
        ledger.tell_vanished(known)


def _is_recycled(known: Tracked, remainder: Job | None, members: Sequence[Job]) -> bool:
    newest = [job.submitted_at for job in (remainder, *members) if job is not None]
    return known.ended and any(
        moment > known.run_submitted_at + SAME_MOMENT and moment > (known.job.ended_at or moment)
        for moment in newest
    )
