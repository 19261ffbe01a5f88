"""How many more GPUs may run at once under the limits of accounts and QOS; pure.

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

from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.jobs import NO_GPUS, Job, JobState
from slurmfleet.contracts.shares import QosHeadRoom
from slurmfleet.slurm.associations import Association
from slurmfleet.slurm.qos import Qos
from slurmfleet.slurm.sshare import ShareRow
from slurmfleet.slurm.tres_limits import GPU, GPU_TYPE_PREFIX, gpu_amounts

RUNNING = frozenset({JobState.RUNNING, JobState.SUSPENDED})
LONGEST_PATH = 64
"""Accounts above one another; more can only be a circle."""

AssociationKey = tuple[str, str, str]
"""Account, user (empty: the account), partition (empty: all)."""


@dataclass(slots=True, kw_only=True)
class Held:
    """What runs and waits under one association."""

    jobs: int = 0
    """That run."""

    gpus: int = 0
    """Of jobs that run."""

    gpus_by_type: dict[str, int] = field(default_factory=dict[str, int])
    gpus_pending: int = 0

    def add(self, other: "Held") -> None:
        """Count another's too."""
        self.jobs += other.jobs
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


def _held(count: PartitionCount) -> Held:
    if count.state in RUNNING:
        return Held(jobs=count.jobs, gpus=count.gpus, gpus_by_type=dict(count.gpus_by_type))
    return Held(gpus_pending=count.gpus if count.state is JobState.PENDING else 0)


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
    """The limits of one cluster and what is held against them."""

    def __init__(
        self,
        associations: Sequence[Association],
        *,
        held: Mapping[AssociationKey, Held],
        shares: Iterable[ShareRow] = (),
        enforced: bool | None = None,
    ) -> None:
        """Take limits and use of one moment.

        Args:
            associations: All that are known.
            held: From `held_by`.
            shares: What was used of limits on minutes, where it is known.
            enforced: Whether limits hold at all on this cluster; None where it is not known.
        """
        self._by_key = {key_of(one): one for one in associations}
        self._parents = parents_of(associations)
        self._held = held
        self._shares = {key_of(one): one for one in shares}
        self._enforced = enforced

    def of(self, key: AssociationKey) -> HeadRoom | None:
        """Give an association's head-room; None where its limits are not all known."""
        if self._enforced is False:
            return HeadRoom(gpus=None)
        path = self._path(key)
        if path is None:
            return None
        bounds = [bound for one in path for bound in self._bounds(one)]
        nearest = min(bounds, key=lambda bound: bound.gpus, default=None)
        gpus = nearest.gpus if nearest else None
        return HeadRoom(
            gpus=gpus,
            by_gpu_type=self._by_type(path, gpus),
            bounded_by=nearest.limit if nearest else "",
            # Without word of it, limits are taken to hold.
            at_most=(gpus is None or gpus > 0) and any(map(_has_other_limits, path)),
        )

    def _path(self, key: AssociationKey) -> list[Association] | None:
        """Give the associations that hold a job of this one; None if one of them is not known."""
        account, user, _ = key
        accounts = path_up(account, self._parents)
        keys = [*([key] if user else []), *((one, "", "") for one in accounts)]
        path = [self._by_key[one] for one in keys if one in self._by_key]
        top = accounts[-1] if accounts else ""
        is_whole = len(path) == len(keys) and self._parents.get(top) == ""
        return path if is_whole else None

    def _bounds(self, one: Association) -> Iterable["_Bound"]:
        """Give what each limit that can be judged still leaves."""
        held = self._held.get(key_of(one), Held())
        where = f"user {one.user} in {one.account}" if one.user else f"account {one.account}"
        limit, _ = gpu_amounts(one.group_tres)
        if limit is not None:
            left = max(0, limit - held.gpus)
            yield _Bound(gpus=left, limit=f"{where}: GrpTRES {GPU}={limit}")
        for name, most in (("GrpJobs", one.group_jobs), ("MaxJobs", one.max_jobs)):
            # MaxJobs of an account is what its users get, each for himself.
            if most is not None and held.jobs >= most and (name == "GrpJobs" or one.user):
                yield _Bound(gpus=0, limit=f"{where}: {name}={most}")
        share = self._shares.get(key_of(one))
        if share is not None:
            yield from _spent(one, share, where)

    def _by_type(self, path: Sequence[Association], gpus: int | None) -> Mapping[str, int]:
        """Give what limits on single types leave, never more than for all types."""
        left: dict[str, int] = {}
        for one in path:
            held = self._held.get(key_of(one), Held())
            _, limits = gpu_amounts(one.group_tres)
            for gpu_type, limit in limits.items():
                room = max(0, limit - held.gpus_by_type.get(gpu_type, 0))
                left[gpu_type] = min(left.get(gpu_type, room), room)
        return {one: room if gpus is None else min(room, gpus) for one, room in left.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    gpus: int
    limit: str


def _spent(one: Association, share: ShareRow, where: str) -> Iterable[_Bound]:
    """Give the limits on minutes of which nothing is left: then nothing more starts."""
    for name, limits, used in (
        ("GrpTRESMins", one.group_tres_minutes, share.tres_minutes_used),
        ("GrpTRESRunMins", one.group_tres_run_minutes, share.tres_run_minutes),
    ):
        for tres, limit in limits.items():
            if used.get(tres, 0) >= limit:
                yield _Bound(gpus=0, limit=f"{where}: {name} {tres}={limit}")


def _has_other_limits(one: Association) -> bool:
    """Tell whether something else than GPUs and jobs is limited, whose use is not judged."""
    others = [name for name in one.group_tres if not _names_gpus(name)]
    return bool(others or one.group_tres_minutes or one.group_tres_run_minutes) or (
        one.group_wall_minutes is not None
    )


def _names_gpus(tres: str) -> bool:
    """Tell GPUs from gres/gpumem and gres/gpuutil, which count something else."""
    return tres == GPU or tres.startswith(GPU_TYPE_PREFIX)


def qos_head_rooms(
    association: Association, qualities: Mapping[str, Qos], jobs: Iterable[Job]
) -> tuple[QosHeadRoom, ...]:
    """Give what the limits of each QOS leave a user, sorted by name; unknown QOS are left out.

    Args:
        association: The user's; it names what he may use.
        qualities: By name.
        jobs: Jobs that run and whose QOS is known: all of this user's, some of others'.
    """
    running = [job for job in jobs if job.state in RUNNING]
    return tuple(
        _qos_head_room(association, qualities[name], running)
        for name in sorted(set(association.qos))
        if name in qualities
    )


def _qos_head_room(association: Association, qos: Qos, jobs: Sequence[Job]) -> QosHeadRoom:
    under = [job for job in jobs if job.qos == qos.name]
    own = [job for job in under if job.user == association.user]
    team = [job for job in under if job.account == association.account]
    bounds: list[_Bound] = []
    others_count = False
    for name, limits, counted in (
        ("MaxTRESPU", qos.max_tres_per_user, own),
        ("MaxTRESPA", qos.max_tres_per_account, team),
        ("GrpTRES", qos.group_tres, under),
    ):
        limit, _ = gpu_amounts(limits)
        if limit is None:
            continue
        others_count |= counted is not own
        left = max(0, limit - sum(job.gpu_count for job in counted))
        bounds.append(_Bound(gpus=left, limit=f"{name} {GPU}={limit}"))
    if qos.max_jobs_per_user is not None and len(own) >= qos.max_jobs_per_user:
        bounds.append(_Bound(gpus=0, limit=f"MaxJobsPU={qos.max_jobs_per_user}"))
    nearest = min(bounds, key=lambda bound: bound.gpus, default=None)
    return QosHeadRoom(
        qos=qos.name,
        gpus=nearest.gpus if nearest else None,
        bounded_by=nearest.limit if nearest else "",
        at_most=others_count and (nearest is None or nearest.gpus > 0),
    )
