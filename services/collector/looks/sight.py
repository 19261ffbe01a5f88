"""How one look went, as whoever asked for it and the watch itself need to know."""

from dataclasses import dataclass
from datetime import datetime

from services.collector.looks.reading import Reading
from slurmfleet.contracts.events import LinkState


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How one look went."""

    started_at: datetime
    finished_at: datetime
    link: LinkState
    error: str = ""
    reading: Reading | None = None
    whole: bool = True
    rpcs: int = 0
    waited_s: float = 0.0
    """For our own budget; it says nothing about the cluster."""

    @property
    def duration_s(self) -> float:
        """Give how long the cluster took, connecting included."""
        spent_s = (self.finished_at - self.started_at).total_seconds()
        return max(0.0, spent_s - self.waited_s)  # of two clocks

    @property
    def good(self) -> bool:
        """Whether the tracked jobs were read."""
        return self.reading is not None and self.reading.detail_ok
