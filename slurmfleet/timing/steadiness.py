"""Tells how long the wall clock has gone as time itself goes.

A clock that was hours ahead for a moment makes everything look old; whoever throws away what is
old asks here first.
"""

from datetime import timedelta

from slurmfleet.timing.clock import Clock

NOTICEABLE_S = 60.0
"""A smaller difference is the pace of a clock that is being corrected, or a pause between reads."""


class Steadiness:
    """Follows one clock from its first question on."""

    def __init__(self, clock: Clock) -> None:
        """Begin to follow a clock, which is taken as steady until it is seen to step."""
        self._clock = clock
        self._offset_s = self._now_s()
        self._stepped_s: float | None = None
        """When it was last seen to step, in monotonic seconds."""

    def lasts(self, span: timedelta) -> bool:
        """Say whether no step was seen within a span of real time; ask more often than it lasts."""
        offset_s, now_s = self._now_s(), self._clock.monotonic_s()
        if abs(offset_s - self._offset_s) > NOTICEABLE_S:
            self._stepped_s = now_s
        self._offset_s = offset_s
        return self._stepped_s is None or now_s - self._stepped_s > span.total_seconds()

    def _now_s(self) -> float:
        """Give by how much the wall clock is ahead of the monotonic one."""
        return self._clock.now().timestamp() - self._clock.monotonic_s()
