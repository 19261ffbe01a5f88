"""Where a job's script says that its output goes; pure.

Read from the script's text and from the line that submitted it. Variables are followed where the
script itself gives them a value, or Slurm does. Paths inside a container become those outside by
its mounts. What cannot be told for certain is left out: a folder that is not found costs a person
nothing, one that is another's would mislead.

Source: srun(1), pyxis' --container-mounts; docker and apptainer, -v and --bind; Hydra's run.dir.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from slurmfleet.contracts.files import LONGEST_PATH_BYTES, JobPlace

MOST_OUTPUTS = 16
_DEPTH = 8
"""So often a variable's value may hold another variable."""

_VALUE = (
    r"(?:\"(?P<double>[^\"\n]{1,1000})\"|'(?P<single>[^'\n]{1,1000})'"
    r"|(?P<bare>[^\s\"'\\;|&<>]{1,1000}))"
)
_OUTPUT = re.compile(
    r"(?:^|(?<=[\s+-]))(?:[A-Za-z][\w.]{0,40}[._-])?"
    r"(?:outputs?|out|logs?|logging|results?|save|checkpoints?|ckpt|run)[._-]"
    r"(?P<kind>dir|directory|folder|path|root|file)(?:=|[ \t]+)" + _VALUE
)
_MOUNTS = re.compile(
    r"(?:^|(?<=\s))(?:--container-mounts|--bind|--volume|-B|-v)(?:=|[ \t]+)" + _VALUE
)
_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:export[ \t]+|readonly[ \t]+|declare[ \t]+(?:-\w+[ \t]+)*)?"
    r"(?P<name>[A-Za-z_]\w{0,63})=" + _VALUE + r"[ \t]*(?:$|[;#])",
    re.MULTILINE,
)
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<plain>[A-Za-z_]\w*))")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_CONTINUED = re.compile(r"\\\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Absolute paths outside of containers."""

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


NOTHING_NAMED = Named()


def named_in(script: str, job: JobPlace) -> Named:
    """Give the places of output that a script, or the line that submitted it, names."""
    text = _COMMENT.sub("", f"{_CONTINUED.sub(' ', script)}\n{job.submit_line}\n")
    known = _slurm_variables(job)
    for found in _ASSIGNMENT.finditer(text):
        known.setdefault(found["name"], _raw_value(found))
    mounts = dict(_mounts(text, known))
    files: dict[str, None] = {}
    folders: dict[str, None] = {}
    for found in _OUTPUT.finditer(text):
        path = _outside(_expanded(_raw_value(found), known), mounts, job.work_dir)
        if path is None:
            continue
        if found["kind"] == "file":
            files[path] = None
            path = posixpath.dirname(path)
        if path != "/":
            folders[path] = None
    return Named(files=tuple(files)[:MOST_OUTPUTS], folders=tuple(folders)[:MOST_OUTPUTS])


def _slurm_variables(job: JobPlace) -> dict[str, str]:
    """Give what Slurm sets inside the job.

    Source: sbatch(1), OUTPUT ENVIRONMENT VARIABLES.
    """
    told = {
        "SLURM_JOB_ID": str(job.raw_id),
        "SLURM_JOBID": str(job.raw_id),
        "SLURM_JOB_NAME": job.name,
        "SLURM_SUBMIT_DIR": job.work_dir,
        "PWD": job.work_dir,
        "SLURM_JOB_USER": job.user,
        "USER": job.user,
    }
    if job.array_job_id is not None and job.array_task_id is not None:
        told["SLURM_ARRAY_JOB_ID"] = str(job.array_job_id)
        told["SLURM_ARRAY_TASK_ID"] = str(job.array_task_id)
    return told


def _raw_value(found: re.Match[str]) -> str:
    # What single quotes hold is no variable's place; a NUL keeps it from being taken for one.
    if found["single"] is not None:
        return found["single"].replace("$", "\0")
    return found["double"] or found["bare"] or ""


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """Give a text with its variables' values; empty where one of them is not known."""
    for _ in range(_DEPTH):
        if "$" not in text:
            return text.replace("\0", "$") if "`" not in text else ""
        if _VARIABLE.search(text) is None:
            return ""
        text = _VARIABLE.sub(lambda one: known.get(one["braced"] or one["plain"], "$("), text)
        if len(text) > LONGEST_PATH_BYTES:
            return ""
    return ""


def _mounts(text: str, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give where a folder inside a container is outside of it."""
    for found in _MOUNTS.finditer(text):
        for mount in _expanded(_raw_value(found), known).split(","):
            host, _, rest = mount.partition(":")
            inside = rest.partition(":")[0] or host
            if host.startswith("/") and inside.startswith("/"):
                yield posixpath.normpath(inside), posixpath.normpath(host)


def _outside(path: str, mounts: Mapping[str, str], work_dir: str) -> str | None:
    """Give a path outside of any container; None where it is none."""
    if not path or "\0" in path:
        return None
    path = posixpath.normpath(posixpath.join(work_dir, path))
    if not path.startswith("/"):
        return None
    for inside in sorted(mounts, key=len, reverse=True):
        if path == inside or path.startswith(f"{inside.rstrip('/')}/"):
            return posixpath.normpath(mounts[inside] + "/" + path[len(inside) :])
    return path
