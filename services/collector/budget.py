"""How many requests a cluster's Slurm is sent at most: a token bucket.

Slurm has one of its own for each user (rl_enable: 30 requests at once, two more each second); ours
is far below it, so that the person whose login we use never feels us.

Source: slurm.conf(5), SlurmctldParameters, rl_bucket_size and rl_refill_rate (23.02 and later).
"""

import asyncio

from slurmfleet.timing.clock import Clock

MINUTE_S = 60.0


class RpcBudget:
    """The requests that one cluster may be sent."""

    def __init__(self, *, per_minute: float, burst: float, clock: Clock) -> None:
        """Begin with a full bucket.

        Args:
            per_minute: How many are added each minute, evenly; 0 for no limit.
            burst: How many it holds at most.
            clock: To measure by.
        """
        self.per_minute = per_minute
        self._burst = burst
        self._clock = clock
        self._level = burst
        self._measured_s = clock.monotonic_s()
        self._turn = asyncio.Lock()
        self.waited_s = 0.0
        """How long askers have waited so far, added up."""

    @property
    def left(self) -> float:
        """Give how many requests may be sent at once now; below 0 after a debt was made."""
        now_s = self._clock.monotonic_s()
        grown = (now_s - self._measured_s) * self.per_minute / MINUTE_S
        self._level = min(self._burst, self._level + grown)
        self._measured_s = now_s
        return self._level

    def wait_s(self, count: float, *, keep: float = 0.0) -> float:
        """Give the seconds until `count` requests may be sent and `keep` more are left."""
        if not self.per_minute:
            return 0.0
        needed = min(count + keep, self._burst)
        return max(0.0, (needed - self.left) * MINUTE_S / self.per_minute)

    async def take(self, count: float, *, keep: float = 0.0) -> None:
        """Wait for `count` requests and take them; who asks first is served first.

        Args:
            count: Requests; more than the bucket holds leave a debt.
            keep: Left for those to whom waiting hurts more.
        """
        if not self.per_minute or not count:
            return
        async with self._turn:
            began_s = self._clock.monotonic_s()
            while (wait_s := self.wait_s(count, keep=keep)) > 0:
                await self._clock.sleep(wait_s)
            self.waited_s += self._clock.monotonic_s() - began_s
            self._level -= count

    def spend(self, count: float) -> None:
        """Take requests without waiting, for what must not wait: later askers pay the debt."""
        if self.per_minute:
            self._level = self.left - count
