"""What the places of messages tell of a stream: what was skipped or given away again; pure.

JetStream numbers messages without gaps, and the projector is given every one. What a damaged block
held is skipped without a word; after a crash the server cuts a stream off at the damage and gives
the places behind it to new messages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from slurmfleet.bus.port import Delivery
from slurmfleet.store.write.streams import StreamLoss, StreamPosition

MOST_SUSPECTS = 1_000
"""Skipped stretches that wait to be looked at; more is one disaster, and the oldest tell of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Places from the first to the last."""

    first: int
    last: int

    def without(self, found: Iterable[int]) -> Sequence["Stretch"]:
        """Give what is left when the found places, in order, are taken out."""
        left: list[Stretch] = []
        begin = self.first
        for place in found:
            if not begin <= place <= self.last:
                continue
            if place > begin:
                left.append(Stretch(first=begin, last=place - 1))
            begin = place + 1
        if begin <= self.last:
            left.append(Stretch(first=begin, last=self.last))
        return left


@dataclass(slots=True)
class Continuity:
    """Follows the places of what is delivered; nothing is concluded from a skipped place alone.

    Another replica may have been given what was skipped, so it is a suspect that the stream is to
    be asked about.
    """

    position: StreamPosition | None = None
    has_begun: bool = False
    """Set once it is known how far the stream was read before."""

    waiting: list[Delivery] = field(default_factory=list[Delivery])
    """Delivered before that."""

    suspects: list[Stretch] = field(default_factory=list[Stretch])
    cuts: list[StreamLoss] = field(default_factory=list[StreamLoss])

    def begin(self, position: StreamPosition | None) -> None:
        """Go on from where the stream was read up to; None: it was never read."""
        if self.has_begun:
            return
        self.position, self.has_begun = position, True
        waiting, self.waiting = self.waiting, []
        self.take(waiting)

    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Note what was delivered; what is delivered again changes nothing."""
        if not self.has_begun:
            # The first that came tell all that can be told of what was before.
            self.waiting += deliveries[: MOST_SUSPECTS - len(self.waiting)]
            return
        for one in deliveries:
            last = self.position
            if last is None or one.sequence > last.last_sequence:
                if last is not None and one.sequence > last.last_sequence + 1:
                    self._suspect(last.last_sequence + 1, one.sequence - 1)
            elif one.published_at > last.last_published_at:
                self.cut(before=one.sequence)
            else:
                continue
            self.position = StreamPosition(
                last_sequence=one.sequence, last_published_at=one.published_at
            )

    def cut(self, *, before: int) -> None:
        """Note that the places from `before` on were given away again, or are gone."""
        last = self.position
        if last is None or before > last.last_sequence:
            return
        self.cuts.append(
            StreamLoss(
                kind="cut",
                first_sequence=before,
                last_sequence=last.last_sequence,
                messages=last.last_sequence - before + 1,
            )
        )
        self.position = StreamPosition(
            last_sequence=before - 1, last_published_at=last.last_published_at
        )

    def _suspect(self, first: int, last: int) -> None:
        if len(self.suspects) < MOST_SUSPECTS:
            self.suspects.append(Stretch(first=first, last=last))
