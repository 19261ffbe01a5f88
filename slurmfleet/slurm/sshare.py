"""Fair-share out of sshare: the tree of accounts, with the users that were asked for.

The tree is told by spaces before an account's name. A user's row stands one step below its
account and repeats the account's name.

Source: sshare(1); https://slurm.schedmd.com/fair_tree.html; recordings `shares*` of Slurm 22.05.8,
24.11.5 and 26.05.5. The fields are the same from 20.11 on (sshare --helpformat).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from slurmfleet.slurm.delimited import parse_ratio, parse_raw_shares, split_row
from slurmfleet.slurm.errors import MalformedRowError, SlurmParseError
from slurmfleet.slurm.records import BadRow, BadRows, bad_row
from slurmfleet.slurm.tres_limits import parse_tres_minutes, without_zeros

SHARE_COLUMNS = (
    "User",
    "Partition",
    "RawShares",
    "NormShares",
    "RawUsage",
    "NormUsage",
    "EffectvUsage",
    "FairShare",
    "LevelFS",
    "GrpTRESMins",
    "GrpTRESRaw",
    "TRESRunMins",
    "Account",
)
"""The account stands last: it is the only name that may hold a bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRow:
    """One association as the controller sees it now."""

    account: str
    user: str
    """Empty: the account as a whole."""

    partition: str
    parent_account: str
    """Empty for root, for users, and where the row above it could not be read."""

    raw_shares: int | None
    """None for root and for those that use their parent's."""

    norm_shares: float | None
    raw_usage_s: float | None
    norm_usage: float | None
    effective_usage: float | None
    fair_share: float | None
    """Told for users alone."""

    level_fs: float | None
    """Infinity where nothing was used."""

    group_tres_minutes: Mapping[str, int]
    tres_minutes_used: Mapping[str, int]
    """Decayed, what `group_tres_minutes` is held against; without zeros."""

    tres_run_minutes: Mapping[str, int]
    """Without zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What sshare told."""

    rows: tuple[ShareRow, ...]
    bad: tuple[BadRow, ...]


def parse_shares(text: str) -> Shares:
    """Read `sshare -n -P -o` with SHARE_COLUMNS."""
    rows: list[ShareRow] = []
    bad = BadRows()
    path: list[str] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            row, depth = _row(line, path)
        except SlurmParseError as exc:
            bad.append(bad_row(line, exc))
            # What stands below this row must not be taken for a child of the row above it.
            path = path[: _depth(line)]
            continue
        rows.append(row)
        if not row.user:
            path = [*_padded(path, depth), row.account]
    return Shares(rows=tuple(rows), bad=tuple(bad))


def _row(line: str, path: list[str]) -> tuple[ShareRow, int]:
    field = split_row(line, SHARE_COLUMNS)
    account = field["Account"].strip(" ")
    if not account:
        raise MalformedRowError("a share without an account", line)
    depth = len(field["Account"]) - len(field["Account"].lstrip(" "))
    is_child = not field["User"] and 0 < depth <= len(path)
    row = ShareRow(
        account=account,
        user=field["User"],
        partition=field["Partition"],
        parent_account=path[depth - 1] if is_child else "",
        raw_shares=parse_raw_shares(field["RawShares"]),
        norm_shares=parse_ratio(field["NormShares"]),
        raw_usage_s=parse_ratio(field["RawUsage"]),
        norm_usage=parse_ratio(field["NormUsage"]),
        effective_usage=parse_ratio(field["EffectvUsage"]),
        fair_share=parse_ratio(field["FairShare"]),
        level_fs=parse_ratio(field["LevelFS"]),
        group_tres_minutes=parse_tres_minutes(field["GrpTRESMins"]),
        tres_minutes_used=without_zeros(parse_tres_minutes(field["GrpTRESRaw"])),
        tres_run_minutes=without_zeros(parse_tres_minutes(field["TRESRunMins"])),
    )
    return row, depth


def _depth(line: str) -> int:
    """Give how deep a row stands that could not be read, as far as can be seen."""
    account = line.rpartition("|")[2]
    return len(account) - len(account.lstrip(" "))


def _padded(path: list[str], depth: int) -> list[str]:
    """Give the names above a row; empty where they could not be read."""
    return [*path, *[""] * (depth - len(path))][:depth]
