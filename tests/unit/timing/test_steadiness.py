"""A clock that stepped is not trusted for a while."""

from datetime import timedelta

import pytest

from slurmfleet.testing.clock import ManualClock
from slurmfleet.timing.steadiness import Steadiness

SPAN = timedelta(hours=6)


class SteppedClock(ManualClock):
    """Moves its wall clock by itself where a test says so."""

    def step(self, by: timedelta) -> None:
        self._now += by


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


def test_a_clock_that_goes_as_time_goes_is_steady(clock: SteppedClock):
    steadiness = Steadiness(clock)

    clock.advance(3_600)

    assert steadiness.lasts(SPAN)


@pytest.mark.parametrize("step", [timedelta(hours=5), timedelta(hours=-5)])
def test_after_a_step_it_takes_the_whole_span_of_real_time(clock: SteppedClock, step: timedelta):
    steadiness = Steadiness(clock)

    clock.step(step)
    at_once = steadiness.lasts(SPAN)
    clock.advance(SPAN.total_seconds())
    just_before = steadiness.lasts(SPAN)
    clock.advance(1)

    assert (at_once, just_before, steadiness.lasts(SPAN)) == (False, False, True)


def test_the_way_back_is_a_step_as_well(clock: SteppedClock):
    steadiness = Steadiness(clock)

    clock.step(timedelta(hours=5))
    steadiness.lasts(SPAN)
    clock.advance(3_600)
    clock.step(timedelta(hours=-5))
    steadiness.lasts(SPAN)
    clock.advance(SPAN.total_seconds() - 1)

    assert not steadiness.lasts(SPAN)


def test_a_clock_that_is_being_corrected_is_steady(clock: SteppedClock):
    steadiness = Steadiness(clock)

    for _ in range(100):
        clock.advance(60)
        clock.step(timedelta(seconds=1))
        assert steadiness.lasts(SPAN)
