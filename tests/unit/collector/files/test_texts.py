"""However a file is cut into parts, put together they are the file, and every part is whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.files.texts import (
    Part,
    encoding_of,
    text_of,
    whole_lines_backward,
    whole_lines_forward,
)

LINES = st.lists(st.text(alphabet="ab é漢😀\t", max_size=12), max_size=20)
WRITTEN = st.tuples(LINES, st.booleans()).map(
    lambda told: "\n".join(told[0]) + ("\n" if told[0] and told[1] else "")
)
SIZES = st.integers(min_value=4, max_value=40)


def newest_lines(raw: bytes, end: int, *, most_bytes: int, lines: int) -> Part:
    """Do what the script does: the newest bytes before `end`, and of them the newest lines."""
    told = raw[max(0, end - most_bytes) : end]
    kept = b"".join(told.splitlines(keepends=True)[-lines - 1 :])
    return Part(begin=end - len(kept), raw=kept)


@given(WRITTEN, SIZES)
def test_parts_read_forward_are_the_file_and_break_no_character(text: str, size: int):
    raw, at, told = text.encode(), 0, []

    while at < len(raw):
        is_at_end = at + size >= len(raw)
        part = Part(begin=at, raw=raw[at : at + size])
        kept = whole_lines_forward(part, is_at_end=is_at_end, encoding="utf-8")
        assert kept.begin == at
        assert kept.end > at
        told.append(kept.raw.decode())
        at = kept.end

    assert "".join(told) == text


@given(WRITTEN, SIZES, st.integers(min_value=1, max_value=5))
def test_parts_read_backward_are_the_file_and_break_no_character(text: str, size: int, lines: int):
    raw, told = text.encode(), []
    end = len(raw)

    while end > 0:
        part = newest_lines(raw, end, most_bytes=size, lines=lines)
        kept = whole_lines_backward(part, lines=lines, encoding="utf-8")
        assert kept.end == end
        assert kept.begin < end
        told.append(kept.raw.decode())
        end = kept.begin

    assert "".join(reversed(told)) == text


@given(WRITTEN, st.integers(min_value=1, max_value=5))
def test_the_newest_lines_are_whole_where_they_have_room(text: str, lines: int):
    raw = text.encode()

    part = newest_lines(raw, len(raw), most_bytes=10_000, lines=lines)
    kept = whole_lines_backward(part, lines=lines, encoding="utf-8")

    assert kept.raw.decode() == "".join(text.splitlines(keepends=True)[-lines:])


@given(st.text(alphabet="a\né😀", min_size=1), SIZES, st.sampled_from(["le", "be"]))
def test_wide_characters_are_read_whole_in_both_directions(text: str, size: int, order: str):
    encoding = f"utf-16-{order}"
    raw, at, told = text.encode(encoding), 0, b""

    while at < len(raw):
        part = Part(begin=at, raw=raw[at : at + size])
        is_at_end = at + size >= len(raw)
        kept = whole_lines_forward(part, is_at_end=is_at_end, encoding=encoding)
        assert kept.begin % 2 == 0
        assert len(kept.raw) % 2 == 0
        told += kept.raw
        at = kept.end

    assert told == raw


def test_a_file_that_grows_gives_each_byte_once():
    file = "début\nfin".encode()
    read = b""
    for size in range(len(file) + 1):
        part = Part(begin=len(read), raw=file[len(read) : size])
        read += whole_lines_forward(part, is_at_end=True, encoding="utf-8").raw
        assert file.startswith(read)
        read.decode()

    assert read == file


@pytest.mark.parametrize(
    ("raw", "encoding", "is_binary"),
    [
        (b"plain\n", "utf-8", False),
        ("naïve 漢\n".encode(), "utf-8", False),
        (b"\xef\xbb\xbfwith a mark\n", "utf-8", False),
        ("wide\n".encode("utf-16"), "utf-16-le", False),
        (b"\xfe\xff\x00w", "utf-16-be", False),
        ("wider\n".encode("utf-32"), "utf-32-le", False),
        ("café très façon\n".encode("latin-1"), "cp1252", False),
        ("漢字漢字".encode() + b"\xff and on\n", "utf-8", False),
        (b"\x7fELF\x02\x01\x01\x00\x00", "binary", True),
        (b"", "utf-8", False),
    ],
)
def test_encodings_are_told_by_their_bytes(raw: bytes, encoding: str, *, is_binary: bool):
    assert encoding_of(raw[:64], raw) == (encoding, is_binary)


def test_a_few_zeros_of_a_crashed_node_make_no_binary():
    raw = b"step 1\n" * 500 + b"\0" * 12 + b"step 2\n"

    assert encoding_of(raw[:64], raw) == ("utf-8", False)


def test_a_part_that_begins_inside_of_a_character_is_still_text():
    raw = "漢字漢字漢字\n".encode()[1:-3]

    assert encoding_of(b"a", raw) == ("utf-8", False)


def test_a_mark_of_the_order_is_no_text():
    assert text_of(Part(begin=0, raw="a\n".encode("utf-16")), "utf-16-le") == "a\n"
