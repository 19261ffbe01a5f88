"""The limits of accounts and users, what is used of them, and how many more GPUs may run; pure.

A limit on a group (GrpTRES, GrpJobs) holds an account with all below it, and all such limits on
the way up to root hold together. What counts against them is what runs, suspended jobs included.
A limit that cannot be judged is told (`at_most`), and an account that is not known on the way up
leaves nothing to say: no evidence is not the absence of limits.

Source: https://slurm.schedmd.com/resource_limits.html; what Slurm 22.05.8 counts was compared with
`scontrol show assoc_mgr`: a suspended job still counts, one that was cancelled at once does not.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.collector.surveys.limit_uses import (
    described,
    gpus_left,
    gpus_left_by_type,
    is_counted,
)
from services.collector.surveys.seats import RUNNING, Seat, Use
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.jobs import NO_GPUS, JobState
from slurmfleet.contracts.shares import LimitUse
from slurmfleet.slurm.associations import Association
from slurmfleet.slurm.sshare import ShareRow
from slurmfleet.slurm.tres_limits import GPU, GPU_TYPE_PREFIX, MEMORY

LONGEST_PATH = 64
"""Accounts above one another; more can only be a circle."""

AssociationKey = tuple[str, str, str]
"""Account, user (empty: the account), partition (empty: all)."""

NO_USE: Mapping[AssociationKey, Use] = {}


@dataclass(slots=True, kw_only=True)
class Held:
    """What runs and waits under one association."""

    jobs: int = 0
    """That run."""

    submitted: int = 0
    """That run or wait."""

    gpus: int = 0
    """Of jobs that run."""

    gpus_by_type: dict[str, int] = field(default_factory=dict[str, int])
    gpus_pending: int = 0

    def add(self, other: "Held") -> None:
        """Count another's too."""
        self.jobs += other.jobs
        self.submitted += other.submitted
        self.gpus += other.gpus
        self.gpus_pending += other.gpus_pending
        for gpu_type, gpus in other.gpus_by_type.items():
            self.gpus_by_type[gpu_type] = self.gpus_by_type.get(gpu_type, 0) + gpus


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRoom:
    """How many more GPUs may run under one association."""

    gpus: int | None
    """None: no limit."""

    by_gpu_type: Mapping[str, int] = field(default_factory=lambda: NO_GPUS)
    bounded_by: str = ""
    at_most: bool = False


def key_of(association: Association | ShareRow) -> AssociationKey:
    """Give what tells an association from others."""
    return association.account, association.user, association.partition


def held_by(
    population: Iterable[PartitionCount], rows: Iterable[Association | ShareRow]
) -> Mapping[AssociationKey, Held]:
    """Add up what runs and waits under each association, accounts with all below them.

    A user may have an association for one partition beside the one for all; each job counts under
    the one that Slurm takes for it, which is the partition's.
    """
    listed = tuple(rows)
    parents = parents_of(listed)
    special = {key_of(one) for one in listed if one.partition}
    held: defaultdict[AssociationKey, Held] = defaultdict(Held)
    for count in population:
        one = _held(count)
        own = (count.account, count.user, count.partition)
        held[own if own in special else (count.account, count.user, "")].add(one)
        for account in path_up(count.account, parents):
            held[account, "", ""].add(one)
    return held


def used_by(
    seats: Iterable[Seat], rows: Iterable[Association | ShareRow]
) -> Mapping[AssociationKey, Use]:
    """Add up what followed jobs hold under each association, likewise."""
    listed = tuple(rows)
    parents = parents_of(listed)
    special = {key_of(one) for one in listed if one.partition}
    used: defaultdict[AssociationKey, Use] = defaultdict(Use)
    for seat in seats:
        job = seat.job
        own = (job.account, job.user, job.partition)
        used[own if own in special else (job.account, job.user, "")].add(seat)
        for account in path_up(job.account, parents):
            used[account, "", ""].add(seat)
    return used


def _held(count: PartitionCount) -> Held:
    if count.state in RUNNING:
        return Held(
            jobs=count.jobs,
            submitted=count.jobs,
            gpus=count.gpus,
            gpus_by_type=dict(count.gpus_by_type),
        )
    if count.state is JobState.PENDING:
        return Held(submitted=count.jobs, gpus_pending=count.gpus)
    return Held()


def parents_of(rows: Iterable[Association | ShareRow]) -> Mapping[str, str]:
    """Give the account above each account; empty above root."""
    return {one.account: one.parent_account for one in rows if not one.user}


def path_up(account: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    """Give an account and those above it, as far as they are known."""
    path: list[str] = []
    while account and account not in path and len(path) < LONGEST_PATH:
        path.append(account)
        account = parents.get(account, "")
    return tuple(path)


class HeadRooms:
    """The limits of one cluster's associations and what is held against them."""

    def __init__(
        self,
        associations: Sequence[Association],
        *,
        held: Mapping[AssociationKey, Held],
        used: Mapping[AssociationKey, Use] = NO_USE,
        shares: Iterable[ShareRow] = (),
        enforced: bool | None = None,
    ) -> None:
        """Take limits and use of one moment.

        Args:
            associations: All that are known.
            held: From `held_by`: jobs and GPUs of everybody.
            used: From `used_by`: what followed jobs hold besides.
            shares: What was used of limits on minutes, where it is known.
            enforced: Whether limits hold at all on this cluster; None where it is not known.
        """
        self._by_key = {key_of(one): one for one in associations}
        self._parents = parents_of(associations)
        self._held = held
        self._used = used
        self._shares = {key_of(one): one for one in shares}
        self._enforced = enforced

    def of(self, key: AssociationKey) -> HeadRoom | None:
        """Give an association's head-room; None where its limits are not all known."""
        if self._enforced is False:
            return HeadRoom(gpus=None)
        path = self.path(key)
        if path is None:
            return None
        limits = self.limits_on(path)
        bound = gpus_left(limits)
        return HeadRoom(
            gpus=bound.gpus,
            by_gpu_type=gpus_left_by_type(limits, bound.gpus),
            bounded_by=described(bound.nearest) if bound.nearest else "",
            # Without word of it, limits are taken to hold.
            at_most=bound.gpus != 0 and any(map(has_other_limits, path)),
        )

    def path(self, key: AssociationKey) -> Sequence[Association] | None:
        """Give the associations that hold a job of this one; None if one of them is not known."""
        account, user, _ = key
        accounts = path_up(account, self._parents)
        keys = [*([key] if user else []), *((one, "", "") for one in accounts)]
        path = [self._by_key[one] for one in keys if one in self._by_key]
        top = accounts[-1] if accounts else ""
        is_whole = len(path) == len(keys) and self._parents.get(top) == ""
        return path if is_whole else None

    def limits_on(self, path: Iterable[Association]) -> tuple[LimitUse, ...]:
        """Give all limits of some associations that can be judged, with what is used of each."""
        return tuple(limit for one in path for limit in self._limits(one))

    def _limits(self, one: Association) -> Iterable[LimitUse]:
        held = self._held.get(key_of(one), Held())
        owner = f"user {one.user} in {one.account}" if one.user else f"account {one.account}"
        for tres, allowed in one.group_tres.items():
            if is_counted(tres):
                yield self._of_tres(one, tres, allowed, owner)
        counts: list[tuple[str, int | None, int]] = [
            ("GrpJobs", one.group_jobs, held.jobs),
            ("GrpSubmit", one.group_submit_jobs, held.submitted),
        ]
        if one.user:
            # Those of an account are what its users get, each for himself.
            counts.append(("MaxJobs", one.max_jobs, held.jobs))
            counts.append(("MaxSubmit", one.max_submit_jobs, held.submitted))
        for name, allowed, used in counts:
            if allowed is not None:
                yield LimitUse(name=name, owner=owner, used=used, allowed=allowed)
        share = self._shares.get(key_of(one))
        if share is not None:
            yield from _minutes(one, share, owner)

    def _of_tres(self, one: Association, tres: str, allowed: int, owner: str) -> LimitUse:
        """Give a limit on what runs; GPUs are counted for everybody, the rest for followed jobs."""
        held = self._held.get(key_of(one), Held())
        if tres == GPU or tres.startswith(GPU_TYPE_PREFIX):
            gpu_type = tres.removeprefix(GPU_TYPE_PREFIX)
            used = held.gpus if tres == GPU else held.gpus_by_type.get(gpu_type, 0)
            return LimitUse(name="GrpTRES", tres=tres, owner=owner, used=used, allowed=allowed)
        use = self._used.get(key_of(one), Use())
        return LimitUse(
            name="GrpTRES",
            tres=tres,
            owner=owner,
            used=use.of(tres),
            allowed=allowed,
            used_at_least=use.running < held.jobs or (tres == MEMORY and not use.is_memory_told),
        )


def _minutes(one: Association, share: ShareRow, owner: str) -> Iterable[LimitUse]:
    """Give the limits on minutes: when one is used up nothing more starts."""
    for name, limits, used in (
        ("GrpTRESMins", one.group_tres_minutes, share.tres_minutes_used),
        ("GrpTRESRunMins", one.group_tres_run_minutes, share.tres_run_minutes),
    ):
        for tres, allowed in limits.items():
            yield LimitUse(
                name=name, tres=tres, owner=owner, used=used.get(tres, 0), allowed=allowed
            )


def has_other_limits(one: Association) -> bool:
    """Tell whether something else is limited that a job with GPUs needs too."""
    others = [name for name in one.group_tres if not _names_gpus(name)]
    return bool(others or one.group_tres_minutes or one.group_tres_run_minutes) or (
        one.group_wall_minutes is not None
    )


def _names_gpus(tres: str) -> bool:
    """Tell GPUs from gres/gpumem and gres/gpuutil, which count something else."""
    return tres == GPU or tres.startswith(GPU_TYPE_PREFIX)
