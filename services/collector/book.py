"""What is remembered of one cluster's jobs; every conclusion passes here, one at a time.

Looks and inquiries come from tasks of their own. Each is reconciled with what is remembered and
written down, with all that is to be told, in one transaction before the next begins.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from services.collector.jobs.diff import reconcile
from services.collector.jobs.repair import Adoption, adopt, tell_again
from services.collector.jobs.roll import roll
from services.collector.jobs.tracked import Look, Memory, Outcome, Tracked, group_of
from services.collector.state import KEPT_AFTER_END, StateFile, forgettable
from slurmfleet.contracts.codec import encode
from slurmfleet.contracts.events import Fact
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Job
from slurmfleet.contracts.trace import new_traceparent
from slurmfleet.timing.clock import Clock
from slurmfleet.timing.steadiness import Steadiness

Epilogue = Callable[[Outcome], Sequence[Fact]]
"""Gives facts that belong to a look and can be told only once its outcome is known."""


class Book:
    """The memory of one cluster and the way of facts into its outbox."""

    def __init__(
        self,
        cluster: ClusterName,
        *,
        state: StateFile,
        clock: Clock,
        on_queued: Callable[[], None],
        replica: str = "",
    ) -> None:
        """Prepare it; `open` reads what is remembered.

        Args:
            cluster: Whose jobs.
            state: Open; memory and outbox.
            clock: For all times.
            on_queued: Called after messages were put into the outbox.
            replica: Which of several collectors of one cluster tells the facts.
        """
        self._cluster = cluster
        self._source = f"/collector/{cluster}" + (f"/{replica}" if replica else "")
        self._state = state
        self._clock = clock
        self._on_queued = on_queued
        self._steadiness = Steadiness(clock)
        self._turn = asyncio.Lock()
        self._memory: dict[JobId, Tracked] = {}
        self._seen: dict[JobId, Job] = {}
        """The records of the newest looks, to tell which ones are the very same again."""
        self.live = 0
        """How many jobs, groups as one each, have not ended."""

        self.state_since: datetime = clock.now()
        """Since when is remembered what is remembered."""

    async def open(self) -> None:
        """Read what is remembered."""
        self._memory = await asyncio.to_thread(self._state.load)
        self._seen = {}
        self.live = sum(map(_is_live, self._memory.values()))
        self.state_since = await asyncio.to_thread(self._state.state_since, self._clock.now())

    @property
    def memory(self) -> Memory:
        """Give the tracked jobs, as they were last told."""
        return self._memory

    async def take(self, look: Look, epilogue: Epilogue | None = None) -> Outcome:
        """Conclude what follows from a look, and write it down with what is to be told.

        Raises:
            StateFileError: The disk is full or broken; nothing was concluded.
        """
        async with self._turn:
            # Both walk through all jobs, so they leave the loop to the other clusters.
            outcome, seen = await asyncio.to_thread(self._conclude, look)
            facts = (*outcome.facts, *(epilogue(outcome) if epilogue is not None else ()))
            changed = outcome.remembered
            forget = [
                job_id
                for job_id in self._forgettable(look)
                # What has just changed is not old, and a group that has keeps its members.
                if job_id not in changed and group_of(self._memory[job_id].job) not in changed
            ]
            await self._write(facts, changed, forget)
            self._remember(changed)
            for job_id in forget:
                del self._memory[job_id]
            self._seen = seen
        return outcome

    async def tell(self, facts: Sequence[Fact]) -> None:
        """Tell facts that change no memory: samples, and how surveys went.

        Raises:
            StateFileError: The disk is full or broken; nothing is told.
        """
        if facts:
            await self._write(facts, {}, ())

    async def call_roll(self, *, with_ended: bool = False) -> int:
        """Tell which jobs live, and on request those that are over; give how many were named.

        It waits for its turn: whatever it does not name yet is told after it.

        Raises:
            StateFileError: The disk is full or broken; nothing is told.
        """
        async with self._turn:
            now = self._clock.now()
            parts = roll(self._cluster, self._memory, now, with_ended=with_ended)
            await self._write(parts, {}, ())
        return sum(len(part.jobs) for part in parts)

    async def adopt(self, claims: Sequence[Tracked]) -> Adoption:
        """Take up jobs that others believe live, or tell what is known better.

        What is taken up is missing from the queue until a look shows it, so accounting is asked.

        Raises:
            StateFileError: The disk is full or broken; nothing was taken up.
        """
        async with self._turn:
            now = self._clock.now()
            adoption = await asyncio.to_thread(adopt, self._cluster, self._memory, claims, now)
            await self._keep(adoption.outcome)
        return adoption

    async def tell_again(self, jobs: Sequence[tuple[JobId, datetime]]) -> int:
        """Tell jobs of which others missed facts, as they are remembered; give how many are.

        Raises:
            StateFileError: The disk is full or broken; nothing is told.
        """
        async with self._turn:
            now = self._clock.now()
            retelling = await asyncio.to_thread(tell_again, self._cluster, self._memory, jobs, now)
            await self._keep(retelling.outcome)
        return retelling.told

    def _forgettable(self, look: Look) -> Sequence[JobId]:
        """Give what is too old to be remembered; nothing while the clock cannot be trusted.

        Accounting alone would tell again what was forgotten too early, and knows less of it.
        """
        if not self._steadiness.lasts(KEPT_AFTER_END):
            return ()
        return forgettable(self._memory, min(look.observed_at, self._clock.now()))

    async def _keep(self, outcome: Outcome) -> None:
        await self._write(outcome.facts, outcome.remembered, ())
        self._remember(outcome.remembered)

    def _remember(self, remembered: Memory) -> None:
        before = (self._memory.get(job_id) for job_id in remembered)
        self.live -= sum(known is not None and _is_live(known) for known in before)
        self.live += sum(map(_is_live, remembered.values()))
        self._memory.update(remembered)

    def _conclude(self, look: Look) -> tuple[Outcome, dict[JobId, Job]]:
        if look.present is None:
            return reconcile(self._cluster, self._memory, look), self._seen
        shown = {job.job_id: job for job in look.present}
        unchanged = frozenset(
            job_id for job_id, job in shown.items() if self._seen.get(job_id) is job
        )
        outcome = reconcile(self._cluster, self._memory, look.with_unchanged(unchanged))
        kept = {job_id: job for job_id, job in self._seen.items() if not look.covered.has(job)}
        return outcome, {**kept, **shown}

    async def _write(
        self, facts: Sequence[Fact], remembered: Memory, forget: Sequence[JobId]
    ) -> None:
        await asyncio.to_thread(self._commit, facts, remembered, forget)
        self._on_queued()

    def _commit(self, facts: Sequence[Fact], remembered: Memory, forget: Sequence[JobId]) -> None:
        # Encoded one by one as they are written: a first look at a large queue has many megabytes.
        messages = encode(facts, source=self._source, traceparent=new_traceparent())
        self._state.commit(remembered, messages, forget=forget)


def _is_live(known: Tracked) -> bool:
    return group_of(known.job) is None and not known.is_over
