"""When to look at a cluster again and what to ask then; pure.

One look costs the controller one request per queue section and the accounting database at most
one. A cluster that answers slowly, or not at all, is asked less often; it is asked as often as
before once it has answered well a few times.

Source: field notes on Slurm's RPC cost, docs/adr/0005.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SLOW_ANSWER_S = 5.0
"""A look that takes longer says that the controller has enough to do."""

LARGEST_STRETCH = 8
GOOD_LOOKS_TO_RECOVER = 3
ACCOUNTING_RETRY = timedelta(seconds=30)
ACCOUNTING_RETRY_MOST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast one cluster is looked at, and what is due."""

    base_s: float
    """Between looks while nothing happens, and between counts of everybody's jobs."""

    hot_s: float
    """Between looks while a tracked job is starting, ending or missing."""

    stretch: int = 1
    """By how much both are stretched: 1, 2, 4 or 8."""

    good_looks: int = 0
    queue_due_at: datetime | None = None
    """When everybody's jobs are counted next; None: now."""

    accounting_due_at: datetime | None = None
    """When accounting may be asked again; None: now."""

    accounting_failures: int = 0

    def interval_s(self, *, hot: bool) -> float:
        """Give the seconds from the start of one look to the start of the next."""
        return (min(self.hot_s, self.base_s) if hot else self.base_s) * self.stretch

    def wants_queue(self, now: datetime) -> bool:
        """Whether everybody's jobs should be counted in this look."""
        return self.queue_due_at is None or now >= self.queue_due_at

    def may_ask_accounting(self, now: datetime) -> bool:
        """Whether accounting may be asked in this look."""
        return self.accounting_due_at is None or now >= self.accounting_due_at

    def after_look(self, *, good: bool, duration_s: float) -> "Pace":
        """Give the pace after a look: slower when it failed or took long."""
        if not good or duration_s > SLOW_ANSWER_S:
            return replace(self, stretch=min(LARGEST_STRETCH, self.stretch * 2), good_looks=0)
        good_looks = self.good_looks + 1
        if self.stretch > 1 and good_looks >= GOOD_LOOKS_TO_RECOVER:
            return replace(self, stretch=self.stretch // 2, good_looks=0)
        return replace(self, good_looks=good_looks)

    def after_queue(self, now: datetime) -> "Pace":
        """Give the pace after everybody's jobs were counted."""
        # A little early counts as due: looks are not exactly one interval apart.
        return replace(self, queue_due_at=now + timedelta(seconds=0.9 * self.base_s * self.stretch))

    def after_accounting(self, now: datetime, *, ok: bool) -> "Pace":
        """Give the pace after accounting was asked: every second hot look, and less after failures.

        At the default pace a busy cluster is so asked 6 + 2 + 3 times a minute: tracked jobs,
        everybody's jobs, accounting.
        """
        if ok:
            due_at = now + timedelta(seconds=1.8 * self.hot_s * self.stretch)
            return replace(self, accounting_due_at=due_at, accounting_failures=0)
        wait = min(ACCOUNTING_RETRY * 2**self.accounting_failures, ACCOUNTING_RETRY_MOST)
        wait = min(wait, timedelta(seconds=self.base_s * 2 ** (self.accounting_failures + 1)))
        return replace(
            self,
            accounting_due_at=now + wait,
            accounting_failures=min(self.accounting_failures + 1, 10),
        )
