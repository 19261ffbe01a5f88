"""What accounting is asked about, in which order, and when again; pure.

First jobs with an open question. Then jobs that are followed no more, now and then. Then, a few
times, live jobs whose submit line is not known: accounting alone has it. Beside them, a window of
time: which followed jobs ended in it, so that one that came and went between two looks is told too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from services.collector.jobs.coverage import Coverage
from services.collector.jobs.diff import open_questions
from services.collector.jobs.tracked import Memory, group_of
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Job

MOST_JOBS = 2_000
"""Asked about at once: four sections of 500."""

MOST_GROUPS = 500
"""Asked about at once: one section."""

MOST_INTRODUCTIONS = 200
TIMES_INTRODUCED = 4
"""How often a live job without a submit line is asked about; some have none."""

INTRODUCED_AGAIN = timedelta(seconds=10)
"""After the first time, and four times as long after each further one: 0, 10, 50 and 210 s.

slurmctld tells slurmdbd of new jobs in batches, every five seconds where it has no record of them
yet, and later where slurmdbd is slow: a job may be unknown to accounting while it runs. Questions
that keep the pace of looks alone would all be asked before it has one.
"""

FOLLOWED_NO_MORE_EVERY = timedelta(minutes=5)
WINDOW_EVERY = timedelta(minutes=5)
WINDOW_OVERLAP = timedelta(minutes=10)
"""slurmdbd may write an end minutes late, and with the time at which the job really ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquired:
    """What one inquiry asks about."""

    jobs: frozenset[JobId] = frozenset()
    every_run: bool = False
    window: tuple[datetime, datetime] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not self.jobs and self.window is None


def unknown_groups(rows: Iterable[Job], memory: Memory, followed: Coverage) -> tuple[int, ...]:
    """Give Slurm's numbers of arrays and het jobs of which accounting told members alone.

    A window of time holds those members that ended in it. What became of the others decides how
    the whole ended, so all of such a group is asked for.
    """
    numbers = {
        row.array_job_id if row.array_task_id is not None else row.het_job_id
        for row in rows
        if (group := group_of(row)) is not None and group not in memory and followed.has(row)
    }
    return tuple(sorted(number for number in numbers if number is not None))[:MOST_GROUPS]


class Agenda:
    """What one cluster's accounting is to be asked, given what it was asked before."""

    def __init__(
        self, *, hot_interval_s: float, backfill: timedelta, backfill_most: timedelta
    ) -> None:
        """Begin with nothing asked.

        Args:
            hot_interval_s: Of the cluster; inquiries keep almost twice as far apart.
            backfill: How far back the first window of a new collector goes.
            backfill_most: How far back the first window after an outage goes at most.
        """
        self._hot_interval_s = hot_interval_s
        self._backfill = backfill
        self._backfill_most = backfill_most
        self._asked_at: dict[JobId, datetime] = {}
        """When each job was last asked about."""
        self._introduced: dict[JobId, int] = {}
        """How often each was."""
        self._window_asked_at: datetime | None = None
        self._next_at: datetime | None = None

    @property
    def interval_s(self) -> float:
        """Between two inquiries at least, while all is well."""
        return 1.8 * self._hot_interval_s

    def wait_s(self, now: datetime) -> float:
        """Give the seconds until the next inquiry; none where the clock was set back since."""
        wait_s = 0.0 if self._next_at is None else (self._next_at - now).total_seconds()
        return max(0.0, wait_s) if wait_s <= self.interval_s else 0.0

    def jobs(self, now: datetime, memory: Memory, followed: Coverage) -> frozenset[JobId]:
        """Give the jobs to ask about now: at most `MOST_JOBS` and `MOST_INTRODUCTIONS`."""
        jobs = list(islice(sorted(open_questions(memory)), MOST_JOBS))
        no_more = self._followed_no_more(now, memory, followed)
        jobs += islice(no_more, max(0, MOST_JOBS - len(jobs)))
        if len(jobs) < MOST_JOBS:
            jobs += islice(self._to_introduce(now, memory), MOST_INTRODUCTIONS)
        return frozenset(jobs)

    def is_window_due(self, now: datetime) -> bool:
        """Whether it is time to ask again which followed jobs ended."""
        asked_at = self._window_asked_at
        return asked_at is None or not timedelta() <= now - asked_at < WINDOW_EVERY

    def window(self, now: datetime, accounted_until: datetime | None) -> tuple[datetime, datetime]:
        """Give the window of time to ask about.

        Args:
            now: Where it ends.
            accounted_until: Where the last one that was answered ended; None for none ever.
        """
        since = now - self._backfill
        # One that lies ahead is of a clock that was set back since: it tells nothing.
        if accounted_until is not None and accounted_until <= now:
            since = accounted_until - WINDOW_OVERLAP
        return max(since, now - self._backfill_most), now

    def rest(self, now: datetime) -> None:
        """Have the usual interval pass before the next inquiry."""
        self._next_at = now + timedelta(seconds=self.interval_s)

    def answered(self, inquired: Inquired, now: datetime, memory: Memory) -> None:
        """Note that an inquiry of `now` was answered; jobs that left the memory are forgotten."""
        self.rest(now)
        for job_id in inquired.jobs:
            self._asked_at[job_id] = now
            self._introduced[job_id] = self._introduced.get(job_id, 0) + 1
        if inquired.window is not None:
            self._window_asked_at = now
        for known in (self._asked_at, self._introduced):
            for job_id in [one for one in known if one not in memory]:
                del known[job_id]

    def _followed_no_more(
        self, now: datetime, memory: Memory, followed: Coverage
    ) -> Iterable[JobId]:
        for job_id, known in memory.items():
            if known.is_over or followed.has(known.job):
                continue
            if self._is_due(job_id, now, FOLLOWED_NO_MORE_EVERY):
                yield job_id

    def _is_due(self, job_id: JobId, now: datetime, after: timedelta) -> bool:
        """Whether more time has passed since a job was asked about, or the clock was set back."""
        asked_at = self._asked_at.get(job_id)
        return asked_at is None or not timedelta() <= now - asked_at <= after

    def _to_introduce(self, now: datetime, memory: Memory) -> Iterable[JobId]:
        return (
            job_id
            for job_id, known in memory.items()
            if not known.ended
            and not known.is_group
            and not known.job.submit_line
            and (times := self._introduced.get(job_id, 0)) < TIMES_INTRODUCED
            and self._is_due(job_id, now, INTRODUCED_AGAIN * 4 ** (times - 1))
        )
