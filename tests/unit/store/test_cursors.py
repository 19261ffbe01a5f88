import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.store.read.cursors import (
    InvalidCursorError,
    JobPlace,
    event_cursor,
    job_cursor,
    read_event_cursor,
    read_job_cursor,
)

KEY = JobPlace(
    cluster=ClusterName("alpha"),
    job_id=JobId("4711_3"),
    submitted_at=datetime(2026, 1, 1, 12, 0, 0, 7, tzinfo=UTC),
)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_job_cursor_comes_back_as_its_key():
    assert read_job_cursor(job_cursor(KEY)) == KEY


def test_the_cursor_of_a_search_says_that_it_reads_and_may_stand_at_no_job():
    place = JobPlace(
        submitted_at=KEY.submitted_at, cluster=ClusterName(""), job_id=JobId(""), is_reading=True
    )

    assert read_job_cursor(job_cursor(place)) == place


def test_one_moment_has_one_cursor():
    there = KEY.submitted_at.astimezone(timezone(timedelta(hours=-7)))

    assert job_cursor(KEY) == job_cursor(
        JobPlace(cluster=KEY.cluster, job_id=KEY.job_id, submitted_at=there)
    )


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_an_event_cursor_comes_back_as_its_number(event_seq: int):
    assert read_event_cursor(event_cursor(event_seq)) == event_seq


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "====",
        "é",
        "A" * 600,
        "[" * 400,
        encoded({"j": 1}),
        encoded([]),
        encoded(["e", -1]),
        encoded(["e", 2**63]),
        encoded(["e", "1"]),
        encoded(["j", "yesterday", "alpha", "1"]),
        encoded(["j", "0001-01-01T00:00:00+14:00", "alpha", "1"]),
        encoded(["j", KEY.submitted_at.isoformat(), "alpha", "1; DROP TABLE jobs"]),
        encoded(["j", KEY.submitted_at.isoformat(), 7, "1"]),
        encoded(["j", KEY.submitted_at.isoformat(), "alpha", ""]),
        encoded(["j", KEY.submitted_at.isoformat(), "al\x00pha", "1"]),
        encoded(["r", KEY.submitted_at.isoformat(), "\ud800", ""]),
        encoded(["r", KEY.submitted_at.isoformat(), "alpha", "1; DROP TABLE jobs"]),
    ],
)
def test_anything_else_is_no_cursor(cursor: str):
    for read in (read_job_cursor, read_event_cursor):
        with pytest.raises(InvalidCursorError) as caught:
            read(cursor)
        assert caught.value.code is ProblemCode.INVALID_CURSOR


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str):
    with pytest.raises(InvalidCursorError):
        read_job_cursor(text)


def test_cursors_of_two_lists_do_not_mix():
    with pytest.raises(InvalidCursorError):
        read_event_cursor(job_cursor(KEY))
    with pytest.raises(InvalidCursorError):
        read_job_cursor(event_cursor(7))
