"""The lines of our own sampler, `services/collector/sampling/sidecar.sh`.

A sample is one line of fields with tabs between them, `sf1` at the begin and `end` at the end: what
is cut by a full disk, a rotation or a broken stream lacks the end and is no sample.

    sf1  1795647023  job=41  node=hgx01  every=10  by=cgroup2  cpu_us=1200  rss_kib=5120
         limit_kib=65536  gpu=0, GPU-…, 81, …  own=0,1  end

`gpu` is a row of nvidia-smi, `list` a line of `nvidia-smi -L` and `mig` one of its table (both only
where a GPU is cut into slices), `minor` a GPU's UUID and device number, `own` the device numbers
that Slurm gave the job, `visible` CUDA_VISIBLE_DEVICES, `fault` why nvidia-smi told nothing.
A reader ignores fields that it does not know; a change of meaning makes it `sf2`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slurmfleet.gpu.errors import LINE_LIMIT, MalformedRowError, UnknownFormatError
from slurmfleet.gpu.nvidia_smi import parse_gpu_rows, parse_listed_slices, with_slices
from slurmfleet.gpu.readings import GpuReading, LoadReading

FORMAT = "sf1"
_END = "end"
_LONGEST_EPOCH_DIGITS = 11
_KIB_PER_MIB = 1024
_US_PER_S = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSample:
    """One line of the sampler: one node of one job at one moment."""

    epoch_s: int
    """The node's own clock."""

    raw_job_id: int
    node: str
    every_s: float
    load: LoadReading
    load_by: str = ""
    """Where CPU and memory were read: `cgroup2`, `cgroup1`, `proc`; empty: nowhere."""

    gpus: tuple[GpuReading, ...] = ()
    own: tuple[str, ...] = ()
    """Device numbers of the job's GPUs as Slurm says."""

    visible: tuple[str, ...] = ()
    minors: Mapping[str, str]
    """Device number by UUID, where the node tells."""

    faults: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()


def is_sample(line: str) -> bool:
    """Say whether a line is meant to be a sample, of any version of the format."""
    return line[:2] == "sf" and line[2:3].isdigit()


def parse_sample(line: str) -> NodeSample:
    """Read one line.

    Raises:
        UnknownFormatError: It is of a later format.
        MalformedRowError: It is cut, or no sample.
    """
    head, *fields = line.rstrip("\r\n").split("\t")
    if head != FORMAT:
        kind = UnknownFormatError if is_sample(line) else MalformedRowError
        raise kind("not a sample of format sf1", line)
    if len(fields) < 2 or fields[-1] != _END:  # noqa: PLR2004 a moment and the end
        raise MalformedRowError("a sample without its end", line)
    values: dict[str, list[str]] = {}
    for field in fields[1:-1]:
        name, _, value = field.partition("=")
        values.setdefault(name, []).append(value)
    try:
        return _sample(fields[0], values)
    except (ValueError, KeyError) as exc:
        raise MalformedRowError("a sample without its moment or its job", line) from exc


def _sample(moment: str, values: Mapping[str, Sequence[str]]) -> NodeSample:
    if len(moment) > _LONGEST_EPOCH_DIGITS:
        raise ValueError(moment)
    table = parse_gpu_rows(values.get("gpu", ()))
    slices = parse_listed_slices(values.get("list", ()))
    return NodeSample(
        epoch_s=int(moment),
        raw_job_id=int(values["job"][0]),
        node=values["node"][0].partition(".")[0],
        every_s=float(values.get("every", ("0",))[0]),
        load=LoadReading(
            cpu_time_s=_scaled(values, "cpu_us", _US_PER_S),
            memory_used_mib=_scaled(values, "rss_kib", _KIB_PER_MIB),
            memory_limit_mib=_scaled(values, "limit_kib", _KIB_PER_MIB),
        ),
        load_by=values.get("by", ("",))[0],
        gpus=with_slices(table.gpus, slices, values.get("mig", ())) if slices else table.gpus,
        own=_numbers(values.get("own", ("",))[0]),
        visible=_numbers(values.get("visible", ("",))[0]),
        minors=dict(pair.split(" ", 1) for pair in values.get("minor", ()) if " " in pair),
        faults=tuple(one[:LINE_LIMIT] for one in (*values.get("fault", ()), *table.complaints)),
        bad=table.bad,
    )


def _scaled(values: Mapping[str, Sequence[str]], name: str, divisor: float) -> float | None:
    """Give a number that the line tells, or None."""
    text = values.get(name, ("",))[0]
    return int(text) / divisor if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004 64 bits


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def own_gpus(sample: NodeSample, expected: int) -> tuple[GpuReading, ...] | None:
    """Give the job's own GPUs among those that a node shows.

    Where a site does not confine jobs to their devices, nvidia-smi shows everybody's, whatever
    CUDA_VISIBLE_DEVICES says; its index is the order of the bus, Slurm's number the device file's.
    So they are told apart by UUID, and by device number where the node tells it.

    Args:
        sample: Of one node.
        expected: How many GPUs the job has there; 0 where nobody knows.

    Returns:
        None where they cannot be told apart: nobody else's numbers may be taken for the job's.
    """
    shown = sample.gpus
    if not expected or len(shown) <= expected:
        return shown
    named = tuple(gpu for gpu in shown if gpu.uuid in sample.visible)
    numbered = tuple(gpu for gpu in shown if sample.minors.get(gpu.uuid) in sample.own)
    return next((found for found in (named, numbered) if 0 < len(found) <= expected), None)
