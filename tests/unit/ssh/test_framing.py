"""Marks around a script's outputs, in whatever pieces they come."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.ssh.framing import Frame, new_mark, request

MARK = "0123456789abcdef0123456789abcdef"
BEGIN, END = f"\n{MARK} BEGIN\n".encode(), f"\n{MARK} END 7\n".encode()


def fed(data: bytes, cuts: list[int]) -> Frame:
    frame = Frame(MARK)
    at = 0
    for cut in sorted({cut % (len(data) + 1) for cut in cuts}):
        frame.feed(data[at:cut])
        at = cut
    frame.feed(data[at:])
    return frame


@given(
    noise=st.binary(max_size=200),
    body=st.binary(max_size=200),
    rest=st.binary(max_size=50),
    cuts=st.lists(st.integers(min_value=0, max_value=2_000), max_size=12),
)
def test_pieces_make_no_difference(noise: bytes, body: bytes, rest: bytes, cuts: list[int]):
    frame = fed(noise + BEGIN + body + END + rest, cuts)

    assert (frame.begun, frame.status, frame.body) == (True, 7, body)
    assert (frame.noise, frame.rest) == (noise, rest)


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 2_000), max_size=5))
def test_what_never_begins_is_kept_as_it_was_heard(data: bytes, cuts: list[int]):
    frame = fed(data, cuts)

    assert (frame.begun, frame.status, frame.heard) == (False, None, data)


def test_noise_is_kept_only_in_part():
    frame = Frame(MARK)
    for _ in range(100):
        frame.feed(b"x" * 10_000)

    assert (len(frame.heard), frame.size_bytes < 100) == (4_096, True)


def test_a_mark_of_somebody_else_is_data():
    other = f"\n{new_mark()} END 0\n".encode()

    frame = fed(BEGIN + other + END, [])

    assert frame.body == other


def test_a_status_that_is_no_number_is_none_of_a_script():
    frame = fed(BEGIN + f"\n{MARK} END oops\n".encode(), [])

    assert frame.status == -1


@pytest.mark.parametrize("mark", ["", "x" * 32, MARK + "0", MARK[:-1] + "'"])
def test_a_mark_that_is_none_is_refused(mark: str):
    with pytest.raises(ValueError, match="32 hexadecimal"):
        request("true", mark)


def test_a_nul_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        request("echo \0", MARK)


@given(text=st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_the_script_is_sent_by_its_length_in_bytes(text: str):
    sent = request(f"echo {text}", MARK)

    length = int(sent.split(b"-N ", 1)[1].split(b" ", 1)[0])
    assert sent.split(b"\n", 1)[1][:length] == f"echo {text}".encode()


def test_a_request_that_was_cut_on_its_way_runs_nothing():
    whole = request("echo ran; exit 3", MARK)
    cut = whole[: whole.index(b"ran;")]

    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-s"], input=cut, capture_output=True, check=False
    )

    assert (done.returncode, done.stdout) == (125, b"")
