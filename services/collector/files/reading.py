"""What the scripts wrote, as reports; pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from services.collector.files.texts import (
    Part,
    encoding_of,
    text_of,
    whole_lines_backward,
    whole_lines_forward,
)
from slurmfleet.contracts.files import (
    FileKind,
    FolderEntry,
    FolderReport,
    Match,
    Place,
    Record,
    RecordReport,
    RecordsReport,
    SearchReport,
    TextReport,
    path_text,
)
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import clean_line
from slurmfleet.slurm.frames import SectionOutput

MOST_LINE_BYTES = 2_000
"""Of a line that a search shows."""

MOST_PREVIEW_CHARS = 150
_FIELDS = 6
_LINE = re.compile(
    rb"(?P<line>[0-9]+)(?P<mark>[:-])(?P<byte>[0-9]+)(?P=mark)(?P<text>.*)", re.DOTALL
)
_NO_JSON = object()
_KINDS = {b"f": FileKind.FILE, b"d": FileKind.FOLDER}


class UnreadableAnswerError(ValueError):
    """A script ended well and what it wrote makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file as it was when it was opened, and what was read of it."""

    path: str
    size_bytes: int
    file_id: str
    modified_at: datetime
    begin: int
    """Where what was read begins; -1 for the newest lines, of which only the end is known."""

    end: int
    """Where it ends; -1 where only the beginning is known."""

    head: bytes
    body: bytes
    observed_at: datetime

    def cursor(self, byte: int) -> str:
        """Give a place in it as text."""
        return Place(self.file_id, byte).cursor

    def is_same(self, place: Place | None) -> bool:
        """Whether a place that was given out before is still one in this file."""
        if place is None:
            return True
        return place.file_id == self.file_id and place.byte <= self.size_bytes


def opened(output: SectionOutput, path: str, observed_at: datetime) -> Opened:
    """Read what every script that opens a file tells first.

    Raises:
        UnreadableAnswerError: It is not there.
    """
    parts = bytes(output.raw).split(b"\0", _FIELDS)
    if len(parts) != _FIELDS + 1:
        raise UnreadableAnswerError("The login node's answer about a file was cut off.")
    size, file_id, modified, begin, end, head, body = parts
    return Opened(
        path=path,
        size_bytes=int(size),
        file_id=file_id.decode("ascii"),
        modified_at=datetime.fromtimestamp(int(modified), tz=UTC),
        begin=int(begin),
        end=int(end),
        head=bytes.fromhex(head.decode("ascii")),
        body=body,
        observed_at=observed_at,
    )


def text_forward(file: Opened, *, lines: int, was_replaced: bool = False) -> TextReport:
    """Give what follows a place, at most so many lines."""
    encoding, is_binary = encoding_of(file.head, file.body)
    part = Part(begin=file.begin, raw=file.body)
    is_at_end = part.end >= file.size_bytes
    whole = whole_lines_forward(part, is_at_end=is_at_end, encoding=encoding)
    kept = _first_lines(whole, lines)
    # The beginning of a character at the very end is no more to be read yet.
    has_more = kept.end < whole.end or not is_at_end
    report = _text_report(file, kept, encoding, is_binary=is_binary, has_more=has_more)
    return report.model_copy(update={"was_replaced": was_replaced})


def text_backward(file: Opened, *, lines: int) -> TextReport:
    """Give the newest lines before a place."""
    encoding, is_binary = encoding_of(file.head, file.body)
    part = Part(begin=file.end - len(file.body), raw=file.body)
    kept = whole_lines_backward(part, lines=lines, encoding=encoding)
    has_more = file.end < file.size_bytes
    return _text_report(file, kept, encoding, is_binary=is_binary, has_more=has_more)


def _text_report(
    file: Opened, kept: Part, encoding: str, *, is_binary: bool, has_more: bool
) -> TextReport:
    return TextReport(
        path=file.path,
        size_bytes=file.size_bytes,
        modified_at=file.modified_at,
        observed_at=file.observed_at,
        begin_byte=kept.begin,
        end_byte=kept.end,
        text="" if is_binary else text_of(kept, encoding),
        encoding=encoding,
        is_binary=is_binary,
        older_cursor=file.cursor(kept.begin) if kept.begin else None,
        newer_cursor=file.cursor(kept.end),
        has_more=has_more,
    )


def _first_lines(part: Part, lines: int) -> Part:
    at = -1
    for _ in range(lines):
        at = part.raw.find(b"\n", at + 1)
        if at < 0:
            return part
    return Part(begin=part.begin, raw=part.raw[: at + 1])


def search_report(
    file: Opened,
    *,
    most_matches: int,
    most_bytes: int,
    context_lines: int,
    lines_before: int | None,
    was_replaced: bool = False,
) -> SearchReport:
    """Give the lines that a search found, which was to find one match more than is shown.

    Args:
        file: Searched from its `begin` to its `end`.
        most_matches: So many are shown; the next page begins with the one after.
        most_bytes: What was found is cut off there.
        context_lines: Shown behind the last match, as before each.
        lines_before: How many lines of the file are before its `begin`; None: nobody counted.
        was_replaced: Whether it is another file than was searched before.
    """
    found = list(_found_lines(file.body))
    hits = [at for at, one in enumerate(found) if one["mark"] == b":"]
    searched_to, lines_searched = file.end, None
    if len(hits) > most_matches:
        following, last = found[hits[most_matches]], found[hits[most_matches - 1]]
        searched_to = file.begin + int(following["byte"])
        lines_searched = int(following["line"]) - 1
        end = int(last["line"]) + context_lines
        found = [one for one in found[: hits[most_matches]] if int(one["line"]) <= end]
    elif len(file.body) >= most_bytes and found:
        # Cut off for its size: the last line that came whole is looked for once more.
        following = found.pop()
        searched_to = file.begin + int(following["byte"])
        lines_searched = int(following["line"]) - 1
    encoding, _ = encoding_of(file.head, b"".join(one["text"] for one in found))
    following_line = None
    if lines_before is not None and lines_searched is not None:
        following_line = lines_before + lines_searched
    return SearchReport(
        path=file.path,
        size_bytes=file.size_bytes,
        modified_at=file.modified_at,
        observed_at=file.observed_at,
        matches=tuple(_match(one, file, encoding, lines_before) for one in found),
        searched_to_byte=searched_to,
        next_cursor=Place(file.file_id, searched_to, following_line).cursor
        if searched_to < file.size_bytes
        else None,
        was_replaced=was_replaced,
    )


def _match(found: re.Match[bytes], file: Opened, encoding: str, lines_before: int | None) -> Match:
    return Match(
        line=None if lines_before is None else lines_before + int(found["line"]),
        byte=file.begin + int(found["byte"]),
        text=text_of(Part(begin=0, raw=found["text"][:MOST_LINE_BYTES]), encoding),
        is_match=found["mark"] == b":",
    )


def _found_lines(body: bytes) -> Iterator[re.Match[bytes]]:
    for line in body.split(b"\n")[:-1]:
        found = _LINE.fullmatch(line)
        if found is not None:  # else `--`, which parts groups of lines
            yield found


def folder_report(
    output: SectionOutput, *, after: str, limit: int, is_cut: bool, observed_at: datetime
) -> FolderReport:
    """Give one page of a folder.

    Raises:
        UnreadableAnswerError: What was listed makes no sense.
    """
    real, _, listed = bytes(output.raw).partition(b"\0")
    entries = sorted((_entry(real, one) for one in listed.split(b"\0")[:-1]), key=_mark)
    seen = _mark_of(after) if after else []
    left = [one for one in entries if _mark(one) > seen]
    page = left[:limit]
    return FolderReport(
        path=path_text(real),
        observed_at=observed_at,
        entries=tuple(page),
        next_cursor=json.dumps(_mark(page[-1])) if len(left) > len(page) else None,
        is_cut=is_cut,
    )


def _entry(folder: bytes, record: bytes) -> FolderEntry:
    try:
        kind, size, modified, name = record.split(b" ", 3)
        moment = datetime.fromtimestamp(float(modified), tz=UTC)
        size_bytes = int(size)
    except (ValueError, OverflowError) as exc:
        raise UnreadableAnswerError(f"{record[:80]!r} is no line of find's.") from exc
    return FolderEntry(
        name=name.decode("utf-8", "replace"),
        path=path_text(folder.rstrip(b"/") + b"/" + name),
        kind=_KINDS.get(kind, FileKind.OTHER),
        size_bytes=size_bytes,
        modified_at=moment,
    )


def _mark(entry: FolderEntry) -> list[int | str]:
    """Give what an entry is ordered by: folders first, then names whatever the case."""
    return [entry.kind is not FileKind.FOLDER, entry.name.casefold(), entry.path]


def _mark_of(cursor: str) -> list[int | str]:
    match _json(cursor):
        case [bool(is_no_folder), str(name), str(path)]:
            return [is_no_folder, name, path]
        case _:
            raise ProblemError(
                ProblemCode.INVALID_CURSOR,
                "That cursor was not given out by a listing of a folder.",
                remedy="Pass one as it was given, or none to begin anew.",
            )


def records_report(file: Opened, *, limit: int, was_replaced: bool = False) -> RecordsReport:
    """Give the records of what was read, at most so many."""
    encoding, _ = encoding_of(file.head, file.body)
    if file.begin < 0:
        part = Part(begin=file.end - len(file.body), raw=file.body)
        part = whole_lines_backward(part, lines=limit, encoding=encoding)
    else:
        part = Part(begin=file.begin, raw=file.body)
        is_at_end = part.end >= file.size_bytes
        part = _first_lines(
            whole_lines_forward(part, is_at_end=is_at_end, encoding=encoding), limit
        )
    records: list[Record] = []
    at = part.begin
    for line in part.raw.split(b"\n"):
        if line.strip():
            records.append(_record(line, at))
        at += len(line) + 1
    return RecordsReport(
        path=file.path,
        size_bytes=file.size_bytes,
        modified_at=file.modified_at,
        observed_at=file.observed_at,
        records=tuple(records),
        older_cursor=file.cursor(part.begin) if part.begin else None,
        newer_cursor=file.cursor(part.end),
        has_more=part.end < file.size_bytes,
        was_replaced=was_replaced,
    )


def _record(line: bytes, at: int) -> Record:
    text = line.decode("utf-8", "replace").rstrip("\r\n")
    return Record(
        byte=at,
        size_bytes=len(line),
        preview=clean_line(text[: 2 * MOST_PREVIEW_CHARS], at_most_chars=MOST_PREVIEW_CHARS),
        is_valid=_is_json(text),
    )


def record_report(file: Opened) -> RecordReport:
    """Give the line that begins where the file was read from."""
    raw, newline, _ = file.body.partition(b"\n")
    text = raw.decode("utf-8", "replace").rstrip("\r")
    is_cut = not newline and file.begin + len(file.body) < file.size_bytes
    return RecordReport(
        path=file.path,
        byte=file.begin,
        size_bytes=len(raw),
        text=text,
        is_valid=not is_cut and _is_json(text),
        is_cut=is_cut,
        observed_at=file.observed_at,
    )


def _is_json(text: str) -> bool:
    return _json(text) is not _NO_JSON


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NO_JSON
