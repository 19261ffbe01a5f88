"""How much a token may ask: requests by the minute in this process, actions by the day in all."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from math import ceil

from slurmfleet.access.principal import Principal
from slurmfleet.bus.errors import KeyNotFoundError, RevisionConflictError
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.streams import ACCESS
from slurmfleet.registry.registry import bus_problems
from slurmfleet.timing.clock import Clock

_MOST_METERS = 10_000
"""Tokens that are followed at once; beyond it the one that was quiet longest is forgotten."""


@dataclass(slots=True)
class _Meter:
    """A bucket that fills at the token's pace and holds a quarter of a minute's worth."""

    left: float
    seen_s: float


class RateLimits:
    """Requests of each token in this process; another replica counts for itself."""

    def __init__(self, clock: Clock) -> None:
        """Begin with full buckets."""
        self._clock = clock
        self._meters: dict[str, _Meter] = {}

    def take(self, token_id: str, *, per_minute: int) -> None:
        """Count a request.

        Raises:
            ProblemError: RATE_LIMITED, with when to come back.
        """
        now_s = self._clock.monotonic_s()
        per_s, room = per_minute / 60, max(1.0, per_minute / 4)
        meter = self._meters.pop(token_id, None) or _Meter(left=room, seen_s=now_s)
        self._meters[token_id] = meter
        if len(self._meters) > _MOST_METERS:
            del self._meters[next(iter(self._meters))]
        meter.left = min(room, meter.left + (now_s - meter.seen_s) * per_s)
        meter.seen_s = now_s
        if meter.left < 1:
            wait_s = ceil((1 - meter.left) / per_s)
            raise ProblemError(
                ProblemCode.RATE_LIMITED,
                f"This token may send {per_minute} requests a minute.",
                remedy=f"Come back in {wait_s} s, ask for less at once, or follow events instead.",
                retry_after_s=wait_s,
            )
        meter.left -= 1


class ActionBudget:
    """Actions of each token within a UTC day, counted on the bus for all replicas."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        """Count in the bucket of tokens."""
        self._bus = bus
        self._clock = clock

    async def spend(self, principal: Principal, count: int = 1) -> None:
        """Count actions before they are done.

        Raises:
            ProblemError: RATE_LIMITED: the day's are spent; or BUS_UNAVAILABLE.
        """
        most = principal.actions_per_day
        if most is None or not principal.token_id:
            return
        key, today = f"used.{principal.token_id}", self._clock.now().date().isoformat()
        while True:
            try:
                with bus_problems():
                    revision, used = await self._used(key, today)
                    if used + count > most:
                        raise _spent(principal, self._clock.now(), used=used, most=most)
                    value = json.dumps({"day": today, "actions": used + count}).encode()
                    if revision is None:
                        await self._bus.kv_create(ACCESS.name, key, value)
                    else:
                        await self._bus.kv_update(ACCESS.name, key, value, revision=revision)
            except RevisionConflictError:
                continue
            return

    async def _used(self, key: str, today: str) -> tuple[int | None, int]:
        try:
            entry = await self._bus.kv_get(ACCESS.name, key)
        except KeyNotFoundError:
            return None, 0
        held = json.loads(entry.value)
        return entry.revision, int(held["actions"]) if held["day"] == today else 0


def _spent(principal: Principal, now: datetime, *, used: int, most: int) -> ProblemError:
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=UTC)
    return ProblemError(
        ProblemCode.RATE_LIMITED,
        f"The token of {principal.name} may act {most} times a day, and {used} are used up.",
        remedy="Wait for the next day in UTC, or ask for a token with a larger actions_per_day.",
        retry_after_s=ceil((midnight - now).total_seconds()),
    )
