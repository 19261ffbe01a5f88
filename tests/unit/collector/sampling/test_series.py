from datetime import datetime, timedelta

import pytest

from services.collector.sampling.series import Naming, newest, node_of
from slurmfleet.site.prometheus import Point, Series
from slurmfleet.testing.clock import START


def series(*ages_s: float, **labels: str) -> Series:
    points = [Point(at=START - timedelta(seconds=age_s), value=1.0) for age_s in ages_s]
    return Series(labels=labels, points=tuple(points))


def at(age_s: float) -> datetime:
    return START - timedelta(seconds=age_s)


@pytest.mark.parametrize(
    ("ages_s", "seen"),
    [
        ((70, 40, 10), at(10)),
        ((120, 90, 60), at(60)),
        ((160, 130, 100), None),
        ((60, 50, 40), at(40)),
        ((70, 60, 50), None),
        ((140,), at(140)),
        ((), None),
    ],
)
def test_a_series_is_stale_by_the_measure_of_its_own_pace(
    ages_s: tuple[float, ...], seen: datetime | None
):
    point = newest(series(*ages_s), START)

    assert (point.at if point else None) == seen


@pytest.mark.parametrize(
    ("labels", "node"),
    [
        ({"Hostname": "hgx01.example.org", "instance": "10.0.0.1:9400"}, "hgx01"),
        ({"instance": "hgx01:9445"}, "hgx01"),
        ({"instance": "10.0.0.1:9445"}, ""),
        ({"instance": "[fe80::1]:9445"}, ""),
        ({"instance": "localhost:9400", "node": "n7"}, "n7"),
        ({}, ""),
    ],
)
def test_the_node_of_a_series_is_a_name_and_never_an_address(labels: dict[str, str], node: str):
    assert node_of(labels, Naming()) == node


def test_a_renamed_label_tells_the_node():
    assert node_of({"box": "a1"}, Naming(rename={"Hostname": "box"})) == "a1"
