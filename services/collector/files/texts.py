"""What the bytes of a part of a file say; pure.

Parts are cut at the ends of lines, and where a line is longer than the part, between characters:
what is left out here is read the next time, so nothing is lost and nothing comes twice.
"""

import codecs
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTINUING = bytes(range(0x80, 0xC0))
"""Bytes that in UTF-8 stand behind the first one of a character."""

_WIDTHS = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}
LONGEST_CHARACTER = 4
"""In bytes, of any encoding here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Bytes of a file, and where they stand."""

    begin: int
    raw: bytes

    @property
    def end(self) -> int:
        """The byte after the last."""
        return self.begin + len(self.raw)


def whole_lines_forward(part: Part, *, is_at_end: bool, encoding: str) -> Part:
    """Leave out what belongs to what follows.

    Args:
        part: Begins where a line does, or where the reading before this one ended.
        is_at_end: Whether nothing follows it now; the last line may be without its end then.
        encoding: As `encoding_of` says.
    """
    raw = part.raw
    if not is_at_end:
        cut = raw.rfind(b"\n") + 1
        if cut and encoding not in _WIDTHS:
            raw = raw[:cut]
    return Part(begin=part.begin, raw=raw[: len(raw) - _unfinished(raw, part.begin, encoding)])


def whole_lines_backward(part: Part, *, lines: int, encoding: str) -> Part:
    """Leave out what belongs to what is before, such as the rest of a line that begins there.

    Args:
        part: One line more than is wanted, or fewer where they are too long: without it nobody
            could tell whether the first one is whole.
        lines: How many are wanted.
        encoding: As `encoding_of` says.
    """
    raw = part.raw
    ends = raw.count(b"\n") - raw.endswith(b"\n")
    if ends >= lines:
        raw = raw[_line_from_end(raw, lines) :]
    elif part.begin > 0:
        cut = raw.find(b"\n") + 1
        # A single line that is longer than the part: its end, from a whole character on.
        raw = raw[cut if 0 < cut < len(raw) else _continuation(raw) :]
    skipped = _misaligned(part.end - len(raw), encoding)
    raw = raw[skipped:]
    whole = raw[: len(raw) - _unfinished(raw, part.end - len(raw), encoding)]
    return Part(begin=part.end - len(raw), raw=whole)


def _line_from_end(raw: bytes, lines: int) -> int:
    """Give where the line begins that is so many from the end."""
    at = len(raw) - raw.endswith(b"\n")
    for _ in range(lines):
        at = raw.rfind(b"\n", 0, at)
    return at + 1


def encoding_of(head: bytes, raw: bytes) -> tuple[str, bool]:
    """Tell the encoding of a file, and whether it is no text at all.

    Args:
        head: How the file begins.
        raw: The part of it that is read.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, False
    if b"\0" in head or raw.count(b"\0") > len(raw) // 100:
        # A few zeros in the middle are what a node leaves that crashed while it wrote.
        return "binary", True
    try:
        raw[_continuation(raw) : len(raw) - _unfinished(raw, 0, "utf-8")].decode()
    except UnicodeDecodeError:
        shown = raw.decode("utf-8", "replace")
        wrong = shown.count("\ufffd")
        right = sum(1 for one in shown if one > "\x7f") - wrong
        return ("utf-8" if right >= wrong else "cp1252"), False
    return "utf-8", False


def text_of(part: Part, encoding: str) -> str:
    """Give a part as text; what cannot be read becomes U+FFFD, a mark of the order is left out."""
    return part.raw.decode(encoding, "replace").removeprefix("\ufeff")


def _unfinished(raw: bytes, begin: int, encoding: str) -> int:
    """Count the bytes at the end that begin a character which goes on behind them."""
    if encoding in _WIDTHS:
        return (begin + len(raw)) % _WIDTHS[encoding]
    if encoding != "utf-8":
        return 0
    tail = raw[1 - LONGEST_CHARACTER :]
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    decoder.decode(tail[_continuation(tail) :])
    return len(decoder.getstate()[0])


def _continuation(raw: bytes) -> int:
    """Count the bytes at the beginning that end a character which began before them."""
    begins = raw[: LONGEST_CHARACTER - 1]
    return len(begins) - len(begins.lstrip(_CONTINUING))


def _misaligned(begin: int, encoding: str) -> int:
    width = _WIDTHS.get(encoding, 1)
    return -begin % width
