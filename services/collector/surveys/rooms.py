"""What all limits together leave, by Slurm's precedence; pure.

Partition QOS, job QOS, the user's association, then the accounts above up to root: of each limit
the first that is set holds, and what comes later gives way; a job's QOS with the flag OverPartQOS
comes before the partition's. Associations are one step: all their limits on groups hold together.
MaxJobs of an association also gives way to limits per account of a QOS, and so does MaxSubmit.

Source: https://slurm.schedmd.com/resource_limits.html, "Hierarchy"; src/slurmctld/acct_policy.c,
acct_policy_set_qos_order, _acct_policy_validate, acct_policy_job_runnable_pre_select,
acct_policy_job_runnable_post_select, 22.05 to 24.11.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.collector.surveys.headroom import HeadRooms, has_other_limits, key_of
from services.collector.surveys.limit_uses import described, gpus_left, nearest_limits
from services.collector.surveys.qos_limits import QosLimits, QosUses, Slot
from slurmfleet.contracts.shares import LimitUse, Room
from slurmfleet.slurm.associations import Association
from slurmfleet.slurm.partitions import Partition
from slurmfleet.slurm.qos import Qos
from slurmfleet.slurm.tres_limits import CPU, MEMORY, NODE

OVER_PARTITION = "OverPartQOS"
MOST_ROOMS = 64
"""Told of one user; a site with more combinations of QOS and partition tells the first."""

_GIVE_WAY: Mapping[str, tuple[str, ...]] = {
    "MaxJobs": ("MaxJobsPU", "MaxJobsPA"),
    "MaxSubmit": ("MaxSubmitPU", "MaxSubmitPA"),
}
"""Limits of associations that have other names in a QOS."""

_NEEDED = frozenset({CPU, MEMORY, NODE})


class Rooms:
    """Makes the rooms of one cluster's associations at one moment."""

    def __init__(
        self,
        head_rooms: HeadRooms,
        *,
        uses: QosUses,
        qualities: Mapping[str, Qos],
        partitions: Sequence[Partition] | None,
    ) -> None:
        """Take limits and use.

        Args:
            head_rooms: Limits of associations.
            uses: What is held under each QOS.
            qualities: All QOS, by name.
            partitions: All that are known; None where they were not told.
        """
        self._head_rooms = head_rooms
        self._uses = uses
        self._qualities = qualities
        self._partitions = partitions

    def of(self, one: Association, *, is_followed: bool) -> tuple[Room, ...]:
        """Give the rooms of an association; none where not all accounts above it are known.

        Args:
            one: An account's or a user's.
            is_followed: Whether all jobs of the user are known, so that QOS can be judged.
        """
        path = self._head_rooms.path(key_of(one))
        if path is None:
            return ()
        if not one.user or not is_followed:
            # A QOS may limit a user too, and may lift limits of his association.
            return (self._room(path, Room(at_most=bool(one.user)), ()),)
        rooms: list[Room] = []
        for name in sorted(set(one.qos) & self._qualities.keys()):
            qos = self._qualities[name]
            if not one.partition:
                room = Room(qos=name, at_most=self._partitions is None)
                rooms.append(self._room(path, room, self._told(one, qos)))
            rooms += self._in_partitions(one, qos, path)
        return tuple(rooms[:MOST_ROOMS])

    def _in_partitions(
        self, one: Association, qos: Qos, path: Sequence[Association]
    ) -> Iterable[Room]:
        """Give the rooms in partitions that have a QOS of their own, or an association has."""
        accounts = {above.account for above in path}
        for partition in self._partitions or ():
            is_apart = one.partition == partition.name if one.partition else bool(partition.qos)
            if not is_apart or not _admits(partition, accounts, qos.name):
                continue
            own = self._qualities.get(partition.qos)
            room = Room(
                qos=qos.name,
                partition=partition.name,
                at_most=own is None and bool(partition.qos),
            )
            yield self._room(path, room, self._told(one, *_in_order(qos, own)))

    def _told(self, user: Association, *steps: Qos) -> Sequence[QosLimits]:
        return [self._uses.limits_of(step, user) for step in steps]

    def _room(self, path: Sequence[Association], room: Room, told: Sequence[QosLimits]) -> Room:
        """Complete a room, whose `at_most` says whether some limits are not known at all."""
        limits = in_force(told, self._head_rooms.limits_on(path))
        bound = gpus_left(limits)
        may_be_less = (
            room.at_most
            or not all(one.is_whole for one in told)
            or any(map(has_other_limits, path))
            or any(one.used_at_least or one.tres in _NEEDED for one in limits)
        )
        return replace(
            room,
            gpus=bound.gpus,
            bounded_by=described(bound.nearest) if bound.nearest else "",
            at_most=bound.gpus != 0 and may_be_less,
            limits=nearest_limits(limits),
        )


def _in_order(qos: Qos, own: Qos | None) -> Sequence[Qos]:
    """Give the QOS of a job and of its partition, the one whose limits come first in front."""
    if own is None or own.name == qos.name:
        return (qos,)
    return (qos, own) if OVER_PARTITION in qos.flags else (own, qos)


def in_force(
    steps: Iterable[QosLimits], of_associations: Iterable[LimitUse]
) -> tuple[LimitUse, ...]:
    """Give the limits that hold, of all that the steps of the hierarchy set.

    Args:
        steps: QOS, the one that comes first in front.
        of_associations: From the user's association up to root.
    """
    limits: list[LimitUse] = []
    taken: set[Slot] = set()
    for step in steps:
        limits += [one for one in step.limits if (one.name, one.tres) not in taken]
        taken |= step.slots
    limits += [one for one in of_associations if not _gives_way(one, taken)]
    return tuple(limits)


def _gives_way(limit: LimitUse, taken: Iterable[Slot]) -> bool:
    names = _GIVE_WAY.get(limit.name, (limit.name,))
    return any((name, limit.tres) in taken for name in names)


def _admits(partition: Partition, accounts: Iterable[str], qos: str) -> bool:
    """Tell whether a partition's lists let in jobs of an account, or of one above, under a QOS."""
    allowed, denied = set(partition.allow_accounts), set(partition.deny_accounts)
    if allowed and allowed.isdisjoint(accounts):
        return False
    if not allowed and not denied.isdisjoint(accounts):
        return False
    if partition.allow_qos:
        return qos in partition.allow_qos
    return qos not in partition.deny_qos
