"""All that is done for one cluster: looks, inquiry, surveys, roll call, over one connection."""

import asyncio
from collections.abc import Callable
from functools import partial

from services.collector.book import Book
from services.collector.budget import RpcBudget
from services.collector.chosen import NO_SURVEYS, Surveys
from services.collector.desk import Desk, Known
from services.collector.jobs.roll import FIRST_ROLL_S
from services.collector.links import open_link
from services.collector.looks.inquiry import Inquiry
from services.collector.looks.watch import ClusterWatch
from services.collector.mounts.desk import MountDesk
from services.collector.mounts.system import Machine
from services.collector.scripts.desk import ScriptDesk
from services.collector.settings import CollectorSettings, environment_of_others
from services.collector.state import StateFile
from services.collector.surveys.runner import SurveyRunner
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.runtime.process import supervise
from slurmfleet.timing.clock import Clock

KEPT_FOR_LOOKS = 3.0
"""Requests that surveys and inquiries leave in the budget: a look must not wait for them."""


class Station:
    """One cluster's collector, without the bus."""

    def __init__(
        self,
        config: ClusterConfig,
        settings: CollectorSettings,
        *,
        clock: Clock,
        state: StateFile,
        on_queued: Callable[[], None],
        surveys: Surveys = NO_SURVEYS,
        may_look: Callable[[], None] = lambda: None,
    ) -> None:
        """Put the parts together; `run` does the work.

        Args:
            config: The cluster.
            settings: Limits and paths.
            clock: For all times.
            state: Open; memory and outbox.
            on_queued: Called after messages were put into the outbox.
            surveys: What is asked beside the looks.
            may_look: Called before each look; raises where another replica has taken over.
        """
        self.config = config
        self._clock = clock
        self._may_look = may_look
        self._roll_interval_s = settings.roll_interval_s
        self.state = state
        self.book = Book(
            config.name,
            state=state,
            clock=clock,
            on_queued=on_queued,
            replica=settings.replica,
        )
        self.budget = RpcBudget(
            per_minute=config.rpcs_per_minute, burst=config.rpcs_per_minute, clock=clock
        )
        self.known = Known(memory=self.book.memory)
        self.link = open_link(config, settings, clock)
        self.scripts = ScriptDesk(
            config, settings, link=self.link, probe=lambda: self.known.probe, clock=clock
        )
        self.mounts = MountDesk(
            config,
            settings,
            clock=clock,
            machine=Machine(environment_of_others()),
            login=lambda: self.known.probe.user if self.known.probe is not None else "",
        )
        self._ready = asyncio.Event()
        self.inquiry = Inquiry(
            config, settings, clock=clock, book=self.book, state=state, desk=self._desk()
        )
        self.watch = ClusterWatch(
            config,
            settings,
            clock=clock,
            book=self.book,
            state=state,
            link=self.link,
            budget=self.budget,
            known=self.known,
            on_looked=self._looked,
            accounting_outcomes=self.inquiry.take_outcomes,
            may_look=may_look,
        )
        self.people = self._desk()
        """Counts what people have done to jobs; nothing of it waits for the budget."""

        turn = asyncio.Semaphore(1)
        self.surveys = tuple(
            SurveyRunner(
                survey,
                desk=self._desk(),
                book=self.book,
                state=state,
                clock=clock,
                turn=turn,
                ready=self._ready,
            )
            for survey in surveys.surveys
        )
        self._steps = surveys.steps

    async def run(self) -> None:
        """Work for ever; a part that fails is started again and does not end the others."""
        name = self.config.name
        await self.book.open()
        self.known.memory = self.book.memory
        async with self.link, asyncio.TaskGroup() as group:
            parts = {
                "look at": self.watch.run,
                "inquire of": self.inquiry.run,
                "call the roll of": self._call_rolls,
                "look after the mounts of": self.mounts.run,
            } | {f"survey {one.topic} of": one.run for one in self.surveys}
            parts |= self.scripts.parts()
            if self._steps is not None:
                parts["hold steps on"] = partial(self._steps.run, self._desk(), self.link)
            for what, body in parts.items():
                task = f"{what} {name}"
                group.create_task(supervise(task, body, clock=self._clock), name=task)

    def _desk(self) -> Desk:
        return Desk(
            self.config,
            link=self.link,
            budget=self.budget,
            known=self.known,
            clock=self._clock,
            keep=KEPT_FOR_LOOKS,
            may_ask=self._may_look,
        )

    def _looked(self) -> None:
        if self.known.probe is not None:
            self._ready.set()
        self.inquiry.notice(self.watch.good_at)

    async def _call_rolls(self) -> None:
        pause_s = min(FIRST_ROLL_S, self._roll_interval_s)
        while True:
            await self._clock.sleep(pause_s)
            pause_s = self._roll_interval_s
            last = self.watch.last
            if last is not None and last.good:
                # What was never seen well is no roll: others would take the missing for ended.
                await self.book.call_roll()
