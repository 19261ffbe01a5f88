"""Parts of rolls put together; pure.

Parts may come in any order, twice, or some of them never. A roll that is not whole proves nothing:
a job that it does not name may be in a part that is not there.
"""

from dataclasses import dataclass, field
from datetime import datetime

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.surveys import RollCalled, RollEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """The live jobs that a cluster's collector remembered at one moment."""

    cluster: ClusterName
    called_at: datetime
    entries: tuple[RollEntry, ...]
    with_ended: bool = False
    """Whether those are named as well that are over."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """The newest roll of one cluster, as far as it has come."""

    called_at: datetime
    parts: int
    come: dict[int, tuple[RollEntry, ...]] = field(default_factory=dict[int, tuple[RollEntry, ...]])


class RollCall:
    """Gives each roll once, when its last part is there; of a cluster the newest alone."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._open: dict[ClusterName, _Open] = {}
        self._given: dict[ClusterName, datetime] = {}

    def take(self, part: RollCalled) -> Roll | None:
        """Take one part; give the roll that it makes whole.

        A part of an older roll, of one that was given, and one that cannot be are left out.
        """
        given = self._given.get(part.cluster)
        if not 0 <= part.part < part.parts or (given is not None and part.observed_at <= given):
            return None
        known = self._open.get(part.cluster)
        if known is None or part.observed_at > known.called_at:
            known = _Open(called_at=part.observed_at, parts=part.parts)
            self._open[part.cluster] = known
        if (part.observed_at, part.parts) != (known.called_at, known.parts):
            return None
        known.come[part.part] = part.jobs
        if len(known.come) < known.parts:
            return None
        del self._open[part.cluster]
        self._given[part.cluster] = known.called_at
        entries = tuple(one for number in range(known.parts) for one in known.come[number])
        return Roll(
            cluster=part.cluster,
            called_at=known.called_at,
            entries=entries,
            with_ended=part.with_ended,
        )
