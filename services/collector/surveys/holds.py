"""What reservations that we may not use keep of each node, and when the next one begins; pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from slurmfleet.slurm.reservations import Reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """For whom we ask: the login user, and the accounts that we follow."""

    user: str
    accounts: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The active reservations of one node, taken together."""

    is_ours: bool
    """Whether all of them admit us."""

    cpus: int
    """Kept from us by those that do not."""

    gpus: Mapping[str, int]
    """Kept from us, by type; what names no type is under ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A reservation that has not begun and that we may not use."""

    starts_at: datetime
    nodes: frozenset[str]


def holds_now(
    reservations: Iterable[Reservation], party: Party, now: datetime
) -> Mapping[str, Hold]:
    """Give what is kept of each node that an active reservation holds."""
    on_node: dict[str, list[Reservation]] = {}
    for one in reservations:
        if one.is_active(now):
            for name in one.held:
                on_node.setdefault(name, []).append(one)
    return {name: _together(name, several, party) for name, several in on_node.items()}


def _together(node: str, reservations: list[Reservation], party: Party) -> Hold:
    others = [one for one in reservations if not one.admits(party.user, party.accounts)]
    gpus: Counter[str] = Counter()
    for one in others:
        gpus.update(one.held[node].gpus)
    return Hold(
        is_ours=not others,
        cpus=sum(one.held[node].cpus for one in others),
        gpus=dict(gpus),
    )


def ahead_of(reservations: Iterable[Reservation], party: Party, now: datetime) -> tuple[Ahead, ...]:
    """Give the reservations to come that we may not use, the next first."""
    coming = [
        Ahead(starts_at=one.starts_at, nodes=frozenset(one.held))
        for one in reservations
        if one.starts_at is not None
        and one.is_ahead(now)
        and one.held
        and not one.admits(party.user, party.accounts)
    ]
    return tuple(sorted(coming, key=lambda one: one.starts_at))
