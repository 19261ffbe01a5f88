"""What is asked about running steps, and the one step of our own that a watched job may get.

Source: sstat(1), srun(1) of Slurm 22.05, 24.11 and 26.05. sstat makes two or three requests of the
controller for each job it is asked about (`requests_per_job`), and one of each node of its steps.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from slurmfleet.contracts.sections import SectionName
from slurmfleet.slurm.commands import KEPT_VARIABLES, Section
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.sstat import STEP_COLUMNS, requests_per_job

STEPS_LIMIT_S = 45.0
"""With the controller down sstat takes 18 s for each job: the first one is enough to know."""

_LARGEST_ID = 2**32 - 1
_NODE_LIMIT = 16_384
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def steps_section(
    raw_ids: Iterable[int], *, version: str, limit_s: float = STEPS_LIMIT_S
) -> Section:
    """Ask what the running steps of some jobs use.

    Args:
        raw_ids: Slurm's own numbers: sstat takes no `15_1`, and cuts it to 15.
        version: Slurm's; what it costs depends on it.
        limit_s: For all of them.

    Raises:
        UnsafeArgumentError: None is given, or one is none of Slurm's.
    """
    ids = [_checked(raw_id) for raw_id in sorted(set(raw_ids))]
    if not ids:
        raise UnsafeArgumentError("a list of job numbers", "")
    columns = ",".join(STEP_COLUMNS)
    asked = ",".join(ids)
    return Section(
        name=SectionName.STEPS,
        argv=("sstat", "-a", "-n", "-P", "--noconvert", "-j", asked, "-o", columns),
        limit_s=limit_s,
        asks=len(ids) * requests_per_job(version),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlace:
    """Where a step of our own is to run: all nodes of one job."""

    raw_id: int
    """Of a het job the leader's: its components have none that srun takes."""

    node_count: int
    het_offset: int | None = None


def sampler_command(place: StepPlace, *, every_s: int, environment: Mapping[str, str]) -> str:
    """Give the command of one long step over all nodes of a job, as plain words for any shell.

    It takes nothing away from the job: `--overlap` shares CPUs, memory and GPUs with its other
    steps. The script comes by standard input, which srun gives to every task.

    Args:
        place: The job.
        every_s: Between two samples.
        environment: What the login shell had set; srun needs SLURM_CONF and PATH.

    Raises:
        UnsafeArgumentError: A number is none of Slurm's.
    """
    if not 1 <= place.node_count <= _NODE_LIMIT:
        raise UnsafeArgumentError("a number of nodes", str(place.node_count))
    het = () if place.het_offset is None else (f"--het-group={int(place.het_offset)}",)
    words = (
        "env",
        *(f"{name}={environment[name]}" for name in KEPT_VARIABLES if name in environment),
        "srun",
        f"--jobid={_checked(place.raw_id)}",
        *het,
        "--overlap",
        f"-N{place.node_count}",
        "--ntasks-per-node=1",
        "--mem=0",
        "--cpu-bind=none",
        "--job-name=slurmfleet-sampler",
        "--quiet",
        "--unbuffered",
        *("sh", "-s", "--", "stdout", str(int(every_s))),
    )
    return shlex.join(words)


def tail_section(
    offsets: Mapping[str, int], job_ids: Sequence[int], *, folder: str, limit_s: float = 10
) -> Section:
    """Ask what samplers in jobs have written since last time; asks nothing of Slurm.

    For each file it prints `@ <job>/<file> <size> <from>` and the bytes from there, at most
    `TAIL_BYTES` and always whole lines.

    Args:
        offsets: Where to go on, by `<job>/<file>`; a file that is not in it is read from near its
            end, and one that has become smaller from its begin.
        job_ids: Whose files are looked for.
        folder: Below the home of the login user.
        limit_s: For all of them.

    Raises:
        UnsafeArgumentError: A number is none of Slurm's, or a file's name is odd.
    """
    known = [f"{_file(name)}:{int(offset)}" for name, offset in offsets.items()]
    ids = [_checked(raw_id) for raw_id in job_ids]
    return Section(
        name=SectionName.SIDECAR,
        argv=("bash", "-c", _TAIL, "tail", folder, " ".join(known), *ids),
        limit_s=limit_s,
        asks=0,
    )


TAIL_BYTES = 65_536
_TAIL = f"""\
cd -- "$HOME/$1" 2>/dev/null || exit 0
known=" $2 "; shift 2
for job; do
  for file in "$job"/*.log; do
    [ -f "$file" ] || continue
    size=$(wc -c < "$file") || continue
    case $known in
    *" $file:"*) from=${{known##* "$file":}}; from=${{from%% *}} ;;
    *) from=$((size - {TAIL_BYTES // 8})) ;;
    esac
    [ "$from" -le "$size" ] && [ "$from" -gt 0 ] || from=0
    printf '@ %s %s %s\\n' "$file" "$size" "$from"
    most=$((size - from)); [ "$most" -le {TAIL_BYTES} ] || most={TAIL_BYTES}
    tail -c "+$((from + 1))" -- "$file" | head -c "$most"
    printf '\\n'
  done
done
"""


def _checked(raw_id: int) -> str:
    if not 1 <= raw_id <= _LARGEST_ID:
        raise UnsafeArgumentError("a job number", str(raw_id))
    return str(raw_id)


def _file(name: str) -> str:
    job, slash, file = name.partition("/")
    node = file.removesuffix(".log")
    if not (slash and job.isascii() and job.isdigit() and _NODE.fullmatch(node)):
        raise UnsafeArgumentError("a sampler's file", name)
    return name
