"""A roll counts once, when it is whole, in whatever order its parts come."""

from datetime import timedelta
from itertools import permutations

import pytest

from services.projector.rolls import Roll, RollCall
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.surveys import RollCalled, RollEntry
from slurmfleet.testing.builders import ALPHA, NOON

BETA = ClusterName("beta")


def entry(number: int) -> RollEntry:
    return RollEntry(job_id=JobId(str(number)), submitted_at=NOON, revision=number)


def part(number: int, of: int = 3, *, minute: int = 0, cluster: ClusterName = ALPHA) -> RollCalled:
    return RollCalled(
        cluster=cluster,
        observed_at=NOON + timedelta(minutes=minute),
        source="collector",
        part=number,
        parts=of,
        jobs=(entry(10 * number + 1), entry(10 * number + 2)),
    )


WHOLE = Roll(
    cluster=ALPHA,
    called_at=NOON,
    entries=tuple(entry(number) for number in (1, 2, 11, 12, 21, 22)),
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_parts_may_come_in_any_order(order: tuple[int, ...]):
    call = RollCall()

    assert [call.take(part(number)) for number in order] == [None, None, WHOLE]


def test_a_roll_of_one_part_is_whole_at_once():
    empty = RollCalled(
        cluster=ALPHA, observed_at=NOON, source="collector", part=0, parts=1, jobs=()
    )

    assert RollCall().take(empty) == Roll(cluster=ALPHA, called_at=NOON, entries=())


def test_a_part_that_comes_twice_stands_for_no_other():
    call = RollCall()

    assert [call.take(part(number)) for number in (0, 0, 1, 1)] == [None] * 4
    assert call.take(part(2)) == WHOLE


def test_a_roll_that_was_given_is_not_given_again():
    call = RollCall()
    for number in range(3):
        call.take(part(number))

    assert [call.take(part(number)) for number in range(3)] == [None] * 3


def test_a_roll_of_which_a_part_never_comes_proves_nothing_and_gives_way():
    call = RollCall()

    early = [call.take(part(0)), call.take(part(2))]
    late = [call.take(part(number, minute=10)) for number in range(3)]
    too_late = call.take(part(1))

    assert (early, too_late) == ([None, None], None)
    assert [one is not None for one in late] == [False, False, True]


def test_rolls_of_clusters_do_not_mix():
    call = RollCall()

    taken = [call.take(part(0, 2)), call.take(part(1, 2, cluster=BETA))]

    assert taken == [None, None]


@pytest.mark.parametrize("odd", [part(3), part(-1), part(0, 0), part(1, 4)])
def test_a_part_that_cannot_be_is_left_out(odd: RollCalled):
    call = RollCall()
    call.take(part(0))
    call.take(part(1))

    assert call.take(odd) is None
    assert call.take(part(2)) == WHOLE
