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

from slurmfleet.slurm.delimited import parse_limit, parse_limit_minutes, parse_names, split_row
from slurmfleet.slurm.errors import MalformedRowError, SlurmParseError
from slurmfleet.slurm.records import BadRow, BadRows, bad_row
from slurmfleet.slurm.tres_limits import parse_tres_amounts

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

_PARENT = "parent"


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
    rows: list[Association] = []
    bad = BadRows()
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            rows.append(_row(line))
        except SlurmParseError as exc:
            bad.append(bad_row(line, exc))
    return Associations(rows=tuple(rows), bad=tuple(bad))


def _row(line: str) -> Association:
    field = split_row(line, ASSOCIATION_COLUMNS)
    account = field["Account"].strip(" ")
    if not account:
        raise MalformedRowError("an association without an account", line)
    shares = field["Fairshare"]
    return Association(
        account=account,
        user=field["User"],
        partition=field["Partition"],
        parent_account=field["ParentName"],
        raw_shares=None if shares == _PARENT else parse_limit(shares),
        group_tres=parse_tres_amounts(field["GrpTRES"]),
        group_tres_minutes=parse_tres_amounts(field["GrpTRESMins"], memory_is_mib=False),
        group_tres_run_minutes=parse_tres_amounts(field["GrpTRESRunMins"], memory_is_mib=False),
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
