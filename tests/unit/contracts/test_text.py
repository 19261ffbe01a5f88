"""Text from outside loses what could deceive a terminal, a table or a model."""

from dataclasses import fields

import pytest

from slurmfleet.contracts.text import clean_line, shown
from slurmfleet.store.rows import JobView
from slurmfleet.testing.views import job_view


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("train llama é 漢 🚀 'x' | y", "train llama é 漢 🚀 'x' | y"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title without end", ""),
        ("two\r\nlines\tand a tab", "two lines and a tab"),
        ("a\u2028b\x85c", "a b c"),
        ("nul\x00 bell\x07 c1\x9b31m", "nul bell c131m"),
        ("user\u202etxt.exe\u2066", "usertxt.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("lone \udcff surrogate", "lone  surrogate"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("", ""),
    ],
)
def test_clean_line_shows_only_what_is_meant_to_be_read(raw: str, shown: str):
    assert clean_line(raw) == shown


def test_clean_line_cuts_long_text_with_an_ellipsis():
    assert clean_line("abcdef", at_most_chars=4) == "abc…"
    assert clean_line("abcd", at_most_chars=4) == "abcd"


def test_shown_makes_plain_values_of_a_row_and_cleans_its_texts():
    view = job_view(
        name="a\x00b", gpus_by_type={"h\x1b[1m100": 8}, state_flags=("X\n",), age_s=1.23456
    )

    plain = shown(view)

    assert isinstance(plain, dict)
    assert list(plain) == [field.name for field in fields(JobView)]
    assert {name: plain[name] for name in ("name", "gpus_by_type", "state_flags", "age_s")} == {
        "name": "ab",
        "gpus_by_type": {"h100": 8},
        "state_flags": ["X "],
        "age_s": 1.235,
    }
    assert (type(plain["state"]), plain["state"], plain["ended_at"]) == (str, "RUNNING", None)
    assert plain["submitted_at"] == view.submitted_at
