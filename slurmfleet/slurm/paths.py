"""Where a batch job reads and writes: absolute paths, with Slurm's `%` patterns expanded.

The rules are those that slurmd follows when it opens the files, which differ in places from what
Slurm's own clients print: seen on real files of Slurm 22.05.8 and 24.11.5 (docs/slurm-output.md,
"Output files").

- `%5j` pads numbers with zeros, to 10 places at most. `%7` before anything else loses its `%`.
- A pattern that Slurm does not know stays as it is: `%q`.
- A backslash anywhere switches all patterns off; it stands for the character behind it.
- `%a` outside of an array is 4294967294, and `%b` is 4. `%b` is new in 24.11.
- In a batch script `%J` is the job's number, `%s` is `batch`, `%n` and `%t` are 0.

Source: sbatch(1), "filename pattern"; src/slurmd/slurmstepd/fname.c and src/common/print_fields.c
of Slurm 24.11.
"""

import posixpath
import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

_PATTERN = re.compile(r"%(?:%|(?P<width>[0-9]*)(?P<letter>[AabJjNnstux])|(?P<digits>[0-9]+))")
_PATTERN_BEFORE_24_11 = re.compile(_PATTERN.pattern.replace("Aab", "Aa"))
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_WIDEST = 10
_NO_TASK = 4_294_967_294
_NOTHING = frozenset({"", "(null)", "N/A"})
_DEFAULT, _DEFAULT_OF_ARRAY = "slurm-%j.out", "slurm-%A_%a.out"


class Unknown(Enum):
    """What a pattern stands for and nobody can tell yet."""

    YET = "yet"


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

    has_modulo: bool | None = None
    """Whether this Slurm knows `%b`; None where its version is not known."""


class JobPath(NamedTuple):
    """A path, and whether every pattern in it was expanded."""

    path: str
    """Empty where there is no such file."""

    is_expanded: bool = True


NO_PATH = JobPath(path="")


def output_paths(
    stdout: str, stderr: str, facts: PathFacts, *, is_batch: bool | None
) -> tuple[JobPath, JobPath]:
    """Give where a job's script writes, from squeue's STDOUT and STDERR.

    Without a file for errors they go to the output's. Slurm before 23.02 shows a default name
    already expanded, and wrongly for tasks of an array: by the raw id instead of array and task.
    Jobs of salloc and srun have no file.

    Source: docs/slurm-output.md, "Other fields".
    """
    if stdout in _NOTHING:
        if not is_batch:
            return NO_PATH, NO_PATH
        stdout = _DEFAULT if facts.array_job_id is None else _DEFAULT_OF_ARRAY
    out = job_path(_undo_default(stdout, facts), facts)
    if stderr in _NOTHING:
        return out, out
    return out, job_path(_undo_default(stderr, facts), facts)


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
    if "\\" in text:
        expanded = JobPath(path=_ESCAPED.sub(r"\1", text))
    elif "%" in text:
        expanded = _expanded(text, facts)
    else:
        expanded = JobPath(path=text)
    if expanded.path.startswith("/") or not facts.work_dir:
        return expanded
    path = posixpath.join(facts.work_dir, expanded.path)
    return JobPath(path=path, is_expanded=expanded.is_expanded)


def _expanded(text: str, facts: PathFacts) -> JobPath:
    values = _values(facts)
    pattern = _PATTERN_BEFORE_24_11 if facts.has_modulo is False else _PATTERN
    parts: list[str] = []
    place = 0
    is_expanded = True
    for found in pattern.finditer(text):
        parts.append(text[place : found.start()])
        place = found.end()
        if found["digits"]:
            parts.append(found["digits"][-1])
        elif not found["letter"]:
            parts.append("%")
        else:
            value = values[found["letter"]]
            is_expanded = is_expanded and value is not Unknown.YET
            parts.append(found[0] if value is Unknown.YET else _shown(value, found["width"]))
    parts.append(text[place:])
    return JobPath(path="".join(parts), is_expanded=is_expanded)


def _shown(value: int | str, width: str) -> str:
    if isinstance(value, str):
        return value
    return str(value).zfill(min(int(width or 0), _WIDEST))


def _values(facts: PathFacts) -> Mapping[str, int | str | Unknown]:
    number: int | Unknown = Unknown.YET if facts.raw_id is None else facts.raw_id
    task: int | Unknown = Unknown.YET
    modulo: int | Unknown = Unknown.YET
    if facts.array_job_id is None or facts.array_task_id is not None:
        task = _NO_TASK if facts.array_task_id is None else facts.array_task_id
        modulo = task % 10 if facts.has_modulo else Unknown.YET
    return {
        "A": number if facts.array_job_id is None else facts.array_job_id,
        "a": task,
        "b": modulo,
        "J": number,
        "j": number,
        "N": facts.batch_host.partition(".")[0] or Unknown.YET,
        "n": 0,
        "s": "batch",
        "t": 0,
        "u": facts.user,
        "x": facts.name,
    }
