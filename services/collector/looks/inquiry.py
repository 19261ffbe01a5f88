"""Asks one cluster's accounting how jobs ended, beside the looks and never in their way.

Accounting may lag, be down, or hang for minutes without an error while the controller is well. It
is asked on a channel of its own, with limits and a breaker of its own: looks go on meanwhile. What
it is asked about is decided in `agenda.py`, what its answer is worth in `accounting.py`.

A site may keep no accounting, by its settings or by sacct's own word. Then nobody is asked: what
left the queue is given up after the usual patience, counted by good looks.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.collector.book import Book
from services.collector.breaker import Breaker
from services.collector.desk import Desk
from services.collector.jobs.coverage import Coverage
from services.collector.jobs.diff import open_questions
from services.collector.jobs.tracked import Look
from services.collector.looks.accounting import Heard, read_accounting
from services.collector.looks.agenda import Agenda, Inquired, unknown_groups
from services.collector.round_trip import IncompleteAnswerError
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.commands import Section, accounting_sections, accounting_window_sections
from slurmfleet.slurm.faults import EXPLANATIONS, FaultKind
from slurmfleet.slurm.records import Separators
from slurmfleet.ssh.errors import SshError
from slurmfleet.telemetry import metrics
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

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
        self._agenda = Agenda(
            hot_interval_s=config.hot_interval_s,
            backfill=timedelta(hours=settings.backfill_hours),
            backfill_most=timedelta(days=settings.backfill_most_days),
        )
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
        return self._agenda.interval_s

    @property
    def is_absent(self) -> bool:
        """Whether the site keeps no accounting, so that there is nobody to ask."""
        if self._desk.is_probed and self._desk.probe.abilities.has_accounting is False:
            return True
        if self._absent_until is None:
            return False
        # More than that is left only where the clock was set back since.
        return timedelta() < self._absent_until - self._clock.now() <= ABSENCE_HOLDS

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
        self._agenda.rest(self._clock.now())

    def inquired(self) -> Inquired:
        """Give what is to be asked now."""
        now, memory = self._clock.now(), self._book.memory
        jobs = self._agenda.jobs(now, memory, self._followed())
        window = None
        if self._agenda.is_window_due(now):
            window = self._agenda.window(now, self._state.accounted_until())
        return Inquired(
            jobs=jobs,
            every_run=any(memory[job_id].past_runs for job_id in jobs),
            window=window,
        )

    async def ask(self, inquired: Inquired) -> None:
        """Ask once, conclude what follows, and set when it may be asked again."""
        now = self._clock.now()
        try:
            heard, observed_at = await self._hear_all(inquired)
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
        window_ok = heard.window_ok and not heard.is_absent
        await self._after_answer(inquired, now, window_ok=window_ok)

    async def _hear_all(self, inquired: Inquired) -> tuple[Heard, datetime]:
        """Ask, and then about all of the groups of which only some members were told."""
        memory = self._book.memory
        numbers = [memory[job_id].job.raw_id for job_id in inquired.jobs if job_id in memory]
        heard, observed_at = await self._hear(numbers, inquired)
        groups = unknown_groups(heard.rows or (), memory, self._followed())
        if groups:
            more, observed_at = await self._hear(groups, replace(inquired, window=None))
            heard = heard.with_more(more)
        return heard, observed_at

    async def _hear(self, numbers: Sequence[int], inquired: Inquired) -> tuple[Heard, datetime]:
        probe = self._desk.probe
        limit_s = self._settings.accounting_limit_s
        users, accounts = self._who()
        names: list[str] = []

        def sections(separators: Separators) -> Sequence[Section]:
            asked = accounting_sections(
                numbers,
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
        wait_s = max(self.breaker.wait_s(now), self._agenda.wait_s(now))
        if wait_s > 0:
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
        self._agenda.answered(inquired, now, self._book.memory)
        if inquired.window is not None and window_ok:
            await asyncio.to_thread(self._state.set_accounted_until, inquired.window[1])

    def _who(self) -> tuple[Sequence[str], Sequence[str]]:
        users, accounts = self._config.track_users, self._config.track_accounts
        return users or (() if accounts else (self._desk.probe.user,)), accounts

    def _followed(self) -> Coverage:
        return Coverage.of(*self._who())
