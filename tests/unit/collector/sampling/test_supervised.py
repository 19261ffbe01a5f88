"""The words between the collector and the supervisor of steps."""

import pytest

from services.collector.sampling.supervised import (
    MOST_LINE_BYTES,
    End,
    Line,
    Sorter,
    closing,
    launch,
    opening,
)
from slurmfleet.slurm.errors import UnsafeArgumentError


def told(*pieces: bytes) -> list[Line | End]:
    sorter = Sorter()
    return [one for piece in pieces if (one := sorter.take(piece)) is not None]


def test_pieces_of_many_steps_are_put_together_again():
    assert told(b"1 +a", b"2 =x y", b"1 +b", b"2 +", b"1 =c", b"2 !srun: error: no ", b"2 =z") == [
        Line(2, "x y"),
        Line(1, "abc"),
        End(2, "srun: error: no"),
        Line(2, "z"),
    ]


@pytest.mark.parametrize(
    "noise", [b"", b"hello", b"1", b"1 ", b"1 x", b"-1 =a", b"9999999999 =a", b"\xff =a", b" =a"]
)
def test_what_no_supervisor_wrote_is_left_out(noise: bytes):
    assert told(noise, b"1 =a") == [Line(1, "a")]


def test_a_line_without_an_end_costs_no_memory():
    sorter = Sorter()
    for _ in range(1_000):
        sorter.take(b"1 +" + b"x" * 1_024)

    whole = sorter.take(b"1 =")

    assert isinstance(whole, Line)
    assert len(whole.text) == MOST_LINE_BYTES


def test_bytes_that_are_no_text_cost_only_themselves():
    assert told(b"1 =\xffa") == [Line(1, "\ufffda")]


def test_an_order_has_one_line():
    assert opening(3, "srun --jobid=41 sh -s") == b"open 3 srun --jobid=41 sh -s\n"
    assert closing(3) == b"close 3\n"
    with pytest.raises(UnsafeArgumentError):
        opening(3, "env A='x\nclose 1' srun")


def test_the_login_shell_sees_plain_words():
    command = launch("slurmfleet-0").command

    assert command.count("'") == 2
    assert not set("!\\`\n") & set(command)
