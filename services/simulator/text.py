"""How Slurm's programs write numbers, times, resources and lists of nodes.

Source: samples of Slurm 24.11; docs/slurm-output.md.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from services.simulator.model import Job, NodeSpec, Shape, compress

DAY_S = 86_400
HOUR_S = 3600
MINUTE_S = 60
UNIT = 1024
MEMORY_UNITS = "MGTP"
_HOST = re.compile(r"^(.*?)([0-9]+)$")


def moment(at: int | None, *, time_format: str, missing: str = "N/A") -> str:
    """Write a time; `time_format` is SLURM_TIME_FORMAT, empty for the standard form."""
    if at is None:
        return missing
    if time_format == "%s":
        return str(at)
    pattern = time_format if "%" in time_format else "%Y-%m-%dT%H:%M:%S"
    return datetime.fromtimestamp(at, tz=UTC).strftime(pattern)


def short_duration(length_s: int | None) -> str:
    """Write a duration as squeue does: `0:26`, `1:00:00`, `3-00:00:00`, `UNLIMITED`."""
    if length_s is None:
        return "UNLIMITED"
    days, rest = divmod(length_s, DAY_S)
    hours, rest = divmod(rest, HOUR_S)
    minutes, seconds = divmod(rest, MINUTE_S)
    if days:
        return f"{days}-{hours:02d}:{minutes:02d}:{seconds:02d}"
    if hours:
        return f"{hours}:{minutes:02d}:{seconds:02d}"
    return f"{minutes}:{seconds:02d}"


def full_duration(length_s: int | None) -> str:
    """Write a duration as sacct and scontrol do: `00:05:00`, `1-00:00:00`, `UNLIMITED`."""
    if length_s is None:
        return "UNLIMITED"
    days, rest = divmod(length_s, DAY_S)
    clock = f"{rest // HOUR_S:02d}:{rest % HOUR_S // MINUTE_S:02d}:{rest % MINUTE_S:02d}"
    return f"{days}-{clock}" if days else clock


def memory(size_mib: int) -> str:
    """Write memory in the largest unit that is exact: `64G`, `2000M`."""
    unit = 0
    while size_mib and size_mib % UNIT == 0 and unit < len(MEMORY_UNITS) - 1:
        size_mib //= UNIT
        unit += 1
    return f"{size_mib}{MEMORY_UNITS[unit]}"


def tres_parts(shape: Shape, *, gpu_type: str) -> dict[str, str]:
    """Give what a job asks for or has, by TRES name, in squeue's order."""
    cpus = shape.nodes * shape.cpus
    parts = {
        "cpu": str(cpus),
        "mem": memory(shape.nodes * shape.memory_mib),
        "node": str(shape.nodes),
        "billing": str(cpus),
    }
    gpus = shape.nodes * shape.gpus
    if gpus:
        parts["gres/gpu"] = str(gpus)
        if gpu_type:
            parts[f"gres/gpu:{gpu_type}"] = str(gpus)
    return parts


def queue_tres(parts: dict[str, str]) -> str:
    """Write TRES as squeue and scontrol do."""
    return ",".join(f"{name}={count}" for name, count in parts.items())


def accounting_tres(parts: dict[str, str]) -> str:
    """Write TRES as sacct does: sorted, a type before the sum of all types."""
    ordered = sorted(parts.items(), key=lambda item: (item[0].partition(":")[0], -len(item[0])))
    return ",".join(f"{name}={count}" for name, count in ordered)


def job_tres(job: Job, nodes: dict[str, NodeSpec]) -> dict[str, str]:
    """Give a job's TRES: what it has, or what it asks for while it has no nodes."""
    gpu_type = job.request.shape.gpu_type
    if job.nodes and job.request.shape.gpus:
        gpu_type = nodes[job.nodes[0]].gpu_type
    return tres_parts(job.request.shape, gpu_type=gpu_type)


def node_list(names: Iterable[str]) -> str:
    """Write node names compactly: `gpu[01-03,07],cpu01`."""
    groups: dict[tuple[str, int], list[int]] = {}
    plain: list[str] = []
    for name in names:
        matched = _HOST.match(name)
        if matched is None:
            plain.append(name)
            continue
        digits = matched.group(2)
        groups.setdefault((matched.group(1), len(digits)), []).append(int(digits))
    written: list[str] = []
    for (prefix, width), numbers in groups.items():
        ranges = _padded(tuple(sorted(numbers)), width)
        many = len(numbers) > 1
        written.append(f"{prefix}[{ranges}]" if many else f"{prefix}{ranges}")
    return ",".join([*written, *plain])


def expand(pattern: str, job: Job, *, node: str = "") -> str:
    """Replace the `%` signs of a log path as slurmd does."""
    values = {
        "%j": str(job.raw_id),
        "%J": str(job.raw_id),
        "%A": str(job.array_id or job.raw_id),
        "%a": str(job.task_id if job.task_id is not None else 4_294_967_294),
        "%x": job.request.name,
        "%u": job.request.user,
        "%N": node or (job.nodes[0] if job.nodes else ""),
        "%%": "%",
    }
    return re.sub(r"%[jJAaxuN%]", lambda sign: values[sign.group(0)], pattern)


def _padded(numbers: tuple[int, ...], width: int) -> str:
    return re.sub(r"[0-9]+", lambda digits: digits.group(0).zfill(width), compress(numbers))
