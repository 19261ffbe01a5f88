"""Where a batch job reads and writes: absolute paths, with Slurm's `%` patterns expanded.

The rules are those that slurmd follows when it opens the files, which differ in places from what
Slurm's own clients print: seen on real files of Slurm 22.05.8, 24.11.5 and 26.05.5
(docs/slurm-output.md, "Output files").

- `%5j` pads numbers with zeros, to 10 places at most. `%7` before anything else loses its `%`.
- A pattern that Slurm does not know stays as it is: `%q`.
- A backslash anywhere switches all patterns off; it stands for the character behind it, up to
  24.11. 26.05 drops every backslash.
- `%a` outside of an array is 4294967294, and `%b` is 4. `%b` is new in 24.11.
- In a batch script `%J` is the job's number, `%s` is `batch`, `%n` and `%t` are 0.

Source: sbatch(1), "filename pattern"; src/slurmd/slurmstepd/fname.c and src/common/print_fields.c
of Slurm 24.11.
"""

import posixpath
import re
from typing import NamedTuple

from slurmfleet.contracts.remembering import remembers_short_texts

_PATTERN = re.compile(r"%(?:%|(?P<width>[0-9]*)(?P<letter>[AabJjNnstux])|(?P<digits>[0-9]+))")
_PATTERN_BEFORE_24_11 = re.compile(_PATTERN.pattern.replace("Aab", "Aa"))
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_WIDEST = 10
_NO_TASK = 4_294_967_294
_FIRST_WITH_MODULO, _LAST_ESCAPING, _FIRST_DROPPING = (24, 11), (24, 11), (26, 5)
_NOTHING = frozenset({"", "(null)", "N/A"})
_DEFAULT, _DEFAULT_OF_ARRAY = "slurm-%j.out", "slurm-%A_%a.out"


class PathFacts(NamedTuple):
    """What is known of a job that its patterns may ask for; made for every job of a look."""

    raw_id: int | None
    """None for a whole array: each task has a number of its own."""

    array_job_id: int | None
    array_task_id: int | None
    """None on a whole array and outside of arrays."""

    name: str
    user: str
    work_dir: str
    batch_host: str
    """Empty before the start."""

    slurm: tuple[int, int] | None = None
    """Year and month of this Slurm's version; None where it is not known."""


class JobPath(NamedTuple):
    """A path, and whether every pattern in it was expanded."""

    path: str
    """Empty where there is no such file."""

    is_expanded: bool = True


NO_PATH = JobPath(path="")


class JobFiles(NamedTuple):
    """Where a job's script reads and writes, as `contracts.jobs.Job` tells it."""

    stdout_path: str
    stderr_path: str
    stdin_path: str
    unexpanded_paths: tuple[str, ...]


def job_files(
    *, stdout: str, stderr: str, stdin: str, facts: PathFacts, is_batch: bool | None
) -> JobFiles:
    """Give a job's three files from Slurm's texts.

    Without a file for errors they go to the output's. Slurm 22.05 shows a default name already
    expanded, and wrongly for tasks of an array: by the raw id instead of array and task. Jobs of
    salloc and srun have no files, nor have the later components of a het job.

    Source: docs/slurm-output.md, "Other fields".
    """
    if is_batch is False or (stdout in _NOTHING and not is_batch):
        return _NO_FILES
    if stdout in _NOTHING:
        stdout = _DEFAULT if facts.array_job_id is None else _DEFAULT_OF_ARRAY
    out = job_path(_undo_default(stdout, facts), facts)
    err = out if stderr in _NOTHING else job_path(_undo_default(stderr, facts), facts)
    read = job_path(stdin, facts)
    unexpanded: tuple[str, ...] = ()
    if not (out.is_expanded and err.is_expanded and read.is_expanded):
        told = {"stderr_path": err, "stdin_path": read, "stdout_path": out}
        unexpanded = tuple(name for name, path in told.items() if not path.is_expanded)
    return JobFiles(out.path, err.path, read.path, unexpanded)


_NO_FILES = JobFiles("", "", "", ())


def _undo_default(text: str, facts: PathFacts) -> str:
    """Give the pattern behind a default name that Slurm 22.05 has expanded, for arrays wrongly."""
    if facts.array_job_id is None:
        return text
    folder, slash, name = text.rpartition("/")
    if name != f"slurm-{facts.raw_id or facts.array_job_id}.out":
        return text
    is_default = slash and folder.rstrip("/") == facts.work_dir.rstrip("/")
    return f"{folder}/{_DEFAULT_OF_ARRAY}" if is_default else text


def job_path(text: str, facts: PathFacts) -> JobPath:
    """Give one path as slurmd would open it; what is not known yet stays and is marked."""
    if text in _NOTHING:
        return NO_PATH
    is_expanded = True
    if "\\" in text:
        text, is_expanded = _unescaped(text, facts)
    elif "%" in text:
        text, is_expanded = _expanded(text, facts)
    if not text.startswith("/") and facts.work_dir:
        text = posixpath.join(facts.work_dir, text)
    return JobPath(text, is_expanded)


def _unescaped(text: str, facts: PathFacts) -> tuple[str, bool]:
    """Take backslashes away; what becomes of two of them between 24.11 and 26.05 is not known."""
    escaped, dropped = _ESCAPED.sub(r"\1", text), text.replace("\\", "")
    if escaped == dropped or (facts.slurm is not None and facts.slurm <= _LAST_ESCAPING):
        return escaped, True
    if facts.slurm is not None and facts.slurm >= _FIRST_DROPPING:
        return dropped, True
    return text, False


def _expanded(text: str, facts: PathFacts) -> tuple[str, bool]:
    """Expand what the last part of a path holds, or all of it if a folder holds patterns too.

    Last parts such as `slurm-%j.out` are few, folders are many: this keeps what is cached small.
    """
    folder, slash, name = text.rpartition("/")
    if "%" in folder:
        folder, slash, name = "", "", text
    parts = [folder, slash]
    is_expanded = True
    template = _template if _may_know_modulo(facts) else _template_before_24_11
    for literal, pattern, letter, width in template(name):
        parts.append(literal)
        if letter:
            value = _value(letter, facts)
            parts.append(pattern if value is None else _shown(value, width))
            is_expanded = is_expanded and value is not None
    return "".join(parts), is_expanded


class _Piece(NamedTuple):
    """Text as it is, and the pattern behind it, if any."""

    literal: str
    pattern: str = ""
    letter: str = ""
    width: int = 0


@remembers_short_texts(4096)
def _template(text: str) -> tuple[_Piece, ...]:
    return _pieces(text, _PATTERN)


@remembers_short_texts(4096)
def _template_before_24_11(text: str) -> tuple[_Piece, ...]:
    return _pieces(text, _PATTERN_BEFORE_24_11)


def _pieces(text: str, pattern: re.Pattern[str]) -> tuple[_Piece, ...]:
    """Take a path apart into text and patterns."""
    pieces: list[_Piece] = []
    literal, place = "", 0
    for found in pattern.finditer(text):
        literal += text[place : found.start()]
        place = found.end()
        if letter := found["letter"]:
            width = min(int(found["width"] or 0), _WIDEST)
            pieces.append(_Piece(literal, found[0], letter, width))
            literal = ""
        else:
            literal += found["digits"][-1] if found["digits"] else "%"
    return (*pieces, _Piece(literal + text[place:]))


def _shown(value: int | str, width: int) -> str:
    if isinstance(value, str):
        return value
    return str(value).zfill(width) if width else str(value)


def _value(letter: str, facts: PathFacts) -> int | str | None:  # noqa: PLR0911 a table
    """Give what a pattern stands for; None while nobody can tell."""
    match letter:
        case "j" | "J":
            return facts.raw_id
        case "A":
            return facts.raw_id if facts.array_job_id is None else facts.array_job_id
        case "a" | "b":
            return _task(facts, is_modulo=letter == "b")
        case "x":
            return facts.name
        case "u":
            return facts.user
        case "N":
            return facts.batch_host.partition(".")[0] or None
        case "s":
            return "batch"
        case _:
            return 0


def _task(facts: PathFacts, *, is_modulo: bool) -> int | None:
    task = facts.array_task_id
    if task is None and facts.array_job_id is None:
        task = _NO_TASK
    if task is None or not is_modulo:
        return task
    return None if facts.slurm is None else task % 10


def _may_know_modulo(facts: PathFacts) -> bool:
    return facts.slurm is None or facts.slurm >= _FIRST_WITH_MODULO
