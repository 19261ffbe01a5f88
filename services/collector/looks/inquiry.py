"""Asks one cluster's accounting how jobs ended, beside the looks and never in their way.

Accounting may lag, be down, or hang for minutes without an error while the controller is well. It
is asked on a channel of its own, with limits and a breaker of its own: looks go on meanwhile.

What it is asked: jobs with an open question; which followed jobs ended since it was last asked
that, so that one that came and went between two looks is told too; jobs that are followed no more,
now and then; and once about each live job, for its submit line.

A site may keep no accounting, by its settings or by sacct's own word. Then nobody is asked: what
left the queue is given up after the usual patience, counted by good looks.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from services.collector.book import Book
from services.collector.breaker import Breaker
from services.collector.desk import Answer, Desk
from services.collector.jobs.coverage import Coverage
from services.collector.jobs.diff import open_questions
from services.collector.jobs.tracked import Look, Memory
from services.collector.outcomes import section_of, went_well, went_wrong
from services.collector.round_trip import IncompleteAnswerError
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Job
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.columns import Dialect
from slurmfleet.slurm.commands import (
    WINDOW_SECTION,
    Section,
    accounting_sections,
    accounting_window_sections,
)
from slurmfleet.slurm.faults import EXPLANATIONS, FaultKind, find_fault
from slurmfleet.slurm.records import BadRow, Separators
from slurmfleet.slurm.sacct import parse_accounting
from slurmfleet.ssh.errors import SshError
from slurmfleet.telemetry import metrics
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

MOST_JOBS = 2_000
"""Asked about at once: four sections of 500."""

MOST_INTRODUCTIONS = 200
TIMES_INTRODUCED = 2
"""How often a live job without a submit line is asked about; some have none."""

FOLLOWED_NO_MORE_EVERY = timedelta(minutes=5)
WINDOW_EVERY = timedelta(minutes=5)
WINDOW_OVERLAP = timedelta(minutes=10)
"""slurmdbd may write an end minutes late, and with the time at which the job really ended."""

ROUND_TRIP_S = 10.0
"""On top of what the sections may take."""

ABSENCE_HOLDS = timedelta(hours=1)
"""How long sacct is believed that there is no accounting, where the site's settings say nothing."""

_KEEPS_NONE = SectionOutcome(
    name=SectionName.ACCOUNTING,
    ok=True,
    exit_status=None,
    error=EXPLANATIONS[FaultKind.ACCOUNTING_ABSENT],
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What accounting answered."""

    rows: tuple[Job, ...] | None
    """None when a part of it failed: no evidence."""

    sections: tuple[SectionOutcome, ...]
    bad_rows: tuple[BadRow, ...]
    is_absent: bool
    """The site keeps no accounting: nobody will ever tell."""

    window_ok: bool = True
    """Whether what was asked about the window of time was answered."""

    @property
    def error(self) -> str:
        """Give the first failed section's words; empty when all is well."""
        return next((one.error for one in self.sections if not one.ok), "")


class Inquiry:
    """The questions that one cluster's accounting is asked."""

    def __init__(
        self,
        config: ClusterConfig,
        settings: CollectorSettings,
        *,
        clock: Clock,
        book: Book,
        state: StateFile,
        desk: Desk,
    ) -> None:
        """Describe it; `run` does the work."""
        self._config = config
        self._settings = settings
        self._clock = clock
        self._book = book
        self._state = state
        self._desk = desk
        self._noticed = asyncio.Event()
        self._asked_at: dict[JobId, datetime] = {}
        """When jobs that are followed no more were last asked about."""
        self._introduced: dict[JobId, int] = {}
        self._window_asked_at: datetime | None = None
        self._next_at: datetime | None = None
        self.breaker = Breaker(
            first_s=settings.accounting_retry_s, most_s=settings.accounting_retry_most_s
        )
        self._absent_until: datetime | None = None
        self._looked_at: datetime | None = None
        self._concluded_at: datetime | None = None
        self.heard_at: datetime | None = None
        self._told: list[SectionOutcome] = []

    @property
    def interval_s(self) -> float:
        """Between two inquiries at least, while all is well."""
        return 1.8 * self._config.hot_interval_s

    @property
    def is_absent(self) -> bool:
        """Whether the site keeps no accounting, so that there is nobody to ask."""
        if self._desk.is_probed and self._desk.probe.abilities.has_accounting is False:
            return True
        return self._absent_until is not None and self._clock.now() < self._absent_until

    def notice(self, looked_at: datetime | None = None) -> None:
        """Say that a look has ended, after which there may be something to ask.

        Args:
            looked_at: When the last good look ended, if there was one.
        """
        self._looked_at = looked_at or self._looked_at
        self._noticed.set()

    def take_outcomes(self) -> tuple[SectionOutcome, ...]:
        """Give how the sections went that were asked since the last call."""
        told, self._told = self._told, []
        return tuple(told)

    async def run(self) -> None:
        """Ask for ever, whenever there is something to ask and accounting may be asked."""
        while True:
            await self._noticed.wait()
            self._noticed.clear()
            await self._rest()
            if self._desk.is_probed:
                await self.inquire()

    async def inquire(self) -> None:
        """Ask what there is to ask; where there is nobody to ask, conclude what follows from it."""
        if self.is_absent:
            await self._conclude_alone()
            return
        inquired = self.inquired()
        if not inquired.is_empty:
            await self.ask(inquired)

    async def _conclude_alone(self) -> None:
        """Give up in time what left the queue of a site that keeps no accounting.

        The time is that of the last good look: a cluster that is not seen gives no evidence.
        """
        self._told = [_KEEPS_NONE]
        if self._looked_at is None or self._looked_at == self._concluded_at:
            return
        self._desk.check_ours()
        self._concluded_at = self._looked_at
        if asked := open_questions(self._book.memory):
            await self._book.take(
                Look(
                    observed_at=self._looked_at,
                    present=None,
                    followed=self._followed(),
                    accounting=(),
                    asked=asked,
                )
            )
        self._next_at = self._clock.now() + timedelta(seconds=self.interval_s)

    def inquired(self) -> Inquired:
        """Give what is to be asked now."""
        now, memory = self._clock.now(), self._book.memory
        jobs = list(islice(sorted(open_questions(memory)), MOST_JOBS))
        jobs += islice(self._followed_no_more(memory, now), max(0, MOST_JOBS - len(jobs)))
        if len(jobs) < MOST_JOBS:
            jobs += islice(self._to_introduce(memory), MOST_INTRODUCTIONS)
        chosen = frozenset(jobs)
        return Inquired(
            jobs=chosen,
            every_run=any(memory[job_id].past_runs for job_id in chosen),
            window=self._window(now),
        )

    async def ask(self, inquired: Inquired) -> None:
        """Ask once, conclude what follows, and set when it may be asked again."""
        now = self._clock.now()
        try:
            heard, observed_at = await self._hear(inquired)
        except (SshError, IncompleteAnswerError) as exc:
            # Looks tell of the connection; accounting has not been reached, for good or ill.
            self._after_failure(now, str(exc))
            return
        self._told += heard.sections
        for section in heard.sections:
            labels = {"cluster": self._config.name, "section": section.name}
            metrics.POLL_BAD_ROWS.labels(**labels).inc(section.bad_rows)
            metrics.POLL_SECTION_FAILURES.labels(**labels).inc(0 if section.ok else 1)
        await asyncio.to_thread(self._state.keep_bad_rows, "accounting", heard.bad_rows, now)
        self._absent_until = now + ABSENCE_HOLDS if heard.is_absent else None
        if heard.rows is None and not heard.is_absent:
            self._after_failure(now, heard.error)
            return
        await self._book.take(
            Look(
                observed_at=observed_at,
                present=None,
                followed=self._followed(),
                accounting=heard.rows or (),
                asked=inquired.jobs,
            )
        )
        await self._after_answer(inquired, now, window_ok=heard.window_ok)

    async def _hear(self, inquired: Inquired) -> tuple[Heard, datetime]:
        memory, probe = self._book.memory, self._desk.probe
        limit_s = self._settings.accounting_limit_s
        raw_ids = [memory[job_id].job.raw_id for job_id in inquired.jobs if job_id in memory]
        users, accounts = self._who()
        names: list[str] = []

        def sections(separators: Separators) -> Sequence[Section]:
            asked = accounting_sections(
                raw_ids,
                separators,
                probe.dialect,
                every_run=inquired.every_run,
                limit_s=limit_s,
            )
            if inquired.window is not None:
                since, until = (int(moment.timestamp()) for moment in inquired.window)
                asked += accounting_window_sections(
                    users,
                    accounts,
                    (since, until),
                    separators,
                    probe.dialect,
                    limit_s=limit_s,
                )
            names[:] = [section.name for section in asked]
            return asked

        answer = await self._desk.ask(sections, limit_s=limit_s + ROUND_TRIP_S)
        heard = await asyncio.to_thread(read_accounting, answer, names, probe.dialect)
        return heard, answer.observed_at

    async def _rest(self) -> None:
        """Wait until accounting may be asked."""
        now = self._clock.now()
        waits = [self.breaker.wait_s(now)]
        if self._next_at is not None:
            waits.append((self._next_at - now).total_seconds())
        if (wait_s := max(waits)) > 0:
            await self._clock.sleep(wait_s)

    def _after_failure(self, now: datetime, error: str) -> None:
        if not self.breaker.is_open:
            logger().warning("accounting does not answer", cluster=self._config.name, error=error)
        self.breaker = self.breaker.after_failure(now, error)
        metrics.ACCOUNTING_BREAKER.labels(cluster=self._config.name).set(1)
        self._noticed.set()

    async def _after_answer(self, inquired: Inquired, now: datetime, *, window_ok: bool) -> None:
        if self.breaker.is_open:
            logger().info("accounting answers again", cluster=self._config.name)
        self.breaker = self.breaker.after_success()
        metrics.ACCOUNTING_BREAKER.labels(cluster=self._config.name).set(0)
        self.heard_at = now
        self._next_at = now + timedelta(seconds=self.interval_s)
        for job_id in inquired.jobs:
            self._asked_at[job_id] = now
            self._introduced[job_id] = self._introduced.get(job_id, 0) + 1
        if inquired.window is not None and not self.is_absent:
            self._window_asked_at = now
            if window_ok:
                await asyncio.to_thread(self._state.set_accounted_until, inquired.window[1])
        self._forget()

    def _forget(self) -> None:
        memory = self._book.memory
        for known in (self._asked_at, self._introduced):
            for job_id in [one for one in known if one not in memory]:
                del known[job_id]

    def _who(self) -> tuple[Sequence[str], Sequence[str]]:
        users, accounts = self._config.track_users, self._config.track_accounts
        return users or (() if accounts else (self._desk.probe.user,)), accounts

    def _followed(self) -> Coverage:
        return Coverage.of(*self._who())

    def _followed_no_more(self, memory: Memory, now: datetime) -> Iterable[JobId]:
        followed = self._followed()
        for job_id, known in memory.items():
            if known.ended or known.is_group or followed.has(known.job):
                continue
            asked_at = self._asked_at.get(job_id)
            if asked_at is None or now - asked_at > FOLLOWED_NO_MORE_EVERY:
                yield job_id

    def _to_introduce(self, memory: Memory) -> Iterable[JobId]:
        return (
            job_id
            for job_id, known in memory.items()
            if not known.ended
            and not known.is_group
            and not known.job.submit_line
            and self._introduced.get(job_id, 0) < TIMES_INTRODUCED
        )

    def _window(self, now: datetime) -> tuple[datetime, datetime] | None:
        if self._window_asked_at is not None and now - self._window_asked_at < WINDOW_EVERY:
            return None
        until = self._state.accounted_until()
        backfill = timedelta(hours=self._settings.backfill_hours)
        since = until - WINDOW_OVERLAP if until is not None else now - backfill
        return max(since, now - timedelta(days=self._settings.backfill_most_days)), now


def read_accounting(answer: Answer, names: Sequence[str], dialect: Dialect) -> Heard:
    """Read what accounting answered about jobs, all of it or nothing, and about the window.

    A site whose sacct does not understand the window still tells how jobs ended.
    """
    outcomes: dict[str, SectionOutcome] = {}
    rows: list[Job] = []
    bad: list[BadRow] = []
    absent = False
    for name in names:
        output = answer.frames.sections.get(name)
        fault = find_fault(output)
        section = section_of(name)
        if output is None or fault is not None:
            absent = absent or (fault is not None and fault.kind is FaultKind.ACCOUNTING_ABSENT)
            outcomes[name] = went_wrong(section, output, fault)
            continue
        parsed = parse_accounting(output.stdout, answer.separators, dialect)
        rows += parsed.jobs
        bad += parsed.bad
        outcomes[name] = went_well(section, output, rows=len(parsed.jobs), bad_rows=len(parsed.bad))
    of_window = [name for name in names if name.startswith(WINDOW_SECTION)]
    of_jobs = [name for name in names if name not in of_window]
    well = all(outcomes[name].ok for name in of_jobs or of_window)
    return Heard(
        rows=tuple({(row.job_id, row.submitted_at): row for row in rows}.values())
        if well
        else None,
        sections=tuple(
            replace(one, ok=True, error=_KEEPS_NONE.error) if absent else one
            for one in outcomes.values()
        ),
        bad_rows=tuple(bad),
        is_absent=absent,
        window_ok=all(outcomes[name].ok for name in of_window),
    )
