"""What the bench makes of counts, and how it shows what could not be measured."""

import json
from collections import Counter

import pytest

from tests.bench.slurm_requests import Counts, Window, absent, pressed, steady
from tests.bench.table import as_json, beside
from tests.harness.requests import surveys_per_s


def a_window(*, length_s: float = 300, by_controller: int = 54, **ours: int) -> Window:
    begin = Counts(
        at_s=1_000, by_controller=200, by_accounting=30, ours=Counter({"squeue": 100, "sstat": 7})
    )
    end = Counts(
        at_s=begin.at_s + length_s,
        by_controller=begin.by_controller + by_controller,
        by_accounting=begin.by_accounting + 6,
        ours=begin.ours + Counter(ours),
    )
    return Window(before=begin, after=end)


def test_a_window_tells_what_was_asked_within_it_alone():
    window = a_window(squeue=50, scontrol=4, sacct=2)

    assert window.per_s == pytest.approx(54 / 300)
    assert window.detail == {
        "own_count_per_s": pytest.approx(54 / 300),
        "sacct_requests": 2,
        "scontrol_requests": 4,
        "squeue_requests": 50,
        "at_slurmdbd_per_s": pytest.approx(6 / 300),
        "window_s": 300,
    }


def test_in_the_long_run_surveys_count_as_often_as_they_come():
    """A window holds one survey too many or too few; looks and samples it holds as they come."""
    window = a_window(squeue=50, sstat=10, scontrol=12)

    assert window.long_run_per_s == pytest.approx(60 / 300 + surveys_per_s())


def test_what_exceeds_the_budget_is_not_met():
    within, _ = steady("a", "nothing runs", a_window(by_controller=59), {"connections": 1.0})
    above, _ = steady("a", "much runs", a_window(by_controller=61), {"connections": 1.0})

    assert (within.met, above.met) == (True, False)
    assert within.detail["connections"] == 1


def test_many_who_ask_are_compared_with_one():
    _, many = pressed("a", a_window(by_controller=100), a_window(by_controller=110), 0.5)

    assert many.detail["ratio_to_one"] == pytest.approx(1.1)
    assert many.met is None


def test_without_slurm_the_line_says_so_and_judges_nothing():
    line = absent("no real Slurm here")

    (told,) = json.loads(as_json([line], size="quick"))["results"]

    assert beside(line) == "no real Slurm here"
    assert (told["value"], told["met"], told["ratio"]) == (None, None, None)
