"""When a cluster is asked again."""

from datetime import UTC, datetime, timedelta

from services.collector.pace import ACCOUNTING_RETRY_MOST, Pace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PACE = Pace(base_s=30, hot_s=10)


def after(pace: Pace, *looks: tuple[bool, float]) -> Pace:
    for good, duration_s in looks:
        pace = pace.after_look(good=good, duration_s=duration_s)
    return pace


def test_a_hot_cluster_is_looked_at_faster():
    assert (PACE.interval_s(hot=True), PACE.interval_s(hot=False)) == (10, 30)


def test_each_slow_or_failed_look_doubles_the_interval_up_to_eight_times():
    intervals = [
        after(PACE, *[(False, 1.0)] * failures).interval_s(hot=False) for failures in range(5)
    ]

    assert intervals == [30, 60, 120, 240, 240]
    assert after(PACE, (True, 6.0)).interval_s(hot=False) == 60


def test_three_good_looks_halve_it_again():
    slow = after(PACE, (False, 1.0), (False, 1.0))

    assert after(slow, *[(True, 0.1)] * 2).interval_s(hot=False) == 120
    assert after(slow, *[(True, 0.1)] * 3).interval_s(hot=False) == 60
    assert after(slow, *[(True, 0.1)] * 6).interval_s(hot=False) == 30


def test_everybodys_jobs_are_not_counted_at_the_hot_pace():
    counted = PACE.after_queue(NOW)

    due = [counted.wants_queue(NOW + timedelta(seconds=s)) for s in (0, 10, 20, 30)]

    assert due == [False, False, False, True]


def test_a_failing_accounting_database_is_left_alone_longer_and_longer():
    pace, waits = PACE, []
    for _ in range(8):
        pace = pace.after_accounting(NOW, ok=False)
        assert pace.accounting_due_at is not None
        waits.append((pace.accounting_due_at - NOW).total_seconds())

    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]
    assert not pace.may_ask_accounting(NOW + ACCOUNTING_RETRY_MOST - timedelta(seconds=1))
    assert pace.after_accounting(NOW, ok=True).accounting_failures == 0


def test_accounting_is_asked_at_every_second_hot_look():
    asked = PACE.after_accounting(NOW, ok=True)

    may = [asked.may_ask_accounting(NOW + timedelta(seconds=s)) for s in (0, 10, 20)]

    assert may == [False, False, True]
