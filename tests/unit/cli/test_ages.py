from datetime import UTC, datetime

import pytest

from slurmfleet.cli.ages import age_text, duration_text, moment_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (12_000, "3 h 20 min"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
    ],
)
def test_duration_uses_two_units_at_most(seconds: float, text: str):
    assert duration_text(seconds) == text


def test_age_marks_what_is_stale_and_what_was_never_seen():
    assert [age_text(12), age_text(480, stale=True), age_text(None)] == [
        "12 s ago",
        "8 min ago, stale",
        "never",
    ]


def test_moment_is_empty_for_none_and_local_otherwise():
    moment = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

    assert moment_text(None) == ""
    assert moment_text(moment) == moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
