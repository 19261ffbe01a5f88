"""Associations with their limits, out of sacctmgr.

What a user's association does not say itself, sacctmgr fills in from the accounts above: the
limits on each job and user (Max…) are the effective ones. Limits on groups (Grp…) are each
association's own and hold together.

Source: sacctmgr(1), "SPECIFICATIONS FOR ASSOCIATIONS";
https://slurm.schedmd.com/resource_limits.html; recordings `associations*` of Slurm 22.05.8, 24.11.5
and 26.05.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from slurmfleet.slurm.delimited import (
    parse_limit,
    parse_limit_minutes,
    parse_names,
    parse_raw_shares,
    read_rows,
    split_row,
)
from slurmfleet.slurm.errors import MalformedRowError
from slurmfleet.slurm.records import BadRow
from slurmfleet.slurm.tres_limits import parse_tres_amounts, parse_tres_minutes

ASSOCIATION_COLUMNS = (
    "User",
    "Partition",
    "Fairshare",
    "GrpTRES",
    "GrpTRESMins",
    "GrpTRESRunMins",
    "GrpJobs",
    "GrpSubmit",
    "GrpWall",
    "MaxTRES",
    "MaxJobs",
    "MaxSubmit",
    "MaxWall",
    "QOS",
    "DefaultQOS",
    "ParentName",
    "Account",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """An account, or a user in an account, with its limits; None and absent: none."""

    account: str
    user: str
    partition: str
    parent_account: str
    """Empty for root and for users."""

    raw_shares: int | None
    """None: the parent's."""

    group_tres: Mapping[str, int]
    group_tres_minutes: Mapping[str, int]
    group_tres_run_minutes: Mapping[str, int]
    group_jobs: int | None
    group_submit_jobs: int | None
    group_wall_minutes: int | None
    max_tres_per_job: Mapping[str, int]
    max_jobs: int | None
    max_submit_jobs: int | None
    max_wall_minutes: int | None
    qos: tuple[str, ...]
    default_qos: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Associations:
    """What sacctmgr told."""

    rows: tuple[Association, ...]
    bad: tuple[BadRow, ...]


def parse_associations(text: str) -> Associations:
    """Read `sacctmgr -n -P show assoc` with ASSOCIATION_COLUMNS."""
    rows, bad = read_rows(text, _row)
    return Associations(rows=rows, bad=bad)


def _row(line: str) -> Association:
    field = split_row(line, ASSOCIATION_COLUMNS)
    account = field["Account"].strip(" ")
    if not account:
        raise MalformedRowError("an association without an account", line)
    return Association(
        account=account,
        user=field["User"],
        partition=field["Partition"],
        parent_account=field["ParentName"],
        raw_shares=parse_raw_shares(field["Fairshare"]),
        group_tres=parse_tres_amounts(field["GrpTRES"]),
        group_tres_minutes=parse_tres_minutes(field["GrpTRESMins"]),
        group_tres_run_minutes=parse_tres_minutes(field["GrpTRESRunMins"]),
        group_jobs=parse_limit(field["GrpJobs"]),
        group_submit_jobs=parse_limit(field["GrpSubmit"]),
        group_wall_minutes=parse_limit_minutes(field["GrpWall"]),
        max_tres_per_job=parse_tres_amounts(field["MaxTRES"]),
        max_jobs=parse_limit(field["MaxJobs"]),
        max_submit_jobs=parse_limit(field["MaxSubmit"]),
        max_wall_minutes=parse_limit_minutes(field["MaxWall"]),
        qos=parse_names(field["QOS"]),
        default_qos=field["DefaultQOS"],
    )
