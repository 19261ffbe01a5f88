"""When to look at a cluster again and what to ask then; pure.

A look is whole or hot. A whole one lists all tracked jobs and counts everybody's; a hot one, in
between, lists only the jobs of those users whose jobs are starting, ending or missing. A cluster
that answers slowly, or not at all, is asked less often; it is asked as often as before once it has
answered well a few times.

Source: field notes on Slurm's RPC cost, docs/adr/0005 and 0013.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SLOW_ANSWER_S = 5.0
"""A look that takes longer says that the controller has enough to do."""

LARGE_QUEUE = 10_000
"""Records of everybody's jobs from which on a whole look is made at most once a minute."""

LARGE_QUEUE_INTERVAL_S = 60.0
LARGEST_STRETCH = 8
GOOD_LOOKS_TO_RECOVER = 3


LOOKS_PART = 0.22
"""Of the budget that whole looks may take: at 30 requests a minute 0.11 a second. With surveys
(0.025) and samples by sstat (0.05) that is less than a request every five seconds; the
rest is for when jobs begin and end.
"""

ASKED_AT_ONCE = 6
"""Looks that people may ask for in a row before they have to be content with the newest."""

ASKED_PART = 1 / 90
"""Looks on request for each request in the budget: at 30 requests a minute one in three minutes.

Whoever asks without a pause, and however many do, so makes a cluster busier by an eighth at most.
"""


def least_interval_s(requests: int, per_minute: float) -> float:
    """Give the seconds between whole looks that cost so many requests, in a budget of so many.

    0 where there is no limit.
    """
    return 60.0 * requests / (LOOKS_PART * per_minute) if per_minute else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast one cluster is looked at, and what is due."""

    base_s: float
    """Between whole looks."""

    hot_s: float
    """Between looks while a tracked job is starting, ending or missing."""

    stretch: int = 1
    """By how much both are stretched: 1, 2, 4 or 8."""

    good_looks: int = 0
    least_s: float = 0.0
    """Between whole looks at least, so that they leave most of the budget to others."""

    is_large: bool = False
    """Whether the queue is so long that counting it is dear."""

    whole_due_at: datetime | None = None
    """When the next whole look is due; None: now."""

    @property
    def whole_interval_s(self) -> float:
        """Give the seconds from the start of one whole look to the start of the next."""
        base_s = max(self.base_s, self.least_s, LARGE_QUEUE_INTERVAL_S if self.is_large else 0.0)
        return base_s * self.stretch

    def interval_s(self, *, hot: bool) -> float:
        """Give the seconds from the start of one look to the start of the next."""
        whole_s = self.whole_interval_s
        return min(self.hot_s * self.stretch, whole_s) if hot else whole_s

    def wants_whole(self, now: datetime) -> bool:
        """Whether the next look should be a whole one."""
        if self.whole_due_at is None or now >= self.whole_due_at:
            return True
        # Further away than any interval: the clock was set back since.
        return (self.whole_due_at - now).total_seconds() > self.whole_interval_s

    def after_look(self, *, good: bool, duration_s: float) -> "Pace":
        """Give the pace after a look: slower when it failed or took long."""
        if not good or duration_s > SLOW_ANSWER_S:
            return replace(self, stretch=min(LARGEST_STRETCH, self.stretch * 2), good_looks=0)
        good_looks = self.good_looks + 1
        if self.stretch > 1 and good_looks >= GOOD_LOOKS_TO_RECOVER:
            return replace(self, stretch=self.stretch // 2, good_looks=0)
        return replace(self, good_looks=good_looks)

    def after_whole(
        self, now: datetime, *, jobs: int | None = None, least_s: float = 0.0
    ) -> "Pace":
        """Give the pace after a whole look that began at `now`.

        Args:
            now: Its start.
            jobs: How long the queue is; None where it was not counted.
            least_s: What the budget asks between two of them, see `least_interval_s`.
        """
        pace = replace(self, least_s=least_s)
        if jobs is not None:
            pace = replace(pace, is_large=jobs >= LARGE_QUEUE)
        # A little early counts as due: looks are not exactly one interval apart.
        due_at = now + timedelta(seconds=0.9 * pace.whole_interval_s)
        return replace(pace, whole_due_at=due_at)
