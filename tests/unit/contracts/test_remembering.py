"""What is remembered of values that come again and again."""

from collections.abc import Callable
from contextlib import suppress
from functools import _lru_cache_wrapper

import pytest

from slurmfleet.contracts.remembering import (
    LONGEST_REMEMBERED,
    remembers_short_rows,
    remembers_short_texts,
)
from slurmfleet.slurm import quantities
from slurmfleet.slurm.errors import SlurmParseError


def test_only_short_texts_are_remembered():
    asked: list[str] = []

    @remembers_short_texts(8)
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    short, long = "a", "a" * (LONGEST_REMEMBERED + 1)

    assert [length(short), length(short), length(long), length(long)] == [1, 1, 2_049, 2_049]
    assert asked == [short, long, long]


def test_only_rows_that_are_short_as_a_whole_are_remembered():
    asked: list[int] = []

    @remembers_short_rows(8)
    def length(one: str, other: str | None, *, is_odd: bool = False) -> int:
        asked.append(len(one) + len(other or "") + is_odd)
        return asked[-1]

    half = "a" * (LONGEST_REMEMBERED // 2)
    told = [length(half, half), length(half, half), length(half, None), length(half, None)]
    told += [length(half, half + "a"), length(half, other=half + "a")]

    assert told == [2_048, 2_048, 1_024, 1_024, 2_049, 2_049]
    assert asked == [2_048, 1_024, 2_049, 2_049]


CACHED = {
    name: value
    for name, value in vars(quantities).items()
    if isinstance(value, _lru_cache_wrapper) and value.__module__ == quantities.__name__
}
"""Readers that remember whatever they understand: they must understand nothing long."""

BEGINNINGS = ["", "7", "7.", "7.5", "0:", "1:00:0", "5:00.", "1-", "1-02:", "7-", "-", "N/A", "K"]
MORE = ["0", "7", " ", "K", "-", ":", "0:", "N/A", ",", "\0", "é"]


@pytest.mark.parametrize("reader", CACHED.values(), ids=CACHED)
def test_a_reader_that_remembers_all_it_understands_understands_nothing_long(
    reader: Callable[[str], object],
):
    understood: list[str] = []
    for text in (begin + more * 200 for begin in BEGINNINGS for more in MORE):
        with suppress(SlurmParseError):
            reader(text)
            understood.append(text)

    assert understood == []
