"""The settings of a cluster that everybody may read.

Source: scontrol(1) show config; slurm.conf(5); recordings `config` of Slurm 22.05.8, 24.11.5 and
26.05.5.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from slurmfleet.slurm.delimited import parse_names

_LINE = re.compile(r"^(\w[\w/]*)\s*= ?(.*)$", re.MULTILINE)
_ENFORCING = frozenset({"limits", "safe", "all"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmConfig:
    """What of slurm.conf tells how to read the rest."""

    cluster_name: str
    """As Slurm calls this cluster; its accounting database may hold others too."""

    limits_enforced: bool | None
    """Whether limits of associations and QOS hold at all; None: not told."""

    has_accounting: bool | None
    priority_type: str
    """`priority/multifactor` where there is fair-share."""


def parse_config(text: str) -> SlurmConfig:
    """Read `scontrol show config`; empty and None where something is not told."""
    settings: Mapping[str, str] = {one[1]: one[2].strip() for one in _LINE.finditer(text)}
    enforced = settings.get("AccountingStorageEnforce")
    storage = settings.get("AccountingStorageType")
    return SlurmConfig(
        cluster_name=settings.get("ClusterName", ""),
        limits_enforced=(
            None if enforced is None else not _ENFORCING.isdisjoint(parse_names(enforced))
        ),
        # 25.05 and later print (null) where older ones print accounting_storage/none.
        has_accounting=None if storage is None else storage.endswith("slurmdbd"),
        priority_type=settings.get("PriorityType", ""),
    )
