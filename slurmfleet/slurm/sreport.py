"""Use by account and user, out of sreport.

slurmdbd adds use up once an hour; sreport knows whole hours alone, and nothing of the one that
runs. Its heading tells which time it took, in seconds since 1970 under SLURM_TIME_FORMAT=%s.
Accounts without use have no row, so an empty report is no proof that nothing was used: the
roll-up may not run, or PrivateData may hide it.

Source: sreport(1), AccountUtilizationByUser; recordings `usage*` of Slurm 22.05.8, 24.11.5 and
26.05.5. An unknown TRES in -T empties the whole report with exit status 0: only ALL is safe.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from slurmfleet.slurm.delimited import split_row
from slurmfleet.slurm.errors import MalformedRowError, SlurmParseError
from slurmfleet.slurm.records import BadRow, BadRows, bad_row

USAGE_COLUMNS = ("Login", "TresName", "Used", "Account")
"""As `format=` knows them; the heading above the rows calls the second `TRES Name`."""

_RANGE = re.compile(r"Cluster/Account/User Utilization (\d{1,11}) - (\d{1,11}) \(\d+ secs\)")
_HEADINGS = frozenset({"Login|TRES Name|Used|Account", "Login|TresName|Used|Account"})
_RULE = re.compile(r"-{10,}")
_DIGITS = re.compile(r"\d{1,19}", re.ASCII)
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an account (user empty), or a user in it, used."""

    account: str
    user: str
    tres_seconds: Mapping[str, int]
    """By TRES; `mem` in MB seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """One report."""

    since_at: datetime
    until_at: datetime
    """The moment after it; some versions name the end of the day although it is not over."""

    rows: tuple[Usage, ...]
    bad: tuple[BadRow, ...]


def parse_usage(text: str) -> UsageReport:
    """Read `sreport -P -t Seconds -T ALL cluster AccountUtilizationByUser` with USAGE_COLUMNS.

    Raises:
        MalformedRowError: It has no heading that tells its time in seconds since 1970.
    """
    told = _RANGE.search(text)
    if told is None:
        raise MalformedRowError("a report without its time", text)
    used: dict[tuple[str, str], dict[str, int]] = {}
    bad = BadRows()
    for line in text[told.end() :].split("\n"):
        if not line.strip() or _is_heading(line):
            continue
        try:
            _add(line, used)
        except SlurmParseError as exc:
            bad.append(bad_row(line, exc))
    return UsageReport(
        since_at=datetime.fromtimestamp(int(told[1]), tz=UTC),
        until_at=datetime.fromtimestamp(int(told[2]), tz=UTC) + timedelta(seconds=1),
        rows=tuple(
            Usage(account=account, user=user, tres_seconds=amounts)
            for (account, user), amounts in used.items()
        ),
        bad=tuple(bad),
    )


def _is_heading(line: str) -> bool:
    return line in _HEADINGS or line.startswith("Usage reported in ") or bool(_RULE.fullmatch(line))


def _add(line: str, used: dict[tuple[str, str], dict[str, int]]) -> None:
    """Add a row; a user with an association in each of several partitions has several."""
    field = split_row(line, USAGE_COLUMNS)
    account = field["Account"].strip(" ")
    if not account or not field["TresName"]:
        raise MalformedRowError("use without an account or a TRES", line)
    if not _DIGITS.fullmatch(field["Used"]):
        raise MalformedRowError("use that is no number of seconds", line)
    amounts = used.setdefault((account, field["Login"]), {})
    before = amounts.get(field["TresName"], 0)
    amounts[field["TresName"]] = min(before + int(field["Used"]), _LARGEST)
