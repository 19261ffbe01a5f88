"""The limits of QOS with what is used of them; pure.

A job counts under its own QOS and under the one of its partition. Jobs of others are known as far
as they are followed, so limits on an account or on everybody may be used more than is told.

Source: https://slurm.schedmd.com/qos.html, "Partition QOS"; src/slurmctld/acct_policy.c,
_adjust_limit_usage, 22.05 to 24.11.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.collector.surveys.limit_uses import described, gpus_left, is_counted
from services.collector.surveys.seats import RUNNING, Seat, Use, use_of
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.shares import LimitUse, QosHeadRoom
from slurmfleet.slurm.associations import Association
from slurmfleet.slurm.qos import Qos
from slurmfleet.slurm.tres_limits import MEMORY

RELATIVE = "Relative"
"""Flag of a QOS whose limits are percentages of its partition or cluster (24.05 and later)."""

Slot = tuple[str, str]
"""Name of a limit and what it limits: of each, the first that is set in the hierarchy holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QosLimits:
    """What one QOS says to the jobs of one user."""

    slots: frozenset[Slot]
    """Every limit that it sets, judged or not: what comes later in the hierarchy gives way."""

    limits: tuple[LimitUse, ...]
    """Those whose use is known."""

    is_whole: bool
    """Whether these are all that it sets."""


class QosUses:
    """What is held under each QOS of one cluster."""

    def __init__(
        self,
        seats: Sequence[Seat],
        population: Iterable[PartitionCount],
        partition_qos: Mapping[str, str],
    ) -> None:
        """Take what counts at one moment.

        Args:
            seats: Followed jobs: all of a followed user's, some of others'.
            population: Everybody's jobs, by which is told whether all of an account are known.
            partition_qos: The QOS that a partition has of its own, by its name.
        """
        self._by_qos: defaultdict[str, list[Seat]] = defaultdict(list)
        for seat in seats:
            own = {partition_qos.get(one, "") for one in seat.job.partition.split(",")}
            for name in {seat.job.qos, *own} - {""}:
                self._by_qos[name].append(seat)
        self._unseen = _unseen(seats, population)

    def limits_of(self, qos: Qos, association: Association) -> QosLimits:
        """Give the limits of a QOS on the jobs of one association's user."""
        under = self._by_qos.get(qos.name, [])
        own = use_of(seat for seat in under if seat.job.user == association.user)
        team = use_of(seat for seat in under if seat.job.account == association.account)
        everybody = use_of(under)
        account = association.account
        groups = (
            (f"user {association.user} under QOS {qos.name}", own, False, _of_user(qos)),
            (
                f"account {account} under QOS {qos.name}",
                team,
                self._unseen.get(account, 0) > 0,
                _of_account(qos),
            ),
            (f"QOS {qos.name}", everybody, any(self._unseen.values()), _of_group(qos)),
        )
        slots: set[Slot] = {(name, tres) for name, limits in _untold(qos) for tres in limits}
        is_whole = not slots
        limits: list[LimitUse] = []
        for owner, use, others, told in groups:
            for name, tres, allowed in told:
                slots.add((name, tres))
                if tres and (RELATIVE in qos.flags or not is_counted(tres)):
                    is_whole = False
                    continue
                limits.append(_limit(name, tres, allowed, owner=owner, use=use, others=others))
        return QosLimits(slots=frozenset(slots), limits=tuple(limits), is_whole=is_whole)


def _unseen(seats: Iterable[Seat], population: Iterable[PartitionCount]) -> Mapping[str, int]:
    """Give how many jobs of each account are in the queue and not among the followed ones."""
    unseen: defaultdict[str, int] = defaultdict(int)
    for count in population:
        if count.state in RUNNING or count.state is JobState.PENDING:
            unseen[count.account] += count.jobs
    for seat in seats:
        unseen[seat.job.account] -= seat.submitted
    return {account: jobs for account, jobs in unseen.items() if jobs > 0}


_Told = Iterable[tuple[str, str, int]]


def _of_user(qos: Qos) -> _Told:
    yield from (("MaxTRESPU", tres, most) for tres, most in qos.max_tres_per_user.items())
    yield from _counts(MaxJobsPU=qos.max_jobs_per_user, MaxSubmitPU=qos.max_submit_jobs_per_user)


def _of_account(qos: Qos) -> _Told:
    yield from (("MaxTRESPA", tres, most) for tres, most in qos.max_tres_per_account.items())
    yield from _counts(
        MaxJobsPA=qos.max_jobs_per_account, MaxSubmitPA=qos.max_submit_jobs_per_account
    )


def _of_group(qos: Qos) -> _Told:
    yield from (("GrpTRES", tres, most) for tres, most in qos.group_tres.items())
    yield from _counts(GrpJobs=qos.group_jobs, GrpSubmit=qos.group_submit_jobs)


def _counts(**limits: int | None) -> _Told:
    return ((name, "", most) for name, most in limits.items() if most is not None)


def _untold(qos: Qos) -> Iterable[tuple[str, Iterable[str]]]:
    """Give the limits of a QOS whose use no command tells to everybody."""
    yield "GrpTRESMins", qos.group_tres_minutes
    yield "GrpTRESRunMins", qos.group_tres_run_minutes
    yield "GrpWall", [""] if qos.group_wall_minutes is not None else []


def _limit(name: str, tres: str, allowed: int, *, owner: str, use: Use, others: bool) -> LimitUse:
    counted = use.of(tres) if tres else use.submitted if "Submit" in name else use.running
    return LimitUse(
        name=name,
        tres=tres,
        owner=owner,
        used=counted,
        allowed=allowed,
        used_at_least=others or (tres == MEMORY and not use.is_memory_told),
    )


def qos_head_rooms(
    association: Association, qualities: Mapping[str, Qos], uses: QosUses
) -> tuple[QosHeadRoom, ...]:
    """Give what the limits of each QOS leave a user by themselves, sorted by name.

    Args:
        association: The user's; it names what he may use.
        qualities: By name; those that are not known are left out.
        uses: What is held under each.
    """
    return tuple(
        _qos_head_room(name, uses.limits_of(qualities[name], association))
        for name in sorted(set(association.qos))
        if name in qualities
    )


def _qos_head_room(name: str, told: QosLimits) -> QosHeadRoom:
    bound = gpus_left(told.limits)
    return QosHeadRoom(
        qos=name,
        gpus=bound.gpus,
        bounded_by=described(bound.nearest, with_owner=False) if bound.nearest else "",
        at_most=bound.gpus != 0
        and (not told.is_whole or any(one.used_at_least for one in told.limits)),
    )
