"""Commands that ask for shares, limits and use, as argument lists.

What each costs: sshare and the partitions one request to the controller each, `scontrol show
config` two; each sacctmgr and
sreport one conversation with the accounting database, and none with the controller. sshare lists
all accounts and, by -u, no other users than those that were asked for; the same is had of sacctmgr
by asking twice, for the associations of no user (`user=`) and for those of some. sreport's
Accounts= takes in what lies below an account.

Source: sshare(1), sacctmgr(1), sreport(1); seen on Slurm 22.05.8, 24.11.5 and 26.05.5.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta

from slurmfleet.contracts.sections import SectionName
from slurmfleet.slurm.associations import ASSOCIATION_COLUMNS
from slurmfleet.slurm.commands import ACCOUNTING_LIMIT_S, QUEUE_LIMIT_S, Section
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.qos import QOS_COLUMNS
from slurmfleet.slurm.sreport import USAGE_COLUMNS
from slurmfleet.slurm.sshare import SHARE_COLUMNS

TODAY = "today"
"""Name of the section that tells the login node's date."""

_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,127}")
_CLUSTER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def config_section(*, limit_s: float = QUEUE_LIMIT_S) -> Section:
    """Ask the controller for its settings."""
    argv = ("scontrol", "show", "config")
    return Section(name=SectionName.CONFIG, argv=argv, limit_s=limit_s)


def partitions_section(*, limit_s: float = QUEUE_LIMIT_S) -> Section:
    """Ask the controller for all partitions, hidden ones too: each may have a QOS of its own."""
    argv = ("scontrol", "-a", "-o", "show", "partition")
    return Section(name=SectionName.PARTITIONS, argv=argv, limit_s=limit_s)


def shares_section(users: Iterable[str], *, limit_s: float = QUEUE_LIMIT_S) -> Section:
    """Ask for the fair-share of all accounts and of these users; one that is unknown is ignored.

    Raises:
        UnsafeArgumentError: No user is named, or one is no login name.
    """
    names = _listed(users, _LOGIN, "a login name")
    argv = ("sshare", "-n", "-P", "-u", names, "-o", ",".join(SHARE_COLUMNS))
    return Section(name=SectionName.SHARES, argv=argv, limit_s=limit_s)


def account_associations_section(cluster: str, *, limit_s: float = ACCOUNTING_LIMIT_S) -> Section:
    """Ask for the associations of accounts themselves.

    Raises:
        UnsafeArgumentError: The cluster has no name that Slurm would give one.
    """
    return _associations(SectionName.ASSOCIATIONS, cluster, "user=", limit_s)


def user_associations_section(
    cluster: str, users: Iterable[str], *, limit_s: float = ACCOUNTING_LIMIT_S
) -> Section:
    """Ask for the associations of these users, in every account.

    Raises:
        UnsafeArgumentError: No user is named, or one is no login name.
    """
    who = f"user={_listed(users, _LOGIN, 'a login name')}"
    return _associations(SectionName.USER_ASSOCIATIONS, cluster, who, limit_s)


def _associations(name: SectionName, cluster: str, who: str, limit_s: float) -> Section:
    where = f"cluster={_listed((cluster,), _CLUSTER, 'a cluster of Slurm')}"
    columns = f"format={','.join(ASSOCIATION_COLUMNS)}"
    argv = ("sacctmgr", "-r", "-n", "-P", "show", "assoc", "where", where, who, columns)
    return Section(name=name, argv=argv, limit_s=limit_s)


def qos_section(*, limit_s: float = ACCOUNTING_LIMIT_S) -> Section:
    """Ask for all QOS with their limits; there are a few dozen at most."""
    columns = f"format={','.join(QOS_COLUMNS)}"
    argv = ("sacctmgr", "-r", "-n", "-P", "show", "qos", columns)
    return Section(name=SectionName.QOS, argv=argv, limit_s=limit_s)


def today_section(*, limit_s: float = 10.0) -> Section:
    """Ask the login node which day it is there; costs Slurm nothing."""
    return Section(name=TODAY, argv=("date", "+%Y-%m-%d"), limit_s=limit_s)


def usage_section(
    day: date, accounts: Iterable[str], *, days_ago: int, limit_s: float = ACCOUNTING_LIMIT_S
) -> Section:
    """Ask what accounts, all below them and their users used on one day of the login node.

    The section is named `usage-0` for today, `usage-1` for yesterday, …

    Raises:
        UnsafeArgumentError: No account is named, or one is no account's name.
    """
    names = _listed(accounts, _ACCOUNT, "a Slurm account")
    # With a start alone sreport takes the end of yesterday for its end.
    argv = (
        *("sreport", "-P", "-t", "Seconds", "-T", "ALL"),
        *("cluster", "AccountUtilizationByUser"),
        *(f"start={day.isoformat()}", f"end={(day + timedelta(days=1)).isoformat()}"),
        *(f"accounts={names}", f"format={','.join(USAGE_COLUMNS)}"),
    )
    return Section(name=f"{SectionName.USAGE}-{days_ago}", argv=argv, limit_s=limit_s)


def is_login(name: str) -> bool:
    """Tell whether a name may be asked about."""
    return _LOGIN.fullmatch(name) is not None


def is_account(name: str) -> bool:
    """Tell whether an account may be asked about."""
    return _ACCOUNT.fullmatch(name) is not None


def _listed(names: Iterable[str], grammar: re.Pattern[str], kind: str) -> str:
    listed = tuple(dict.fromkeys(names))
    for name in listed or ("",):
        if not grammar.fullmatch(name):
            raise UnsafeArgumentError(kind, name)
    return ",".join(listed)
