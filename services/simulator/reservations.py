"""Reservations of whole nodes: what administrators keep from the scheduler, and for whom.

Source: scontrol(1), "RESERVATIONS"; seen on Slurm 24.11.5.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One reservation. Nobody here asks for it, so its nodes stay empty while it lasts."""

    name: str
    starts_at: int
    """Seconds since 1970."""

    ends_at: int
    nodes: tuple[str, ...]
    users: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def is_active(self, now: int) -> bool:
        """Whether it holds its nodes at a moment."""
        return self.starts_at <= now < self.ends_at


def kept_from(reservations: Iterable[Reservation], now: int) -> Mapping[str, int]:
    """Give from when on each node is kept: what would end later may not start there."""
    kept: dict[str, int] = {}
    for one in reservations:
        if one.ends_at > now:
            for name in one.nodes:
                kept[name] = min(kept.get(name, one.starts_at), max(one.starts_at, now))
    return kept
