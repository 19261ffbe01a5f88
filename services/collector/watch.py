"""Watches one cluster: looks, decides, writes down; looks again when it is time.

Everything that follows from a look is written to the state file in one transaction before any of
it is told. Sending it to the bus is the publisher's work (`publisher.py`).
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.collector.asking import IncompleteAnswerError, Question, ask_probe, ask_slurm, rpcs
from services.collector.diff import open_questions, reconcile
from services.collector.gauges import Gauges
from services.collector.pace import Pace
from services.collector.reading import Reading
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile, forgettable
from services.collector.target import link_state, ssh_target
from services.collector.tracked import Outcome, Tracked
from slurmfleet.contracts.codec import encode
from slurmfleet.contracts.events import LinkState, PollFinished
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.trace import new_traceparent
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.errors import SshError
from slurmfleet.ssh.link import SshLink
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

_TELL_BAD_ROWS = 3
"""Lines that could not be understood are logged up to this many a look; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How one look went."""

    started_at: datetime
    finished_at: datetime
    link: LinkState
    error: str = ""
    reading: Reading | None = None

    @property
    def duration_s(self) -> float:
        """Give how long it took, connecting included."""
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def good(self) -> bool:
        """Whether the tracked jobs were read."""
        return self.reading is not None and self.reading.detail_ok


class ClusterWatch:
    """One cluster under watch."""

    def __init__(
        self,
        config: ClusterConfig,
        settings: CollectorSettings,
        *,
        clock: Clock,
        state: StateFile,
        on_queued: Callable[[], None],
    ) -> None:
        """Describe the watch.

        Args:
            config: The cluster.
            settings: Limits and paths.
            clock: For all times.
            state: Open; memory and outbox.
            on_queued: Called after messages were put into the outbox.
        """
        self.config = config
        self._settings = settings
        self._clock = clock
        self._state = state
        self._on_queued = on_queued
        self._pace = Pace(base_s=config.poll_interval_s, hot_s=config.hot_interval_s)
        self._memory: dict[JobId, Tracked] = {}
        self._state_since: datetime = clock.now()
        self._probe: Probe | None = None
        self._probed_connection = 0
        self._clock_offset_s: float | None = None
        self._gauges = Gauges(config.name)
        self._wake = asyncio.Event()
        self._waiting: list[asyncio.Future[Sight]] = []
        self._last: Sight | None = None
        self._last_error = ""
        self.link = SshLink(
            ssh_target(
                config,
                known_hosts=settings.known_hosts,
                ssh_config=settings.ssh_config,
                connect_limit_s=settings.connect_limit_s,
            ),
            clock=clock,
        )

    async def run(self) -> None:
        """Look for ever; a failed look is told and does not end the watch."""
        self._memory = await asyncio.to_thread(self._state.load)
        self._state_since = await asyncio.to_thread(self._state.state_since, self._clock.now())
        try:
            async with self.link:
                while True:
                    began_s = self._clock.monotonic_s()
                    self._wake.clear()
                    await self._look()
                    spent_s = self._clock.monotonic_s() - began_s
                    interval_s = self._pace.interval_s(hot=self._is_hot()) * _jitter()
                    await self._rest(max(0.0, interval_s - spent_s))
        finally:
            self._gauges.close()
            for waiting in self._waiting:
                waiting.cancel()

    async def look_now(self) -> Sight:
        """Look as soon as possible and give how it went; callers at the same time share a look.

        Raises:
            ProblemError: The cluster is not watched any more.
        """
        waiting: asyncio.Future[Sight] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._wake.set()
        await asyncio.wait({waiting})
        if waiting.cancelled():
            raise ProblemError(
                ProblemCode.UNKNOWN_CLUSTER,
                f"{self.config.name} is not watched any more: its configuration changed.",
                remedy="Ask again; `slurmfleet cluster list` shows what is configured.",
            )
        return waiting.result()

    def wake(self) -> None:
        """End the rest between two looks."""
        self._wake.set()

    async def _rest(self, delay_s: float) -> None:
        """Wait for the next look or for somebody who asks for one."""
        async with asyncio.TaskGroup() as group:
            timer = group.create_task(self._clock.sleep(delay_s), name="rest")
            waker = group.create_task(self._wake.wait(), name="wake")
            await asyncio.wait({timer, waker}, return_when=asyncio.FIRST_COMPLETED)
            timer.cancel()
            waker.cancel()

    async def _look(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            sight = await self._look_once()
        except BaseException:
            self._waiting += waiting  # told by `run` that there will be no look
            raise
        for one in waiting:
            if not one.done():
                one.set_result(sight)

    async def _look_once(self) -> Sight:
        sight = await self._see()
        self._pace = self._next_pace(sight)
        outcome = Outcome(facts=(), remembered={})
        if sight.reading is not None:
            outcome = reconcile(self.config.name, self._memory, sight.reading.look)
        self._memory |= outcome.remembered
        await self._write_down(sight, outcome)
        self._tell(sight, outcome)
        self._last = sight
        return sight

    async def _see(self) -> Sight:
        started_at = self._clock.now()
        link, error, reading = LinkState.OK, "", None
        try:
            reading = await self._ask()
            error = reading.error
        except SshError as exc:
            link, error = link_state(exc), str(exc)
        except IncompleteAnswerError as exc:
            error = str(exc)
        return Sight(
            started_at=started_at,
            finished_at=self._clock.now(),
            link=link,
            error=error,
            reading=reading,
        )

    async def _ask(self) -> Reading:
        if self._probe is None or self._probed_connection != self.link.connections_opened:
            await self._ask_probe()
        if self._probe is None:
            raise IncompleteAnswerError("The login node was not probed.")
        now = self._clock.now()
        may_ask = self._pace.may_ask_accounting(now)
        question = Question(
            users=self.config.track_users
            or (() if self.config.track_accounts else (self._probe.user,)),
            accounts=self.config.track_accounts,
            # A controller that did not answer is not asked twice in the next look.
            queue=self._pace.wants_queue(now) and (self._last is None or self._last.good),
            jobs=open_questions(self._memory) if may_ask else frozenset(),
            section_limit_s=self._settings.section_limit_s,
        )
        return await ask_slurm(
            self.link,
            self._probe,
            question,
            self._memory,
            limit_s=self._settings.look_limit_s,
            now=self._clock.now,
        )

    async def _ask_probe(self) -> None:
        before = self._clock.now()
        self._probe, epoch_s = await ask_probe(self.link, limit_s=self._settings.look_limit_s)
        self._probed_connection = self.link.connections_opened
        if epoch_s is not None:
            self._clock_offset_s = epoch_s - before.timestamp()

    def _next_pace(self, sight: Sight) -> Pace:
        pace = self._pace.after_look(good=sight.good, duration_s=sight.duration_s)
        if sight.reading is not None:
            if sight.reading.population is not None:
                pace = pace.after_queue(sight.started_at)
            if sight.reading.accounting_ok is not None:
                pace = pace.after_accounting(sight.finished_at, ok=sight.reading.accounting_ok)
        return pace

    def _is_hot(self) -> bool:
        """Whether something is about to be told: an open question, or a job that just began."""
        recent = self._clock.now().timestamp() - 2 * self._pace.base_s
        return any(
            (known.missing_since is not None and known.job.state is not JobState.VANISHED)
            or (known.ended and not known.settled and not known.is_array)
            or (not known.ended and known.observed_at.timestamp() > recent)
            for known in self._memory.values()
        )

    async def _write_down(self, sight: Sight, outcome: Outcome) -> None:
        source = f"/collector/{self.config.name}"
        trace = new_traceparent()
        messages = [
            *encode(outcome.facts, source=source, traceparent=trace),
            *encode([self._poll_finished(sight)], source=source, traceparent=trace),
        ]
        forget = forgettable(self._memory, sight.finished_at)
        await asyncio.to_thread(self._state.commit, outcome.remembered, messages, forget=forget)
        for job_id in forget:
            del self._memory[job_id]
        self._on_queued()

    def _poll_finished(self, sight: Sight) -> PollFinished:
        reading = sight.reading
        return PollFinished(
            cluster=self.config.name,
            started_at=sight.started_at,
            finished_at=sight.finished_at,
            duration_s=sight.duration_s,
            link=sight.link,
            error=sight.error,
            interval_s=self._pace.interval_s(hot=False),
            state_since=self._state_since,
            sections=reading.sections if reading is not None else (),
            population=reading.population if reading is not None else None,
            slurm_version=self._probe.slurm_version if self._probe is not None else "",
            tracked_jobs=self._live(),
            slurm_rpcs=sum(rpcs(reading).values()) if reading is not None else 0,
            clock_offset_s=self._clock_offset_s,
        )

    def _live(self) -> int:
        return sum(not known.ended for known in self._memory.values())

    def _tell(self, sight: Sight, outcome: Outcome) -> None:
        """Log transitions and one line a look; set the metrics."""
        name = self.config.name
        self._gauges.after_look(
            sight.link,
            duration_s=sight.duration_s,
            interval_s=self._pace.interval_s(hot=False),
            connections=self.link.connections_opened,
        )
        if sight.reading is not None:
            self._gauges.after_reading(sight.reading, sight.finished_at, tracked=self._live())
        if sight.error != self._last_error:
            if sight.error:
                logger().warning("look failed", cluster=name, link=sight.link, error=sight.error)
            else:
                logger().info("look is well again", cluster=name)
            self._last_error = sight.error
        for row in (sight.reading.bad_rows if sight.reading is not None else ())[:_TELL_BAD_ROWS]:
            logger().warning("line not understood", cluster=name, error=row.error, line=row.line)
        logger().info(
            "look finished",
            cluster=name,
            facts=len(outcome.facts),
            tracked=len(self._memory),
            duration_s=round(sight.duration_s, 3),
            interval_s=self._pace.interval_s(hot=self._is_hot()),
        )


def _jitter() -> float:
    """Spread looks, so that clusters that share a network are not asked in step."""
    return random.uniform(0.95, 1.05)  # noqa: S311 nothing secret about it
