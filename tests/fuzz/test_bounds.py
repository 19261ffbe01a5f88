"""A megabyte of anything is read in time and memory that grow no faster than it does."""

import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.fuzz.parsers import PARSERS, Parser, tried
from tests.fuzz.texts import GROWING

SIZES = (16_384, 65_536)
LARGEST_SIZE = 1_048_576
"""Only the text that takes longest is made so large: there are many."""

STEP = 4
FASTEST_GROWTH = 2.5 * STEP
"""Linear work grows by 4 from size to size, quadratic work by 16; between them lies noise."""

TRIES = 4
NOTICEABLE_S = 0.02
MEMORY_SIZE = 16_384
MOST_BYTES_PER_CHARACTER = 200
OVERHEAD_BYTES = 500_000

by_parser = pytest.mark.parametrize("parser", PARSERS.values(), ids=list(PARSERS))


def cpu_s(parser: Parser, text: str) -> float:
    began_s = time.thread_time()
    tried(parser, text)
    return time.thread_time() - began_s


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How the time for one kind of text grew, up to the last size that was worth trying."""

    last_s: float = 0.0
    too_fast: str = ""
    """Where; empty when nowhere."""


def growth(parser: Parser, make: Callable[[int], str], sizes: Sequence[int]) -> Growth:
    """Measure size after size, until even quadratic work would not be noticed at the largest."""
    before_s = cpu_s(parser, make(sizes[0]))
    for before, size in pairwise(sizes):
        if before_s * (LARGEST_SIZE / before) ** 2 < NOTICEABLE_S:
            break
        now_s = cpu_s(parser, make(size))
        for _ in range(TRIES - 1):  # or the machine was busy: again
            if now_s <= max(NOTICEABLE_S, before_s * FASTEST_GROWTH):
                break
            before_s = min(before_s, cpu_s(parser, make(before)))
            now_s = min(now_s, cpu_s(parser, make(size)))
        if now_s > max(NOTICEABLE_S, before_s * FASTEST_GROWTH):
            words = f"{before_s:.3f} s, then {now_s:.3f} s for {size} characters"
            return Growth(last_s=now_s, too_fast=words)
        before_s = now_s
    return Growth(last_s=before_s)


@by_parser
@pytest.mark.timeout(300)
def test_time_grows_no_faster_than_the_text(parser: Parser):
    found = {kind: growth(parser, make, SIZES) for kind, make in GROWING.items()}
    longest = max(found, key=lambda kind: found[kind].last_s)
    largest = growth(parser, GROWING[longest], (*SIZES[1:], LARGEST_SIZE // STEP, LARGEST_SIZE))

    assert {kind: one.too_fast for kind, one in found.items() if one.too_fast} == {}
    assert largest.too_fast == ""


@by_parser
@pytest.mark.timeout(300)
def test_memory_grows_no_faster_than_the_text(parser: Parser):
    most_bytes = OVERHEAD_BYTES + MOST_BYTES_PER_CHARACTER * MEMORY_SIZE
    found = {kind: peak_bytes(parser, make(MEMORY_SIZE)) for kind, make in GROWING.items()}
    for kind, peak in found.items():
        if peak > most_bytes:  # or another thread of the process took memory meanwhile: again
            found[kind] = peak_bytes(parser, GROWING[kind](MEMORY_SIZE))

    assert {kind: peak for kind, peak in found.items() if peak > most_bytes} == {}


def peak_bytes(parser: Parser, text: str) -> int:
    """Give the most memory that a parser holds at a time, its result included."""
    tracemalloc.start()
    try:
        result = tried(parser, text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del result
    return peak
