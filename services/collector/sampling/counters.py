"""How busy CPUs were, out of sums that only grow; pure.

A source tells the CPU seconds that were used so far. Between two tellings lies a mean; a sum that
became smaller (processes ended, an exporter began anew) or a step that has gone tells nothing.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """How many CPUs were busy on the mean, and over how long."""

    cores: float
    span_s: float


@dataclass(frozen=True, slots=True)
class _Told:
    seen_at: datetime
    parts: Mapping[str, float]


class CounterWentBackError(Exception):
    """A sum is smaller than before, or its moment is no later."""


@dataclass(slots=True, kw_only=True)
class CpuCounters:
    """What was told of each sum last time."""

    _told: dict[Hashable, _Told] = field(default_factory=dict[Hashable, _Told])

    def busy(self, key: Hashable, parts: Mapping[str, float], *, seen_at: datetime) -> Busy | None:
        """Note what was told, and give the mean since last time.

        A part that is new began since then, so all of it counts; one that has gone may have used
        any amount after it was seen, so nothing can be said.

        Args:
            key: What the sum is of.
            parts: CPU seconds by part.
            seen_at: When.

        Returns:
            None when there is nothing to compare with.

        Raises:
            CounterWentBackError: A sum became smaller, or time went backwards; noted all the same.
        """
        before = self._told.get(key)
        if before is not None and seen_at <= before.seen_at:
            raise CounterWentBackError
        self._told[key] = _Told(seen_at, dict(parts))
        if before is None or not before.parts.keys() <= parts.keys():
            return None
        steps = [used - before.parts.get(name, 0.0) for name, used in parts.items()]
        if any(step < 0 for step in steps):
            raise CounterWentBackError
        span_s = (seen_at - before.seen_at).total_seconds()
        return Busy(cores=sum(steps) / span_s, span_s=span_s)

    def forget(self, keep: frozenset[Hashable]) -> None:
        """Forget all sums whose key's first item is not in `keep`."""
        for key in tuple(self._told):
            if not isinstance(key, tuple) or key[0] not in keep:
                del self._told[key]
