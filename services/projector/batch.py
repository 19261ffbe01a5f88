"""Deliveries from the bus, taken apart: facts to write, and messages that nobody can use; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from slurmfleet.bus.port import Delivery
from slurmfleet.contracts.codec import UndecodableMessageError, count_unknown, decode
from slurmfleet.contracts.events import Fact, PollFinished
from slurmfleet.contracts.subjects import MalformedSubjectError, parse_fact_subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One message and the facts in it."""

    delivery: Delivery
    facts: tuple[Fact, ...]
    unknown: int = 0
    """Facts of kinds that only a newer version reads; they must not be acknowledged away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """One message that cannot be projected."""

    delivery: Delivery
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one fetch brought."""

    parcels: tuple[Parcel, ...]
    unusable: tuple[Unusable, ...]


def unpack(deliveries: Sequence[Delivery]) -> Batch:
    """Decode every message; one that cannot be decoded costs only itself."""
    parcels: list[Parcel] = []
    unusable: list[Unusable] = []
    for delivery in deliveries:
        try:
            facts, unknown = _facts(delivery), count_unknown(delivery.message.body)
            parcels.append(Parcel(delivery=delivery, facts=facts, unknown=unknown))
        except (UndecodableMessageError, MalformedSubjectError) as exc:
            reason = f"{type(exc).__name__}: {exc}"
            unusable.append(Unusable(delivery=delivery, reason=reason))
    return Batch(parcels=tuple(parcels), unusable=tuple(unusable))


def of_newer_version(parcel: Parcel) -> Unusable:
    """Give a message of which this version could use only a part, to be kept for a newer one."""
    reason = (
        f"{parcel.unknown} of {parcel.unknown + len(parcel.facts)} facts are of a kind that this "
        "version does not know: upgrade slurmfleet, then retry"
    )
    return Unusable(delivery=parcel.delivery, reason=reason)


def by_size(parcels: Sequence[Parcel], *, at_most_facts: int) -> Iterator[tuple[Parcel, ...]]:
    """Give the parcels in groups for one transaction each, in order; none is taken apart."""
    group: list[Parcel] = []
    facts = 0
    for parcel in parcels:
        if group and facts + len(parcel.facts) > at_most_facts:
            yield tuple(group)
            group, facts = [], 0
        group.append(parcel)
        facts += len(parcel.facts)
    if group:
        yield tuple(group)


def newest(facts: Sequence[Fact]) -> datetime | None:
    """Give when the newest fact was observed; None without facts."""
    return max((_told_at(fact) for fact in facts), default=None)


def _facts(delivery: Delivery) -> tuple[Fact, ...]:
    """Decode one message.

    A collector may speak for the cluster in its subject alone: the bus lets it publish no other.
    """
    subject = parse_fact_subject(delivery.message.subject)
    facts = decode(delivery.message.body)
    for fact in facts:
        if fact.cluster != subject.cluster:
            raise UndecodableMessageError(
                f"a fact of cluster {fact.cluster[:64]!r} came under {subject.cluster!r}"
            )
    return facts


def _told_at(fact: Fact) -> datetime:
    return fact.finished_at if isinstance(fact, PollFinished) else fact.observed_at
