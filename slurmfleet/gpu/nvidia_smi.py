"""What nvidia-smi prints: rows of `--query-gpu`, the list of `-L`, the table's MIG lines.

A number that the driver does not have is a word in brackets or `ERR!`; a GPU that is lost costs its
row and leaves a sentence instead. Neither is a zero.

Source: nvidia-smi(1) of drivers 470 to 580: "--query-gpu", "[N/A]" and "[Not Supported]",
"[Unknown Error]", "ERR!"; NVIDIA MIG User Guide for `-L` and the "MIG devices" table.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from slurmfleet.gpu.errors import LINE_LIMIT, MalformedRowError
from slurmfleet.gpu.readings import GpuReading

QUERY_FIELDS = (
    "index",
    "uuid",
    "utilization.gpu",
    "memory.used",
    "memory.total",
    "power.draw",
    "temperature.gpu",
    "name",
)
"""What is asked, with `--format=csv,noheader,nounits`; free text last. All are old fields."""

_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?", re.ASCII)
_UNIT = re.compile(r"\s*(?:%|MiB|W|C)$")
_LISTED_GPU = re.compile(r"GPU (?P<index>[0-9]+): (?P<model>.+) \(UUID: (?P<uuid>GPU-[^)\s]+)\)")
_LISTED_SLICE = re.compile(
    r"\s*MIG (?P<profile>\S+)\s+Device\s+(?P<device>[0-9]+): \(UUID: (?P<uuid>MIG-[^)\s]+)\)"
)
_SLICE_ROW = re.compile(
    r"\|\s*(?P<gpu>[0-9]+)\s+(?P<gi>[0-9]+|N/A)\s+(?P<ci>[0-9]+|N/A)\s+(?P<device>[0-9]+)\s*\|"
    r"\s*(?P<used>[0-9]+)MiB\s*/\s*(?P<total>[0-9]+)MiB"
)
_COMPLAINT = re.compile(
    r"(?i)unable to determine the device handle|gpu is lost|no devices were found"
    r"|nvidia-smi has failed|failed to initialize nvml|driver/library version mismatch"
    r"|insufficient permissions|not a valid field|unknown error"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuTable:
    """What one call of nvidia-smi told."""

    gpus: tuple[GpuReading, ...]
    complaints: tuple[str, ...] = ()
    """The driver's own sentences: a GPU that is lost, no driver, no GPU."""

    bad: tuple[str, ...] = ()
    """Lines that could not be understood; they cost only themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSlice:
    """A MIG slice as `-L` names it."""

    gpu_index: int
    device: int
    """Its number within the GPU."""

    uuid: str
    profile: str
    model: str


def parse_gpu_rows(lines: Iterable[str]) -> GpuTable:
    """Read rows of `QUERY_FIELDS`."""
    gpus: list[GpuReading] = []
    complaints: list[str] = []
    bad: list[str] = []
    for line in lines:
        if not line.strip():
            continue
        try:
            gpus.append(parse_gpu_row(line))
        except MalformedRowError as exc:
            (complaints if _COMPLAINT.search(line) else bad).append(exc.line.strip())
    return GpuTable(gpus=tuple(gpus), complaints=tuple(complaints), bad=tuple(bad))


def parse_gpu_row(line: str) -> GpuReading:
    """Read one row of `QUERY_FIELDS`, with or without units.

    Raises:
        MalformedRowError: It is none.
    """
    parts = [part.strip() for part in line.split(",", len(QUERY_FIELDS) - 1)]
    if len(parts) != len(QUERY_FIELDS) or not parts[1].startswith("GPU-"):
        raise MalformedRowError("not a row of nvidia-smi", line)
    index, uuid, utilization, used, total, power, temperature, model = parts
    return GpuReading(
        index=int(index) if index.isascii() and index.isdigit() else None,
        uuid=uuid,
        model=model,
        utilization_pct=_number(utilization),
        memory_used_mib=_number(used),
        memory_total_mib=_number(total),
        power_w=_number(power),
        temperature_c=_number(temperature),
    )


def _number(text: str) -> float | None:
    """Give a number; None for `[N/A]`, `[Not Supported]`, `[Unknown Error]`, `ERR!` and such."""
    text = _UNIT.sub("", text)
    return float(text) if _NUMBER.fullmatch(text) else None


def parse_listed_slices(lines: Iterable[str]) -> tuple[ListedSlice, ...]:
    """Read the MIG slices of `nvidia-smi -L`; a GPU without slices gives none."""
    slices: list[ListedSlice] = []
    index, model = -1, ""
    for line in lines:
        if gpu := _LISTED_GPU.search(line):
            index, model = int(gpu["index"]), gpu["model"]
        elif (found := _LISTED_SLICE.match(line)) and index >= 0:
            slices.append(
                ListedSlice(
                    gpu_index=index,
                    device=int(found["device"]),
                    uuid=found["uuid"],
                    profile=found["profile"],
                    model=model,
                )
            )
    return tuple(slices)


def with_slices(
    gpus: Sequence[GpuReading], listed: Sequence[ListedSlice], table: Iterable[str]
) -> tuple[GpuReading, ...]:
    """Put a GPU's slices in its place, with the memory that the table tells of each.

    The driver tells no utilization of a slice, and power and temperature are the whole GPU's: a
    slice has neither, rather than its neighbours'.

    Args:
        gpus: Of `parse_gpu_rows`.
        listed: Of `parse_listed_slices`.
        table: Lines of plain `nvidia-smi`; those that are no row of a slice are ignored.
    """
    memory = {
        (int(row["gpu"]), int(row["device"])): (float(row["used"]), float(row["total"]))
        for row in map(_SLICE_ROW.search, table)
        if row
    }
    cut = {one.gpu_index for one in listed}
    whole = tuple(gpu for gpu in gpus if gpu.index not in cut)
    return whole + tuple(
        replace(
            GpuReading(uuid=one.uuid, index=one.gpu_index, model=one.model),
            mig_profile=one.profile,
            memory_used_mib=memory.get((one.gpu_index, one.device), (None, None))[0],
            memory_total_mib=memory.get((one.gpu_index, one.device), (None, None))[1],
        )
        for one in listed
    )


def complaint_of(lines: Iterable[str]) -> str:
    """Give the first sentence in which the driver says what is wrong; empty if there is none."""
    return next((line.strip()[:LINE_LIMIT] for line in lines if _COMPLAINT.search(line)), "")
