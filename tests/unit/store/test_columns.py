import math
from datetime import UTC, datetime, timedelta, timezone

from slurmfleet.contracts.jobs import JobState
from slurmfleet.store.write.columns import (
    json_array,
    number_array,
    text_array,
    time_array,
)


def test_text_is_quoted_and_nul_replaced():
    values = ["", "a", 'b"c', "d\\e", "{f},g", "NULL", "h\x00i", "é\n"]

    assert text_array(values) == '{"","a","b\\"c","d\\\\e","{f},g","NULL","h\ufffdi","é\n"}'


def test_numbers_and_booleans_are_bare_and_none_is_null():
    numbers = (1, None, -2.5, True, 0.1, 1e300, math.nan, math.inf)

    assert number_array(numbers) == "{1, null, -2.5, true, 0.1, 1e+300, NaN, Infinity}"
    assert number_array(()) == "{}"


def test_times_are_of_utc_whatever_zone_they_were_told_in():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    there = noon.astimezone(timezone(timedelta(hours=2)))

    assert (
        time_array([noon, None, there])
        == "{2026-01-01T12:00:00+00:00,NULL,2026-01-01T12:00:00+00:00}"
    )


def test_objects_become_json_within_text():
    assert (
        json_array([{}, {'a"b': 1}, {"c\x00": 2}])
        == '{"{}","{\\"a\\\\\\"b\\": 1}","{\\"c\ufffd\\": 2}"}'
    )
    assert json_array([{JobState.RUNNING: 2}]) == '{"{\\"RUNNING\\": 2}"}'
