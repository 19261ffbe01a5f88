"""Where a job's files lie, which of them are its own, and in which order; pure.

Slurm names where the script's output goes. Beside it lie files of ranks and steps, whose names hold
the job's number, and folders that the script's arguments name. A number counts only by itself: job
123 has nothing in `log-1234.out`.
"""

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.collector.files.words import Named
from slurmfleet.contracts.documents import PathBase, PathKind
from slurmfleet.contracts.files import FileKind, FileSource, JobFile, JobPlace, path_text

_LOGLIKE = re.compile(
    rb"\.(?:out|err|log|txt|jsonl?|csv|tsv|ya?ml|md|html?)(?:\.[0-9]+)?$", re.IGNORECASE
)
_LABELS = ("main", "server", "sandbox", "batch")
"""In the order in which people look at them."""

_LABEL = re.compile(
    r"(?:^|[^a-z0-9])(?P<label>main|server|sandbox|sbatch|batch)(?:$|[^a-z0-9])", re.IGNORECASE
)
_KINDS = {b"f": FileKind.FILE, b"d": FileKind.FOLDER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One line of what `find` tells."""

    path: bytes
    kind: FileKind
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What is to be looked for, and where."""

    files: tuple[bytes, ...]
    folders: tuple[bytes, ...]
    """What lies there is the job's if its name holds the number."""

    outputs: tuple[bytes, ...]
    """What lies there is the job's whatever its name."""

    bases: tuple[bytes, ...] = ()
    """Folders of the group: searched as `folders` are, and of nobody's what is not found so."""

    @property
    def roots(self) -> tuple[bytes, ...]:
        """Everything under these, and these themselves, may be read on the job's behalf."""
        return (*self.files, *self.folders, *self.outputs)


def whereabouts(job: JobPlace, named: Named, bases: Iterable[PathBase] = ()) -> Whereabouts:
    """Give where to look.

    Args:
        job: What Slurm says.
        named: What the script says.
        bases: Where the group's logs and runs lie, as the registry says.
    """
    expanded = {
        name: path
        for name, path in (("stdout_path", job.stdout_path), ("stderr_path", job.stderr_path))
        if path and path != "/dev/null" and name not in job.unexpanded_paths
    }
    files = tuple(dict.fromkeys(path.encode() for path in expanded.values()))
    told = [posixpath.dirname(path) for path in (job.stdout_path, job.stderr_path) if path]
    # A folder may itself hold a pattern that nobody can expand; then it is no folder.
    told = [path for path in told if "%" not in path and path != "/dev"]
    folders = [*told, job.work_dir, posixpath.join(job.work_dir, "logs")]
    absolute = dict.fromkeys(
        posixpath.normpath(path).encode() for path in folders if path.startswith("/")
    )
    return Whereabouts(
        files=(*files, *(path.encode() for path in named.files)),
        folders=tuple(absolute),
        outputs=tuple(path.encode() for path in named.folders),
        bases=tuple(
            one.path.replace("{user}", job.user).encode()
            for one in bases
            if one.kind in _SEARCHED and (job.user or "{user}" not in one.path)
        ),
    )


_SEARCHED = frozenset({PathKind.LOGS, PathKind.RUNS})


def found_in(output: bytes) -> list[Found]:
    """Read what `find` tells; a record that was cut off at the end is left out."""
    found: list[Found] = []
    for record in output.split(b"\0")[:-1]:
        kind, size, modified, path = record.split(b" ", 3)
        found.append(
            Found(
                path=path,
                kind=_KINDS.get(kind, FileKind.OTHER),
                size_bytes=int(size),
                modified_at=datetime.fromtimestamp(float(modified), tz=UTC),
            )
        )
    return found


def files_of(job: JobPlace, where: Whereabouts, found: Iterable[Found]) -> list[JobFile]:
    """Choose what is the job's, and put it in the order in which people look at it."""
    there = {one.path: one for one in found}
    stated = [path for path in where.files if path in _stated(job)]
    named = [path for path in where.files if path not in stated]
    chosen = dict.fromkeys(stated, FileSource.SLURM)
    chosen |= {path: FileSource.SCRIPT for path in named if path in there}
    for path in there:
        source = _source(job, where, path)
        if source is not None:
            chosen.setdefault(path, source)
    told = [_told(path, source, there.get(path), job) for path, source in chosen.items()]
    return sorted(told, key=_place)


def _stated(job: JobPlace) -> set[bytes]:
    return {job.stdout_path.encode(), job.stderr_path.encode()}


def _source(job: JobPlace, where: Whereabouts, path: bytes) -> FileSource | None:
    """Say why something that lies in one of the folders is the job's; None where it is not."""
    parent, name = posixpath.split(path)
    if parent in where.outputs:
        # A folder of output may hold all that a run made: of files, what reads like a log.
        is_log = _LOGLIKE.search(name) is not None or is_named_after(job, name)
        return FileSource.SCRIPT if is_log else None
    searched = (*where.folders, *where.bases)
    if parent in searched:
        return FileSource.NAME if is_named_after(job, name) else None
    folder, above = posixpath.basename(parent), posixpath.dirname(parent)
    is_own = above in searched and is_named_after(job, folder)
    # Below a base of the group, a folder that is called just as the job is its run's.
    is_below = any(parent.startswith(base + b"/") for base in where.bases)
    is_run = is_below and folder == job.name.encode()
    return FileSource.NAME if (is_own or is_run) and _LOGLIKE.search(name) else None


def is_named_after(job: JobPlace, name: bytes) -> bool:
    """Whether a name holds the job's number, and not as a part of another; `%8j` pads it."""
    return any(
        re.search(rb"(?<![0-9])0*" + number + rb"(?![0-9])", name) for number in _numbers(job)
    )


def _numbers(job: JobPlace) -> list[bytes]:
    """Give how a job is written in names, as patterns."""
    if job.array_job_id is not None and job.array_task_id is not None:
        # The task alone, not its sisters: their names begin with the same number.
        own = rb"%d[_.-]0*%d" % (job.array_job_id, job.array_task_id)
        number = [] if job.raw_id == job.array_job_id else [b"%d" % job.raw_id]
        return [own, *number]
    return [b"%d" % (job.array_job_id or job.raw_id)]


def number_to_find(job: JobPlace) -> int:
    """Give the number that all names of the job's files have in common, as far as one can.

    Of a task of an array names hold either the array's or its own; the array's is the usual one.
    """
    return job.array_job_id or job.raw_id


def _told(path: bytes, source: FileSource, found: Found | None, job: JobPlace) -> JobFile:
    name = posixpath.basename(path).decode("utf-8", "replace")
    kind = FileKind.FILE if found is None else found.kind
    return JobFile(
        label=_label(path, name, job) if kind is FileKind.FILE else name,
        name=name,
        path=path_text(path),
        kind=kind,
        source=source,
        is_there=found is not None,
        size_bytes=found.size_bytes if found else 0,
        modified_at=found.modified_at if found else None,
    )


def _label(path: bytes, name: str, job: JobPlace) -> str:
    word = _LABEL.search(name)
    if word is not None:
        return word["label"].lower().replace("sbatch", "batch")
    if path == job.stdout_path.encode():
        return "stdout"
    return "stderr" if path == job.stderr_path.encode() else name


def _place(one: JobFile) -> tuple[int, int, float, str]:
    """Give the key of a file's place: what people look at first, then the newest."""
    order: Sequence[str] = (*_LABELS, "stdout", "stderr")
    rank = order.index(one.label) if one.label in order else len(order)
    modified_s = one.modified_at.timestamp() if one.modified_at else 0.0
    return (not one.is_there, rank, -modified_s, one.name)
