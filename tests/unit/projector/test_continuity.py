"""What the places of messages tell of a stream."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from services.projector.continuity import Continuity, Stretch
from slurmfleet.bus.port import DEFAULT_LIMIT_S
from slurmfleet.contracts.envelope import Message
from slurmfleet.store.write.streams import StreamLoss, StreamPosition
from slurmfleet.testing.builders import NOON


@dataclass
class Told:
    """A delivery of which only the place counts."""

    sequence: int
    published_at: datetime
    delivered_count: int = 1
    message: Message = Message(subject="s", body=b"")  # noqa: RUF009 it is frozen

    async def ack(self, *, limit_s: float = DEFAULT_LIMIT_S) -> None: ...
    async def nak(self, delay_s: float = 0) -> None: ...
    async def term(self) -> None: ...
    async def in_progress(self) -> None: ...


def told(*places: int, later_s: float = 0) -> list[Told]:
    return [
        Told(sequence=one, published_at=NOON + timedelta(seconds=one + later_s)) for one in places
    ]


def begun(position: StreamPosition | None = None) -> Continuity:
    seen = Continuity()
    seen.begin(position)
    return seen


def test_what_comes_before_the_position_is_known_waits_for_it():
    seen = Continuity()
    seen.take(told(6, 7))

    seen.begin(StreamPosition(last_sequence=3, last_published_at=NOON))
    seen.take(told(8))

    assert seen.suspects == [Stretch(first=4, last=5)]
    assert seen.position is not None
    assert seen.position.last_sequence == 8


def test_the_first_delivery_is_where_the_following_begins():
    seen = begun()

    seen.take(told(7, 8))

    assert (seen.suspects, seen.cuts) == ([], [])
    assert seen.position == StreamPosition(
        last_sequence=8, last_published_at=NOON + timedelta(seconds=8)
    )


def test_a_skipped_place_is_a_suspect():
    seen = begun()

    seen.take(told(1, 2, 5, 6, 8))

    assert seen.suspects == [Stretch(first=3, last=4), Stretch(first=7, last=7)]


def test_what_was_skipped_before_a_restart_is_a_suspect():
    seen = begun(StreamPosition(last_sequence=3, last_published_at=NOON))

    seen.take(told(6))

    assert seen.suspects == [Stretch(first=4, last=5)]


def test_what_is_delivered_again_changes_nothing():
    seen = begun()

    seen.take([*told(1, 2, 3), *told(2, 1, 3), *told(4)])

    assert (seen.suspects, seen.cuts) == ([], [])


def test_a_place_that_is_given_away_again_tells_of_a_cut():
    seen = begun()

    seen.take([*told(1, 2, 3, 4, 5), *told(4, 5, 6, later_s=60)])

    cut = StreamLoss(kind="cut", first_sequence=4, last_sequence=5, messages=2)
    assert (seen.suspects, seen.cuts) == ([], [cut])
    assert seen.position is not None
    assert seen.position.last_sequence == 6


def test_a_stream_that_ends_before_what_was_read_was_cut():
    seen = begun(StreamPosition(last_sequence=9, last_published_at=NOON))

    seen.cut(before=8)
    seen.cut(before=8)

    assert seen.cuts == [StreamLoss(kind="cut", first_sequence=8, last_sequence=9, messages=2)]


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ([], [(3, 7)]),
        ([3, 4, 5, 6, 7], []),
        ([4, 5], [(3, 3), (6, 7)]),
        ([1, 3, 9], [(4, 7)]),
        ([7], [(3, 6)]),
    ],
)
def test_what_is_found_is_not_missing(found: list[int], left: list[tuple[int, int]]):
    stretch = Stretch(first=3, last=7)

    assert [(one.first, one.last) for one in stretch.without(found)] == left
