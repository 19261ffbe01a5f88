"""The GPUs of a node by type: how many there are, and how many jobs hold.

Two fields tell what is held, and each may be silent. `AllocTRES` counts what accounting tracks
(AccountingStorageTRES): a site that lists no gres/gpu shows none, one that lists some types shows
those. `GresUsed`, which scontrol shows with `-d`, is the scheduler's own count by type.

Source: scontrol(1), -d; slurm.conf(5), AccountingStorageTRES; gres.conf(5); seen on 22.05.8,
24.11.5 and 26.05.5, where `CfgTRES=…,gres/gpu=6,gres/gpu:a100-sxm4-80gb=2` stands for
`Gres=gpu:a100-sxm4-80gb:2,gpu:l40s:4` because the site tracks one of both types.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from slurmfleet.contracts.jobs import NO_GPUS
from slurmfleet.contracts.remembering import remembers_short_rows
from slurmfleet.slurm.tres import Tres, parse_gres, parse_tres

UNTYPED = ""
"""The type of GPUs that the site gives no type."""


class GpuSource(StrEnum):
    """Where the number of held GPUs was read; the later, the less it can tell."""

    ALLOC_TRES = "alloc_tres"
    GRES_USED = "gres_used"
    JOB_TRES = "job_tres"
    """Summed over jobs, which do not say on which nodes."""
    UNKNOWN = "unknown"
    """There are GPUs, and nothing tells how many are held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGpus:
    """The GPUs of one node."""

    total: Mapping[str, int]
    """By type as the node's configuration spells it; what has no type is under ""."""

    used: Mapping[str, int] | None
    """By the same types, at most the total; None where neither field tells."""

    source: GpuSource


NO_NODE_GPUS = NodeGpus(total=NO_GPUS, used=NO_GPUS, source=GpuSource.ALLOC_TRES)


@remembers_short_rows(8192)
def node_gpus(gres: str, cfg_tres: str, alloc_tres: str, gres_used: str | None) -> NodeGpus:
    """Count a node's GPUs.

    Args:
        gres: `Gres=` of the node: what is configured.
        cfg_tres: `CfgTRES=`: what accounting tracks of it.
        alloc_tres: `AllocTRES=`: what of that is held; empty when nothing is.
        gres_used: `GresUsed=`; None where the field was not printed.

    Raises:
        MalformedValueError: An amount is no number.
    """
    tracked = parse_tres(cfg_tres)
    total = parse_gres(gres).all_gpus or tracked.all_gpus
    if not total:
        return NO_NODE_GPUS
    held = _from_alloc_tres(total, tracked, parse_tres(alloc_tres))
    source = GpuSource.ALLOC_TRES
    if held is None:
        held, source = _from_gres_used(total, gres_used), GpuSource.GRES_USED
    if held is None:
        return NodeGpus(total=total, used=None, source=GpuSource.UNKNOWN)
    used = {kind: min(held.get(kind, 0), count) for kind, count in total.items()}
    return NodeGpus(total=total, used=used, source=source)


def _from_alloc_tres(total: Mapping[str, int], tracked: Tres, alloc: Tres) -> dict[str, int] | None:
    """Give the held GPUs by type; None where accounting tracks too little to tell.

    One type that accounting does not track is what is left of the sum of all.
    """
    if tracked.gpu_count < sum(total.values()):
        return None
    if len(total) == 1:
        return dict.fromkeys(total, alloc.gpu_count)
    known = _lower(tracked.gpus_by_type)
    held = _lower(alloc.gpus_by_type)
    told = {kind for kind, count in total.items() if known.get(kind.lower()) == count}
    used = {kind: held.get(kind.lower(), 0) for kind in told}
    rest = alloc.gpu_count - sum(used.values())
    untold = total.keys() - told
    if rest > 0 and len(untold) != 1:
        return None
    return {**used, **dict.fromkeys(untold, max(rest, 0))}


def _from_gres_used(total: Mapping[str, int], gres_used: str | None) -> dict[str, int] | None:
    """Give the held GPUs by type; None where the scheduler's count is not shown.

    A used count without a type belongs to the only type there is.
    """
    if gres_used is None or "gpu" not in gres_used:
        return None
    held = parse_gres(gres_used).all_gpus
    if len(total) == 1:
        return dict.fromkeys(total, sum(held.values()))
    spelt = _lower(held)
    if held.get(UNTYPED) and UNTYPED not in total:
        return None
    return {kind: spelt.get(kind.lower(), 0) for kind in total}


def _lower(counts: Mapping[str, int]) -> dict[str, int]:
    """Give counts by types in lower case: TRES names are, configurations need not be."""
    return {kind.lower(): count for kind, count in counts.items()}
