"""Logs as text for a model: between marks that what they hold could not have known."""

from services.mcp.framing import framed
from services.mcp.log_answers import LogAnswer, LogFile, LogFilesAnswer, LogMatchesAnswer
from slurmfleet.contracts.files import FileKind
from slurmfleet.contracts.text import clean_line

_PATH_CHARS = 300


def files_text(answer: LogFilesAnswer) -> str:
    """Give a line for each file."""
    if not answer.files:
        return "No file of this job is known: Slurm names none, and none was found."
    rows = [_file_row(one) for one in answer.files]
    left_out = f" {answer.left_out} more are left out." if answer.left_out else ""
    return "\n".join([f"{len(rows)} files, the main log first.{left_out}", *rows, *answer.notes])


def log_text(answer: LogAnswer) -> str:
    """Give a part of a log with where it stands, and how to read on."""
    where = f"bytes {answer.begin_byte} to {answer.end_byte} of {answer.size_bytes}"
    head = f"{_path(answer.path)}: {where}."
    if answer.was_replaced:
        head += " The file is another one since that cursor; this is from its beginning."
    if answer.is_binary:
        return f"{head} It is no text."
    if not answer.lines:
        return f"{head} Nothing {'was written since' if answer.size_bytes else 'was written yet'}."
    older = " Older lines with before=older_cursor." if answer.older_cursor else ""
    newer = " More at once with after=newer_cursor." if answer.has_more else ""
    return "\n".join([f"{head}{older}{newer}", *framed(answer.lines, "the job")])


def matches_text(answer: LogMatchesAnswer) -> str:
    """Give the lines that were found with their numbers."""
    more = " More with cursor=next_cursor." if answer.next_cursor else ""
    hits = sum(one.is_match for one in answer.matches)
    head = f"{_path(answer.path)}: {hits} lines match, searched to byte {answer.searched_to_byte}"
    if not answer.matches:
        return f"{head}.{more}"
    rows = [
        f"{'?' if one.line is None else one.line}{':' if one.is_match else '-'} {one.text}"
        for one in answer.matches
    ]
    return "\n".join([f"{head}.{more}", *framed(rows, "the job")])


def _file_row(one: LogFile) -> str:
    if not one.is_there:
        return f"{one.label}: {_path(one.path)} (not there yet)"
    changed = f"{one.modified_at:%Y-%m-%d %H:%M:%SZ}" if one.modified_at else ""
    size = f"{one.size_bytes} bytes" if one.kind is FileKind.FILE else str(one.kind)
    here = f", mounted at {_path(one.mounted_path)}" if one.mounted_path else ""
    return f"{clean_line(one.label)}: {_path(one.path)} ({size}, changed {changed}{here})"


def _path(path: str) -> str:
    return clean_line(path, at_most_chars=_PATH_CHARS)
