"""What may be asked about the files of a job, and what the collector answers.

Reading a file twice from where the first answer ended gives each byte once, however the file grows
meanwhile. Texts are as they were written; whoever shows them cleans them (`contracts.text`).
"""

import base64
import binascii
import re
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import clean_line

LONGEST_PATH_BYTES = 4_095
"""Linux takes no longer ones in one call."""

MOST_LINES = 5_000
MOST_TEXT_BYTES = 1_048_576
MOST_MATCHES = 500
MOST_ENTRIES = 1_000
MOST_RECORDS = 500
MOST_CONTEXT_LINES = 20

ODD_PATH = "base64:"
"""How a path begins that is no plain text: no UTF-8, or with control characters. No path of a
file begins so, for they begin with a slash."""

_PLACE = re.compile(
    r"(?P<id>[0-9]{1,20}-[0-9]{1,20})\.(?P<byte>[0-9]{1,18})(?:\.(?P<lines>[0-9]{1,18}))?"
)

Pattern = Annotated[str, Field(min_length=1, max_length=1_000)]


def path_bytes(text: str) -> bytes:
    """Give a path as the file system knows it.

    Raises:
        ProblemError: It is none that can be asked for.
    """
    try:
        odd = text.startswith(ODD_PATH)
        path = base64.b64decode(text[len(ODD_PATH) :], validate=True) if odd else text.encode()
    except (binascii.Error, ValueError):
        path = b""
    if not path.startswith(b"/") or b"\0" in path or len(path) > LONGEST_PATH_BYTES:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"{clean_line(text, at_most_chars=80)!r} is no absolute path.",
            remedy="Give one as the list of the job's files has it.",
        )
    return path


def path_text(path: bytes) -> str:
    """Give a path as `path_bytes` takes it, and as people can read it where that is possible."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        text = ""
    if text and clean_line(text) == text:
        return text
    return ODD_PATH + base64.b64encode(path).decode()


class Place(NamedTuple):
    """A place in one file, whatever its name becomes."""

    file_id: str
    """Device and inode."""

    byte: int
    """So many bytes are before it."""

    lines: int | None = None
    """So many lines are, where somebody counted them."""

    @property
    def cursor(self) -> str:
        """The place as text."""
        counted = "" if self.lines is None else f".{self.lines}"
        return f"{self.file_id}.{self.byte}{counted}"


def place_of(cursor: str) -> Place:
    """Read a place.

    Raises:
        ProblemError: The cursor is none of ours.
    """
    found = _PLACE.fullmatch(cursor)
    if found is None:
        raise ProblemError(
            ProblemCode.INVALID_CURSOR,
            "That cursor was not given out by a reading of a file.",
            remedy="Pass one as it was given, or none to begin anew.",
        )
    lines = found["lines"]
    return Place(found["id"], int(found["byte"]), None if lines is None else int(lines))


class JobPlace(BaseModel):
    """What Slurm said of where a job reads and writes."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    raw_id: int = Field(ge=1, description="Slurm's own number; of a whole array its first one's.")
    array_job_id: int | None = None
    array_task_id: int | None = None
    name: str = ""
    user: str = ""
    work_dir: str = ""
    stdout_path: str = ""
    stderr_path: str = ""
    unexpanded_paths: tuple[str, ...] = ()
    command: str = ""
    submit_line: str = ""


class FileRequest(BaseModel):
    """Which job's file."""

    model_config = ConfigDict(frozen=True)

    job: JobPlace
    path: str = Field(default="", description="Absolute; empty: the job's main log.")


class FindFilesRequest(BaseModel):
    """Which job's files."""

    model_config = ConfigDict(frozen=True)

    job: JobPlace


class ReadFileRequest(FileRequest):
    """Which part of it: the newest lines, those before a place, or all after one."""

    after: str = Field(default="", description="Cursor: what follows it.")
    before: str = Field(default="", description="Cursor: the lines before it.")
    lines: int = Field(default=150, ge=1, le=MOST_LINES)
    most_bytes: int = Field(default=262_144, ge=1_024, le=MOST_TEXT_BYTES)


class SearchFileRequest(FileRequest):
    """What to find in it."""

    pattern: Pattern
    is_regex: bool = False
    ignores_case: bool = False
    context_lines: int = Field(default=0, ge=0, le=MOST_CONTEXT_LINES)
    most_matches: int = Field(default=100, ge=1, le=MOST_MATCHES)
    after: str = ""


class ListFolderRequest(FileRequest):
    """Which folder; its path cannot be left out."""

    after: str = Field(default="", description="`next_cursor` of the page before.")
    limit: int = Field(default=200, ge=1, le=MOST_ENTRIES)


class RecordsRequest(FileRequest):
    """Which lines of a file of JSON lines."""

    after: str = ""
    before: str = ""
    from_end: bool = Field(default=False, description="The newest ones; else the first.")
    limit: int = Field(default=100, ge=1, le=MOST_RECORDS)


class RecordRequest(FileRequest):
    """Which record: the line that begins at a byte."""

    at_byte: int = Field(ge=0, le=10**18)


class FileKind(StrEnum):
    """What a name in a folder is."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"
    """A socket, a device, a link to nothing."""


class FileSource(StrEnum):
    """How it is known that a file belongs to a job."""

    SLURM = "slurm"
    """Slurm says that the job writes there."""
    NAME = "name"
    """It lies beside those, and the job's number is in its name, or in that of its folder."""
    SCRIPT = "script"
    """The job's script, or its submit line, says that output goes there."""


class JobFile(BaseModel):
    """One file or folder of a job."""

    model_config = ConfigDict(frozen=True)

    label: str = Field(description="main, server, sandbox, batch, stdout, stderr, or its name.")
    name: str
    path: str
    kind: FileKind = FileKind.FILE
    source: FileSource
    is_there: bool = Field(default=True, description="False: Slurm names it; it does not exist.")
    size_bytes: int = 0
    modified_at: AwareDatetime | None = None
    mounted_path: str = Field(
        default="", description="On the collector's machine, where its folder is mounted there."
    )


class FilesReport(BaseModel):
    """Files of a job, the main log first; then folders."""

    model_config = ConfigDict(frozen=True)

    files: tuple[JobFile, ...]
    folders: tuple[JobFile, ...]
    notes: tuple[str, ...] = Field(default=(), description="What could not be looked at, and why.")
    observed_at: AwareDatetime


class TextReport(BaseModel):
    """A part of a file."""

    model_config = ConfigDict(frozen=True)

    path: str
    size_bytes: int
    modified_at: AwareDatetime
    observed_at: AwareDatetime
    begin_byte: int
    end_byte: int
    text: str = Field(description="Whole lines, but where a line is longer than what was read.")
    encoding: str
    is_binary: bool = Field(default=False, description="Then there is no text.")
    older_cursor: str | None = Field(description="Pass as `before`; null: this is the beginning.")
    newer_cursor: str = Field(description="Pass as `after`, now or later.")
    has_more: bool = Field(description="More is there already after `newer_cursor`.")
    was_replaced: bool = Field(
        default=False,
        description="The file is another one, or was cut, since the cursor was given out; this is "
        "from its beginning.",
    )


class Match(BaseModel):
    """A line that was found, or one beside it."""

    model_config = ConfigDict(frozen=True)

    line: int | None = Field(description="From 1; null: nobody counted those before it.")
    byte: int
    text: str
    is_match: bool = True


class SearchReport(BaseModel):
    """Lines that were found, in the order of the file."""

    model_config = ConfigDict(frozen=True)

    path: str
    size_bytes: int
    modified_at: AwareDatetime
    observed_at: AwareDatetime
    matches: tuple[Match, ...]
    searched_to_byte: int
    next_cursor: str | None = Field(description="Pass as `after`; null: all of it was searched.")
    was_replaced: bool = False


class FolderEntry(BaseModel):
    """One name in a folder."""

    model_config = ConfigDict(frozen=True)

    name: str
    path: str
    kind: FileKind
    size_bytes: int
    modified_at: AwareDatetime


class FolderReport(BaseModel):
    """A folder: folders first, then by name whatever the case."""

    model_config = ConfigDict(frozen=True)

    path: str
    observed_at: AwareDatetime
    entries: tuple[FolderEntry, ...]
    next_cursor: str | None
    is_cut: bool = Field(default=False, description="It holds more than can be listed.")


class Record(BaseModel):
    """One line of a file of JSON lines."""

    model_config = ConfigDict(frozen=True)

    byte: int
    size_bytes: int
    preview: str
    is_valid: bool


class RecordsReport(BaseModel):
    """Records in the order of the file."""

    model_config = ConfigDict(frozen=True)

    path: str
    size_bytes: int
    modified_at: AwareDatetime
    observed_at: AwareDatetime
    records: tuple[Record, ...]
    older_cursor: str | None
    newer_cursor: str
    has_more: bool
    was_replaced: bool = False


class RecordReport(BaseModel):
    """One record, whole or cut."""

    model_config = ConfigDict(frozen=True)

    path: str
    byte: int
    size_bytes: int
    text: str
    is_valid: bool
    is_cut: bool
    observed_at: AwareDatetime
