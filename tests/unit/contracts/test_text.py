"""Text from outside loses what could deceive a terminal, a table or a model."""

import pytest

from slurmfleet.contracts.text import clean_line


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
