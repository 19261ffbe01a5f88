"""Looks at one cluster, decides what follows, writes it down; looks again when it is time.

Everything that follows from a look is written to the state file in one transaction before any of
it is told (`book.py`). Sending it to the bus is the publisher's work (`publisher.py`). How jobs
ended that left the queue is asked of accounting by `inquiry.py`, beside the looks.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from services.collector.book import Book
from services.collector.budget import RpcBudget
from services.collector.desk import Known
from services.collector.jobs.coverage import Coverage
from services.collector.jobs.diff import hot_users
from services.collector.jobs.tracked import Outcome
from services.collector.looks.asking import Question, ask_probe, ask_queue
from services.collector.looks.gauges import Gauges
from services.collector.looks.pace import ASKED_AT_ONCE, ASKED_PART, Pace, least_interval_s
from services.collector.looks.reading import Reading
from services.collector.looks.sight import Sight
from services.collector.round_trip import IncompleteAnswerError
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from services.collector.target import link_state
from slurmfleet.contracts.events import LinkState, PollFinished
from slurmfleet.contracts.jobs import Job
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.sections import SectionOutcome
from slurmfleet.slurm.columns import Dialect
from slurmfleet.slurm.commands import probe_sections
from slurmfleet.slurm.probe import Probe
from slurmfleet.slurm.records import PLAIN
from slurmfleet.ssh.errors import SshError
from slurmfleet.ssh.lanes import Lane
from slurmfleet.ssh.port import Link
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

_TELL_BAD_ROWS = 3
"""Lines that could not be understood are logged up to this many a look; all are counted."""

PROBE_COST = sum(section.requests for section in probe_sections())
"""Requests that probing a login node makes of Slurm."""


REPROBE_AFTER_S = 60.0


class ClusterWatch:
    """One cluster under watch."""

    def __init__(
        self,
        config: ClusterConfig,
        settings: CollectorSettings,
        *,
        clock: Clock,
        book: Book,
        state: StateFile,
        link: Link,
        budget: RpcBudget,
        known: Known,
        on_looked: Callable[[], None] = lambda: None,
        accounting_outcomes: Callable[[], Sequence[SectionOutcome]] = tuple,
        may_look: Callable[[], None] = lambda: None,
    ) -> None:
        """Describe the watch.

        Args:
            config: The cluster.
            settings: Limits and paths.
            clock: For all times.
            book: What is remembered.
            state: Where lines are kept that could not be understood.
            link: To the login node; whoever made it closes it.
            budget: What the cluster may be asked.
            known: Where to put what others want to know.
            on_looked: Called after each look.
            accounting_outcomes: Gives how accounting answered since the look before.
            may_look: Called before each look; raises where another replica has taken over.
        """
        self.config = config
        self._settings = settings
        self._clock = clock
        self._book = book
        self._state = state
        self.link = link
        self._budget = budget
        self._known = known
        self._on_looked = on_looked
        self._accounting_outcomes = accounting_outcomes
        self._may_look = may_look
        self.pace = Pace(base_s=config.poll_interval_s, hot_s=config.hot_interval_s)
        self._hot_users: frozenset[str] = frozenset()
        self._records: dict[bytes, Job] = {}
        self._records_dialect: Dialect | None = None
        self._probed_connection = 0
        self._probed_s = 0.0
        self.clock_offset_s: float | None = None
        self._gauges = Gauges(config.name)
        self._wake = asyncio.Event()
        self._waiting: list[asyncio.Future[Sight]] = []
        self._asked = RpcBudget(
            per_minute=ASKED_PART * budget.per_minute, burst=ASKED_AT_ONCE, clock=clock
        )
        self._last_whole: Sight | None = None
        self.last: Sight | None = None
        self.good_at: datetime | None = None
        self.failing_since: datetime | None = None
        self._last_error = ""
        self._waited_s = 0.0

    async def run(self) -> None:
        """Look for ever; a failed look is told and does not end the watch."""
        try:
            while True:
                began_s = self._clock.monotonic_s()
                self._wake.clear()
                await self._look()
                spent_s = self._clock.monotonic_s() - began_s
                interval_s = self.pace.interval_s(hot=bool(self._hot_users)) * _jitter()
                await self._rest(max(0.0, interval_s - spent_s))
        finally:
            self._gauges.close()
            for waiting in self._waiting:
                waiting.cancel()

    async def look_now(self) -> Sight:
        """Look as soon as possible and give how it went; callers at the same time share a look.

        Looks on request are few (`pace.ASKED_PART`). Once they are used up, the newest whole look
        is given instead: it began before it was asked for.

        Raises:
            ProblemError: The cluster is not watched any more.
        """
        if not self._waiting:
            if self._last_whole is not None and self._asked.wait_s(1) > 0:
                return self._last_whole
            self._asked.spend(1)
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
            sight = await self._look_once(wanted=bool(waiting))
        except BaseException:
            self._waiting += waiting  # told by `run` that there will be no look
            raise
        for one in waiting:
            if not one.done():
                one.set_result(sight)

    async def _look_once(self, *, wanted: bool) -> Sight:
        """Look once; somebody who asked for it gets a whole look."""
        self._may_look()
        sight = await self._see(whole=wanted or self.pace.wants_whole(self._clock.now()))
        self.pace = self._next_pace(sight)
        if sight.reading is not None and sight.reading.population is not None:
            self._known.population = sight.reading.population
            self._known.waiting = sight.reading.waiting
        outcome = await self._write_down(sight)
        self._hot_users = self._find_hot_users()
        await self._tell(sight, outcome)
        self.last = sight
        if sight.whole:
            self._last_whole = sight
        self._note(sight)
        self._on_looked()
        return sight

    def _note(self, sight: Sight) -> None:
        if sight.good and not sight.error:
            self.good_at, self.failing_since = sight.finished_at, None
        else:
            self.failing_since = self.failing_since or sight.started_at

    async def _see(self, *, whole: bool) -> Sight:
        started_at = self._clock.now()
        link, error, reading, cost = LinkState.OK, "", None, 0
        self._waited_s = 0.0
        try:
            reading, cost = await self._ask(whole=whole)
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
            whole=whole,
            rpcs=cost,
            waited_s=self._waited_s,
        )

    async def _take(self, requests: int) -> None:
        began_s = self._clock.monotonic_s()
        await self._budget.take(requests)
        self._waited_s += self._clock.monotonic_s() - began_s

    async def _ask(self, *, whole: bool) -> tuple[Reading, int]:
        if self._must_probe():
            await self._take(PROBE_COST)
            self._gauges.requests("probe", PROBE_COST)
            await self._ask_probe()
        if self._known.probe is None:
            raise IncompleteAnswerError("The login node was not probed.")
        dialect = self._known.probe.dialect
        question = self._question(self._known.probe, whole=whole)
        requests = sum(section.requests for section in question.sections(PLAIN, dialect))
        await self._take(requests)
        self._gauges.requests("squeue", requests)
        if dialect != self._records_dialect:
            self._records, self._records_dialect = {}, dialect
        reading = await ask_queue(
            self.link,
            self._known.probe,
            question,
            limit_s=self._settings.look_limit_s,
            now=self._clock.now,
            known=self._records,
        )
        if whole:
            self._records = {}  # what a whole look does not show is gone
        self._records.update(reading.records)
        return reading, requests

    def _question(self, probe: Probe, *, whole: bool) -> Question:
        """Give what a look asks: everything, or the jobs of users who have hot ones."""
        accounts = self.config.track_accounts
        users = self.config.track_users or (() if accounts else (probe.user,))
        followed = Coverage.of(users, accounts)
        if not whole and self._hot_users:
            users, accounts = tuple(sorted(self._hot_users)), ()
        # A controller that did not answer is not asked twice in the next look.
        was_good = self.last is None or self.last.good
        return Question(
            users=users,
            accounts=accounts,
            queue=whole and was_good,
            followed=followed,
            section_limit_s=self._settings.section_limit_s,
        )

    def _must_probe(self) -> bool:
        """Whether to ask what Slurm can do: once for each connection, and again if it was silent.

        Until it has told, the careful choice is taken everywhere.
        """
        probe = self._known.probe
        if probe is None or self._probed_connection != self.link.connections_opened:
            return True
        age_s = self._clock.monotonic_s() - self._probed_s
        was_good = self.last is not None and self.last.good
        return not probe.abilities.is_told and was_good and age_s > REPROBE_AFTER_S

    async def _ask_probe(self) -> None:
        before = self._clock.now()
        self._probed_s = self._clock.monotonic_s()
        self._known.probe, epoch_s = await ask_probe(self.link, limit_s=self._settings.look_limit_s)
        self._probed_connection = self.link.connections_opened
        if epoch_s is not None:
            self.clock_offset_s = epoch_s - before.timestamp()

    def _next_pace(self, sight: Sight) -> Pace:
        pace = self.pace.after_look(good=sight.good, duration_s=sight.duration_s)
        if sight.whole and sight.good and sight.reading is not None:
            pace = pace.after_whole(
                sight.started_at,
                jobs=sight.reading.queue_rows,
                least_s=least_interval_s(sight.rpcs, self._budget.per_minute),
            )
        return pace

    def _find_hot_users(self) -> frozenset[str]:
        """Give whose jobs are about to be told of: just begun, ending, or missing."""
        since = self._clock.now() - timedelta(seconds=2 * self.pace.base_s)
        return hot_users(self._book.memory, since)

    async def _write_down(self, sight: Sight) -> Outcome:
        if sight.reading is None:
            await self._book.tell([self._poll_finished(sight)])
            return Outcome(facts=(), remembered={})
        bad_rows = sight.reading.bad_rows
        for section, rows in bad_rows.items():
            await asyncio.to_thread(self._state.keep_bad_rows, section, rows, sight.finished_at)
        return await self._book.take(sight.reading.look, lambda _: [self._poll_finished(sight)])

    def _poll_finished(self, sight: Sight) -> PollFinished:
        reading, probe = sight.reading, self._known.probe
        return PollFinished(
            cluster=self.config.name,
            started_at=sight.started_at,
            finished_at=sight.finished_at,
            duration_s=sight.duration_s,
            link=sight.link,
            error=sight.error,
            interval_s=self.pace.interval_s(hot=False),
            state_since=self._book.state_since,
            sections=(
                *(reading.sections if reading is not None else ()),
                *self._accounting_outcomes(),
            ),
            population=reading.population if reading is not None else None,
            slurm_version=probe.slurm_version if probe is not None else "",
            tracked_jobs=self._book.live,
            slurm_rpcs=sight.rpcs,
            clock_offset_s=self.clock_offset_s,
        )

    async def _tell(self, sight: Sight, outcome: Outcome) -> None:
        """Log transitions and one line a look; set the metrics."""
        name = self.config.name
        self._gauges.after_look(
            sight.link,
            duration_s=sight.duration_s,
            interval_s=self.pace.interval_s(hot=False),
            connections=self.link.connections_opened,
        )
        self._gauges.budget(self._budget)
        self._gauges.user_work(self.link.load(Lane.USER))
        if sight.reading is not None:
            self._gauges.after_reading(sight.reading, sight.finished_at, tracked=self._book.live)
        if sight.error != self._last_error:
            if sight.error:
                logger().warning("look failed", cluster=name, link=sight.link, error=sight.error)
            else:
                logger().info("look is well again", cluster=name)
            self._last_error = sight.error
        bad_rows = sight.reading.bad_rows.values() if sight.reading is not None else ()
        for row in [one for rows in bad_rows for one in rows][:_TELL_BAD_ROWS]:
            logger().warning("line not understood", cluster=name, error=row.error, line=row.line)
        logger().info(
            "look finished",
            cluster=name,
            facts=len(outcome.facts),
            tracked=len(self._book.memory),
            whole=sight.whole,
            duration_s=round(sight.duration_s, 3),
            interval_s=self.pace.interval_s(hot=bool(self._hot_users)),
        )


def _jitter() -> float:
    """Spread looks, so that clusters that share a network are not asked in step."""
    return random.uniform(0.95, 1.05)  # noqa: S311 nothing secret about it
