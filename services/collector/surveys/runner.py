"""Asks one topic again and again, and tells what was found and how it went."""

import asyncio
import random
from datetime import datetime

from services.collector.book import Book
from services.collector.breaker import Breaker
from services.collector.desk import Desk
from services.collector.round_trip import IncompleteAnswerError
from services.collector.state import StateFile
from services.collector.surveys.survey import Finding, Survey
from slurmfleet.contracts.sample import Topic
from slurmfleet.contracts.surveys import SurveyFinished
from slurmfleet.site.errors import SiteError
from slurmfleet.ssh.errors import SshError
from slurmfleet.telemetry import metrics
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

LONGEST_WAIT_S = 3_600.0
FIRST_WITHIN_S = 10.0
"""The first asking comes soon after the first look, not all topics at once."""


class SurveyRunner:
    """One topic of one cluster."""

    def __init__(
        self,
        survey: Survey,
        *,
        desk: Desk,
        book: Book,
        state: StateFile,
        clock: Clock,
        turn: asyncio.Semaphore,
        ready: asyncio.Event,
    ) -> None:
        """Describe it; `run` does the work.

        Args:
            survey: What is asked.
            desk: Where.
            book: Where facts go.
            state: Where lines are kept that could not be understood.
            clock: For all times.
            turn: Shared by the surveys of a cluster: one of them speaks at a time.
            ready: Set once it is known who we are on the login node.
        """
        self.survey = survey
        self._desk = desk
        self._book = book
        self._state = state
        self._clock = clock
        self._turn = turn
        self._ready = ready
        interval_s = survey.interval_s
        self._breaker = Breaker(first_s=interval_s, most_s=max(LONGEST_WAIT_S, interval_s))
        self.last: SurveyFinished | None = None
        self.last_good_at: datetime | None = None

    @property
    def topic(self) -> Topic:
        """What is asked about."""
        return self.survey.topic

    async def run(self) -> None:
        """Ask for ever."""
        await self._ready.wait()
        await self._clock.sleep(_spread(min(FIRST_WITHIN_S, self.survey.interval_s)))
        while True:
            began_s = self._clock.monotonic_s()
            async with self._turn:
                await self.ask()
            spent_s = self._clock.monotonic_s() - began_s
            await self._clock.sleep(max(0.0, self.wait_s - spent_s) * _jitter())

    @property
    def failing_since(self) -> datetime | None:
        """Since when it fails; None while all is well."""
        return self._breaker.failing_since

    @property
    def wait_s(self) -> float:
        """Give the seconds from the start of one asking to the next."""
        wait_s = self._breaker.wait_s(self._clock.now())
        return max(self.survey.interval_s, wait_s)

    async def ask(self) -> None:
        """Ask once and tell what came of it; what could not be asked is told as such."""
        started_at = self._clock.now()
        self._desk.rpcs.clear()
        error, finding = "", None
        try:
            finding = await self.survey.ask(self._desk)
            error = finding.error if finding is not None else ""
        except (SshError, IncompleteAnswerError, SiteError) as exc:
            error = str(exc)
        if finding is None and not error:
            return
        await self._tell(started_at, finding, error)

    async def _tell(self, started_at: datetime, finding: Finding | None, error: str) -> None:
        now = self._clock.now()
        self._judge(now, error)
        facts = finding.facts if finding is not None else ()
        if finding is not None:
            await asyncio.to_thread(
                self._state.keep_bad_rows, str(self.topic), finding.bad_rows, now
            )
        finished = SurveyFinished(
            cluster=self._desk.config.name,
            observed_at=now,
            source=finding.source if finding is not None else "",
            topic=self.topic,
            started_at=started_at,
            ok=not error,
            error=error[:500],
            interval_s=self.wait_s,
            sections=finding.sections if finding is not None else (),
            facts=len(facts),
            rejected=sum((finding.rejected or {}).values()) if finding is not None else 0,
            slurm_rpcs=self._desk.rpcs.total(),
        )
        await self._book.tell((*facts, finished))
        self.last = finished

    def _judge(self, now: datetime, error: str) -> None:
        name, topic = self._desk.config.name, self.topic
        outcome = "failed" if error else "ok"
        metrics.SURVEYS.labels(cluster=name, topic=topic, outcome=outcome).inc()
        if error:
            if not self._breaker.is_open:
                logger().warning("survey failed", cluster=name, topic=topic, error=error)
            self._breaker = self._breaker.after_failure(now, error)
            return
        if self._breaker.is_open:
            logger().info("survey is well again", cluster=name, topic=topic)
        self._breaker = self._breaker.after_success()
        self.last_good_at = now
        metrics.SURVEY_LAST_SUCCESS.labels(cluster=name, topic=topic).set(now.timestamp())


def _spread(within_s: float) -> float:
    return random.uniform(0.0, within_s)  # noqa: S311 nothing secret about it


def _jitter() -> float:
    return random.uniform(0.95, 1.05)  # noqa: S311 nothing secret about it
