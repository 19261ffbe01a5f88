"""When a cluster is asked again."""

from datetime import UTC, datetime, timedelta

from services.collector.looks.pace import LARGE_QUEUE, Pace

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


def test_between_two_whole_looks_there_is_room_for_hot_ones():
    looked = PACE.after_whole(NOW, jobs=100)

    due = [looked.wants_whole(NOW + timedelta(seconds=s)) for s in (0, 10, 20, 30)]

    assert due == [False, False, False, True]


def test_a_very_large_queue_is_counted_at_most_once_a_minute():
    looked = PACE.after_whole(NOW, jobs=LARGE_QUEUE)

    assert (looked.interval_s(hot=False), looked.interval_s(hot=True)) == (60, 10)
    assert not looked.wants_whole(NOW + timedelta(seconds=50))
    assert looked.after_whole(NOW, jobs=LARGE_QUEUE - 1).interval_s(hot=False) == 30


def test_a_queue_that_was_not_counted_changes_nothing():
    large = PACE.after_whole(NOW, jobs=LARGE_QUEUE)

    assert large.after_whole(NOW).is_large


def test_a_clock_that_was_set_back_makes_a_whole_look_due():
    looked = PACE.after_whole(NOW, jobs=100)

    assert looked.wants_whole(NOW - timedelta(hours=2))
