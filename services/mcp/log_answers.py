"""What the tools about logs answer."""

from dataclasses import dataclass
from datetime import datetime

from slurmfleet.contracts.files import FileKind, FileSource, FilesReport, SearchReport, TextReport
from slurmfleet.contracts.text import clean_line, clean_text

MOST_FILES = 60
_LINE_CHARS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """One file or folder of a job."""

    label: str
    path: str
    kind: FileKind
    source: FileSource
    is_there: bool
    size_bytes: int
    modified_at: datetime | None
    mounted_path: str
    """On the collector's machine, where its folder is mounted there; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilesAnswer:
    """Files of a job, the main log first, then folders."""

    files: tuple[LogFile, ...]
    left_out: int
    notes: tuple[str, ...]
    observed_at: datetime
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAnswer:
    """A part of a log."""

    path: str
    size_bytes: int
    modified_at: datetime
    begin_byte: int
    end_byte: int
    lines: tuple[str, ...]
    """Untrusted: what the job wrote."""

    is_binary: bool
    older_cursor: str | None
    newer_cursor: str
    has_more: bool
    was_replaced: bool
    observed_at: datetime
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line that was found, or one beside it."""

    line: int | None
    text: str
    """Untrusted: what the job wrote."""

    is_match: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMatchesAnswer:
    """Lines that were found."""

    path: str
    size_bytes: int
    matches: tuple[LogLine, ...]
    searched_to_byte: int
    next_cursor: str | None
    observed_at: datetime
    age_s: float


def files_answer(report: FilesReport, *, now: datetime) -> LogFilesAnswer:
    """Give a job's files."""
    every = (*report.files, *report.folders)
    return LogFilesAnswer(
        files=tuple(
            LogFile(
                label=one.label,
                path=one.path,
                kind=one.kind,
                source=one.source,
                is_there=one.is_there,
                size_bytes=one.size_bytes,
                modified_at=one.modified_at,
                mounted_path=one.mounted_path,
            )
            for one in every[:MOST_FILES]
        ),
        left_out=max(0, len(every) - MOST_FILES),
        notes=report.notes,
        observed_at=report.observed_at,
        age_s=(now - report.observed_at).total_seconds(),
    )


def log_answer(report: TextReport, *, now: datetime) -> LogAnswer:
    """Give a part of a log, cleaned."""
    text = clean_text(report.text)
    return LogAnswer(
        path=report.path,
        size_bytes=report.size_bytes,
        modified_at=report.modified_at,
        begin_byte=report.begin_byte,
        end_byte=report.end_byte,
        lines=tuple(text.removesuffix("\n").split("\n")) if text else (),
        is_binary=report.is_binary,
        older_cursor=report.older_cursor,
        newer_cursor=report.newer_cursor,
        has_more=report.has_more,
        was_replaced=report.was_replaced,
        observed_at=report.observed_at,
        age_s=(now - report.observed_at).total_seconds(),
    )


def matches_answer(report: SearchReport, *, now: datetime) -> LogMatchesAnswer:
    """Give the lines that were found, cleaned and cut."""
    return LogMatchesAnswer(
        path=report.path,
        size_bytes=report.size_bytes,
        matches=tuple(
            LogLine(
                line=one.line,
                text=clean_line(clean_text(one.text), at_most_chars=_LINE_CHARS),
                is_match=one.is_match,
            )
            for one in report.matches
        ),
        searched_to_byte=report.searched_to_byte,
        next_cursor=report.next_cursor,
        observed_at=report.observed_at,
        age_s=(now - report.observed_at).total_seconds(),
    )
