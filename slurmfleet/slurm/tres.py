"""GPUs and memory out of TRES and GRES strings.

TRES strings describe a whole job: `cpu=8,mem=64G,node=1,billing=8,gres/gpu=2,gres/gpu:h100=2`.
GRES strings describe a request or a node: `gpu:h100:2(S:0-1)`, `gres:gpu:2`, `gres/gpu:h100:2`.

Source: squeue(1) tres-alloc, tres-per-node; sacct(1) AllocTRES, ReqTRES; sinfo(1) Gres;
gres.conf(5) for MIG types. docs/slurm-output.md, Slurm 22.05.8 and 24.11.5.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from slurmfleet.contracts.jobs import NO_GPUS
from slurmfleet.contracts.remembering import remembers_short_texts
from slurmfleet.slurm.errors import MalformedValueError
from slurmfleet.slurm.quantities import LARGEST_COUNT, parse_count, parse_memory_mib

_EMPTY = frozenset({"", "N/A", "(null)", "None", "none"})
_GPU_KEY = re.compile(r"gres/gpu(?::(?P<type>[^=,\s]+))?")
_AFFINITY = re.compile(r"\([^()]*\)")
_PLAIN_NUMBER = re.compile(r"\d+[KMGT]?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tres:
    """What a TRES string tells of a whole job."""

    gpu_count: int = 0
    gpus_by_type: Mapping[str, int]
    """By Slurm's type name; requests without a type are not in it."""

    memory_mib: int | None = None
    cpu_count: int | None = None
    node_count: int | None = None

    @property
    def all_gpus(self) -> Mapping[str, int]:
        """The GPUs by type, those without one under ""."""
        return _with_untyped(self.gpu_count, self.gpus_by_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gres:
    """The GPUs that a GRES string names."""

    gpu_count: int = 0
    gpus_by_type: Mapping[str, int]

    @property
    def all_gpus(self) -> Mapping[str, int]:
        """The GPUs by type, those without one under ""."""
        return _with_untyped(self.gpu_count, self.gpus_by_type)


def _with_untyped(total: int, by_type: Mapping[str, int]) -> Mapping[str, int]:
    counts = {kind: count for kind, count in by_type.items() if count}
    untyped = total - sum(counts.values())
    return {**counts, "": counts.get("", 0) + untyped} if untyped > 0 else counts


@remembers_short_texts(8192)
def parse_tres(text: str) -> Tres:
    """Read a TRES string; the untyped GPU total counts, or the sum of types where it is absent.

    Raises:
        MalformedValueError: An item is not `name=amount`.
    """
    if text in _EMPTY:
        return Tres(gpus_by_type=NO_GPUS)
    amounts = dict(_item(item, text) for item in text.split(","))
    by_type: dict[str, int] = {}
    total = 0
    for name, amount in amounts.items():
        if match := _GPU_KEY.fullmatch(name):
            count = parse_count(amount)
            if match["type"]:
                by_type[match["type"]] = count
            else:
                total = count
    return Tres(
        gpu_count=_checked(max(total, sum(by_type.values())), text),
        gpus_by_type=by_type or NO_GPUS,
        memory_mib=parse_memory_mib(amounts["mem"]) if "mem" in amounts else None,
        cpu_count=parse_count(amounts["cpu"]) if "cpu" in amounts else None,
        node_count=parse_count(amounts["node"]) if "node" in amounts else None,
    )


def _checked(count: int, text: str) -> int:
    if count > LARGEST_COUNT:
        raise MalformedValueError("more GPUs than any cluster has", text)
    return count


def _item(item: str, text: str) -> tuple[str, str]:
    name, equals, amount = item.partition("=")
    if not (name and equals and amount):
        raise MalformedValueError("not a TRES string", text)
    return name, amount


@remembers_short_texts(2048)
def parse_gres(text: str) -> Gres:
    """Read a GRES string; what is no GPU is left out, an amount that is not told is 1.

    Raises:
        MalformedValueError: An amount is no number.
    """
    by_type: dict[str, int] = {}
    total = 0
    for item in _AFFINITY.sub("", text).split(",") if text not in _EMPTY else ():
        name, *rest = item.strip().removeprefix("gres:").removeprefix("gres/").split(":")
        if name != "gpu":
            continue
        rest = [part for part in rest if part != "no_consume"]
        count = parse_count(rest.pop()) if rest and _PLAIN_NUMBER.fullmatch(rest[-1]) else 1
        total += count
        if rest:
            kind = ":".join(rest)
            by_type[kind] = by_type.get(kind, 0) + count
    return Gres(gpu_count=_checked(total, text), gpus_by_type=by_type or NO_GPUS)
