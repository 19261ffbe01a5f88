"""What fails is asked less and less often, and as usual once it is well."""

from datetime import UTC, datetime, timedelta

from services.collector.breaker import Breaker

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOSED = Breaker(first_s=30, most_s=600)


def test_each_failure_doubles_the_wait_up_to_the_longest():
    breaker, waits = CLOSED, list[float]()
    for _ in range(8):
        breaker = breaker.after_failure(NOW, "down")
        waits.append(breaker.wait_s(NOW))

    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]


def test_it_may_be_asked_again_once_its_wait_has_passed():
    breaker = CLOSED.after_failure(NOW, "down")

    may = [breaker.may_ask(NOW + timedelta(seconds=s)) for s in (0, 29, 30)]

    assert may == [False, False, True]


def test_it_tells_since_when_and_why_it_is_open():
    breaker = CLOSED.after_failure(NOW, "first").after_failure(NOW + timedelta(minutes=1), "second")

    assert (breaker.is_open, breaker.failing_since, breaker.error) == (True, NOW, "second")


def test_one_success_closes_it():
    breaker = CLOSED.after_failure(NOW, "down").after_success()

    assert breaker == CLOSED
    assert breaker.may_ask(NOW)


def test_a_clock_that_was_set_back_does_not_keep_it_open():
    breaker = CLOSED.after_failure(NOW, "down")
    earlier = NOW - timedelta(hours=2)

    assert (breaker.may_ask(earlier), breaker.wait_s(earlier)) == (True, 0.0)
