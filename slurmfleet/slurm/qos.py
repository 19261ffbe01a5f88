"""Qualities of service with their limits, out of sacctmgr.

Source: sacctmgr(1), "SPECIFICATIONS FOR QOS"; https://slurm.schedmd.com/qos.html; recordings `qos*`
of Slurm 22.05.8, 24.11.5 and 26.05.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from slurmfleet.slurm.delimited import (
    parse_limit,
    parse_limit_minutes,
    parse_names,
    parse_ratio,
    read_rows,
    split_row,
)
from slurmfleet.slurm.errors import MalformedRowError
from slurmfleet.slurm.quantities import parse_duration_s
from slurmfleet.slurm.records import BadRow
from slurmfleet.slurm.tres_limits import parse_tres_amounts, parse_tres_minutes

QOS_COLUMNS = (
    "Priority",
    "Preempt",
    "PreemptMode",
    "GraceTime",
    "Flags",
    "UsageFactor",
    "GrpTRES",
    "GrpTRESMins",
    "GrpTRESRunMins",
    "GrpJobs",
    "GrpSubmit",
    "GrpWall",
    "MaxTRES",
    "MaxTRESPerNode",
    "MaxTRESPU",
    "MaxTRESPA",
    "MinTRES",
    "MaxWall",
    "MaxJobsPU",
    "MaxJobsPA",
    "MaxSubmitPU",
    "MaxSubmitPA",
    "Name",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Qos:
    """One quality of service; None and absent: no limit."""

    name: str
    priority: int
    preempts: tuple[str, ...]
    preempt_mode: str
    grace_time_s: int | None
    flags: tuple[str, ...]
    usage_factor: float | None
    group_tres: Mapping[str, int]
    group_tres_minutes: Mapping[str, int]
    group_tres_run_minutes: Mapping[str, int]
    group_jobs: int | None
    group_submit_jobs: int | None
    group_wall_minutes: int | None
    max_tres_per_job: Mapping[str, int]
    max_tres_per_node: Mapping[str, int]
    max_tres_per_user: Mapping[str, int]
    max_tres_per_account: Mapping[str, int]
    min_tres_per_job: Mapping[str, int]
    max_wall_minutes: int | None
    max_jobs_per_user: int | None
    max_jobs_per_account: int | None
    max_submit_jobs_per_user: int | None
    max_submit_jobs_per_account: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QosList:
    """What sacctmgr told."""

    rows: tuple[Qos, ...]
    bad: tuple[BadRow, ...]


def parse_qos(text: str) -> QosList:
    """Read `sacctmgr -n -P show qos` with QOS_COLUMNS."""
    rows, bad = read_rows(text, _row)
    return QosList(rows=rows, bad=bad)


def _row(line: str) -> Qos:
    field = split_row(line, QOS_COLUMNS)
    if not field["Name"]:
        raise MalformedRowError("a QOS without a name", line)
    return Qos(
        name=field["Name"],
        priority=parse_limit(field["Priority"]) or 0,
        preempts=parse_names(field["Preempt"]),
        preempt_mode=field["PreemptMode"],
        grace_time_s=parse_duration_s(field["GraceTime"]),
        flags=parse_names(field["Flags"]),
        usage_factor=parse_ratio(field["UsageFactor"]),
        group_tres=parse_tres_amounts(field["GrpTRES"]),
        group_tres_minutes=parse_tres_minutes(field["GrpTRESMins"]),
        group_tres_run_minutes=parse_tres_minutes(field["GrpTRESRunMins"]),
        group_jobs=parse_limit(field["GrpJobs"]),
        group_submit_jobs=parse_limit(field["GrpSubmit"]),
        group_wall_minutes=parse_limit_minutes(field["GrpWall"]),
        max_tres_per_job=parse_tres_amounts(field["MaxTRES"]),
        max_tres_per_node=parse_tres_amounts(field["MaxTRESPerNode"]),
        max_tres_per_user=parse_tres_amounts(field["MaxTRESPU"]),
        max_tres_per_account=parse_tres_amounts(field["MaxTRESPA"]),
        min_tres_per_job=parse_tres_amounts(field["MinTRES"]),
        max_wall_minutes=parse_limit_minutes(field["MaxWall"]),
        max_jobs_per_user=parse_limit(field["MaxJobsPU"]),
        max_jobs_per_account=parse_limit(field["MaxJobsPA"]),
        max_submit_jobs_per_user=parse_limit(field["MaxSubmitPU"]),
        max_submit_jobs_per_account=parse_limit(field["MaxSubmitPA"]),
    )
