"""Use over REST: what is asked for, what is refused, and how old it is."""

from datetime import date

import pytest

from slurmfleet.store.read.usage import UsageBy, UsageFilter, UsageView
from slurmfleet.testing.clock import ManualClock
from tests.unit.api.conftest import Desk

PATH = "/v1/usage/history"
ROW = UsageView(
    day=date(2026, 1, 1),
    cluster=None,
    user="ada",
    account=None,
    project=None,
    partition=None,
    jobs=3,
    failed_jobs=1,
    requeued_runs=0,
    live_jobs=2,
    gpu_hours=12.5,
    cpu_hours=100.0,
    wasted_gpu_hours=1.5,
    requeued_gpu_hours=0.0,
    sampled_gpu_hours=0.0,
    gpu_utilization_pct=None,
)


@pytest.fixture
def asked(desk: Desk) -> list[UsageFilter]:
    """Note what the reader is asked for."""
    found: list[UsageFilter] = []

    async def usage(wanted: UsageFilter) -> tuple[UsageView, ...]:
        found.append(wanted)
        return (ROW,)

    desk.reader.usage = usage
    return found


async def test_without_parameters_it_is_the_last_fourteen_days_by_day(
    desk: Desk, asked: list[UsageFilter]
):
    answer = await desk.client.get(PATH)

    today = ManualClock().now().date()
    assert answer.status_code == 200
    assert [(one.since, one.until, one.by) for one in asked] == [
        (date(2025, 12, 19), date(2026, 1, 2), (UsageBy.DAY,))
    ]
    assert today == date(2026, 1, 1)


async def test_rows_are_dated_and_what_is_not_known_is_null(desk: Desk, asked: list[UsageFilter]):
    shown = (await desk.client.get(PATH, params={"by": "day,user", "user": "ada,bob"})).json()

    (row,) = shown["items"]
    assert (row["day"], row["user"], row["cluster"]) == ("2026-01-01", "ada", None)
    assert (row["gpu_hours"], row["gpu_utilization_pct"]) == (12.5, None)
    assert (shown["age_s"], shown["stale"], shown["next_cursor"]) == (10.0, False, None)
    assert (asked[0].by, asked[0].users) == ((UsageBy.DAY, UsageBy.USER), ("ada", "bob"))


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"by": "week"}, "week"),
        ({"by": ""}, "by"),
        ({"since": "yesterday"}, "since"),
        ({"sincee": "2026-01-01"}, "sincee"),
        ({"cluster": "no such!"}, "cluster"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    desk: Desk, params: dict[str, str], named: str
):
    answer = await desk.client.get(PATH, params=params)

    assert answer.status_code == 400
    assert named in answer.text
