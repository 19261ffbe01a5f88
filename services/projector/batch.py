"""Deliveries from the bus, taken apart: facts to write, and messages that nobody can use; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from slurmfleet.bus.port import Delivery
from slurmfleet.contracts import codec
from slurmfleet.contracts.codec import UndecodableMessageError
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


@dataclass(slots=True, kw_only=True)
class Batch:
    """Messages that are written together, in the order in which they came."""

    parcels: list[Parcel] = field(default_factory=list[Parcel])
    unusable: list[Unusable] = field(default_factory=list[Unusable])
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    """Of all of them."""

    facts_count: int = 0

    def add(self, opened: Parcel | Unusable) -> None:
        """Take one more message."""
        self.deliveries.append(opened.delivery)
        if isinstance(opened, Parcel):
            self.parcels.append(opened)
            self.facts_count += len(opened.facts)
        else:
            self.unusable.append(opened)

    def has_room_for(self, opened: Parcel | Unusable, *, at_most_facts: int) -> bool:
        """Whether a message still fits; any fits where there is none yet, none is taken apart."""
        more = len(opened.facts) if isinstance(opened, Parcel) else 0
        return not self.facts_count or self.facts_count + more <= at_most_facts


def open_delivery(delivery: Delivery) -> Parcel | Unusable:
    """Decode one message.

    A collector may speak for the cluster in its subject alone: the bus lets it publish no other.
    """
    try:
        subject = parse_fact_subject(delivery.message.subject)
        held = codec.unpack(delivery.message.body)
    except (UndecodableMessageError, MalformedSubjectError) as exc:
        return Unusable(delivery=delivery, reason=f"{type(exc).__name__}: {exc}")
    for fact in held.facts:
        if fact.cluster != subject.cluster:
            reason = f"a fact of cluster {fact.cluster[:64]!r} came under {subject.cluster!r}"
            return Unusable(delivery=delivery, reason=reason)
    return Parcel(delivery=delivery, facts=held.facts, unknown=held.unknown)


def unpack(deliveries: Sequence[Delivery]) -> Batch:
    """Decode messages; one that cannot be decoded costs only itself."""
    batch = Batch()
    for delivery in deliveries:
        batch.add(open_delivery(delivery))
    return batch


def of_newer_version(parcel: Parcel) -> Unusable:
    """Give a message of which this version could use only a part, to be kept for a newer one."""
    reason = (
        f"{parcel.unknown} of {parcel.unknown + len(parcel.facts)} facts are of a kind that this "
        "version does not know: upgrade slurmfleet, then retry"
    )
    return Unusable(delivery=parcel.delivery, reason=reason)


def newest(facts: Sequence[Fact]) -> datetime | None:
    """Give when the newest fact was observed; None without facts."""
    return max((_told_at(fact) for fact in facts), default=None)


def _told_at(fact: Fact) -> datetime:
    return fact.finished_at if isinstance(fact, PollFinished) else fact.observed_at
