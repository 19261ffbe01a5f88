"""What the surveys of shares, limits and use learn from one another, and about whom they ask.

A site may have thousands of accounts and users. Facts are told of the accounts of tracked users,
of tracked accounts and what is below them, of all accounts above these, and of their siblings
(whom one competes with), the ones that used most first, up to MOST_ACCOUNTS. Users are tracked
ones, the one whose login is used, and those who have jobs in tracked accounts, up to MOST_USERS.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.collector.desk import Desk
from services.collector.surveys.headroom import parents_of, path_up
from slurmfleet.slurm.associations import Association
from slurmfleet.slurm.config import SlurmConfig
from slurmfleet.slurm.partitions import Partition
from slurmfleet.slurm.qos import Qos
from slurmfleet.slurm.share_commands import is_login
from slurmfleet.slurm.sshare import ShareRow

MOST_ACCOUNTS = 500
MOST_USERS = 200
LIMITS_HOLD_S = 3 * 1800
"""How long limits that could not be read again are believed: three of their own intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Associations and QOS as they were last read."""

    read_at: datetime
    config: SlurmConfig
    associations: tuple[Association, ...]
    """Of all accounts, and of the users that were asked about."""

    qualities: Mapping[str, Qos]
    partitions: tuple[Partition, ...] | None = None
    """With the QOS of their own; None where they were not told."""


class ShareBook:
    """One cluster's shares and limits as they were last read; three surveys share it."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.shares: tuple[ShareRow, ...] = ()
        self.limits: Limits | None = None

    def limits_at(self, now: datetime) -> Limits | None:
        """Give the limits; None where they were never read, or too long ago."""
        if self.limits is None:
            return None
        age = now - self.limits.read_at
        return self.limits if age <= timedelta(seconds=LIMITS_HOLD_S) else None

    def accounts_of(self, users: Iterable[str]) -> frozenset[str]:
        """Give the accounts in which one of the users is, as far as is known."""
        asked = set(users)
        rows = (*self.shares, *(self.limits.associations if self.limits else ()))
        return frozenset(row.account for row in rows if row.user in asked)


def tracked_users(desk: Desk) -> tuple[str, ...]:
    """Give the tracked users and the one whose login is used, whose own share always matters."""
    return tuple(dict.fromkeys((*desk.config.track_users, desk.probe.user)))


def tracked_accounts(desk: Desk) -> tuple[str, ...]:
    """Give the tracked accounts in lower case, as Slurm keeps them."""
    return tuple(dict.fromkeys(one.lower() for one in desk.config.track_accounts))


def users_to_ask(desk: Desk) -> tuple[str, ...]:
    """Give the users to ask about: tracked ones, and those with jobs in tracked accounts."""
    accounts = set(tracked_accounts(desk))
    team = sorted({one.user for one in desk.known.population or () if one.account in accounts})
    names = dict.fromkeys((*tracked_users(desk), *team))
    return tuple(name for name in names if is_login(name))[:MOST_USERS]


def accounts_to_tell(
    rows: Sequence[Association | ShareRow],
    *,
    own: Iterable[str],
    followed: Iterable[str],
    weights: Mapping[str, float],
) -> frozenset[str]:
    """Choose the accounts that facts are told of.

    Args:
        rows: The tree.
        own: Accounts of the users that matter.
        followed: Tracked accounts, of which the ones below matter as well.
        weights: What each account used; the heavier siblings are told first.
    """
    parents = parents_of(rows)
    whole = [account for account in followed if account in parents]
    chosen = {one for account in (*own, *whole) for one in path_up(account, parents)}
    chosen |= {one for one in parents if not set(path_up(one, parents)).isdisjoint(whole)}
    above = {parents[one] for one in chosen if one in parents} - {""}
    siblings = [one for one, parent in parents.items() if parent in above and one not in chosen]
    siblings.sort(key=lambda one: (-weights.get(one, 0.0), one))
    room = max(0, MOST_ACCOUNTS - len(chosen))
    return frozenset(chosen | set(siblings[:room]))
