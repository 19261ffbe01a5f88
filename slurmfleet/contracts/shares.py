"""Who may use how much, and who has used how much: associations, QOS, use.

Source: sshare(1), sacctmgr(1), sreport(1); https://slurm.schedmd.com/resource_limits.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from slurmfleet.contracts.nouns import Noun, instant
from slurmfleet.contracts.sample import NOTHING, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class QosHeadRoom:
    """How many more GPUs a user's jobs may hold under one QOS, by the limits of the QOS alone."""

    qos: str
    gpus: int | None = None
    """None: the QOS sets no limit on GPUs."""

    bounded_by: str = ""
    """The limit that is nearest: `MaxTRESPU gres/gpu=4`."""

    at_most: bool = False
    """Others' use counts too and is not known in full: it may be less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """One limit, whose it is, and how far it is used."""

    name: str
    """In Slurm's word: `GrpTRES`, `MaxTRESPU`, `GrpJobs`, `MaxSubmitPU`, `GrpTRESMins`."""

    tres: str = ""
    """What is limited: `cpu`, `mem` in MiB, `node`, `gres/gpu`; empty: jobs."""

    owner: str
    """`account bio`, `user carol in bio`, `QOS capped`, `account bio under QOS capped`."""

    used: int
    allowed: int
    used_at_least: bool = False
    """Others' jobs count too and are not all known: it may be more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the limits leave to jobs under one QOS in one partition, all of them together."""

    qos: str = ""
    """Empty: of an account or of somebody whose jobs are not all followed; no QOS is judged."""

    partition: str = ""
    """A partition with a QOS of its own; empty: the other partitions."""

    gpus: int | None = None
    """How many more GPUs may run; None: no limit."""

    bounded_by: str = ""
    """The limit that is nearest: `account bio: GrpTRES gres/gpu=6`; empty: none."""

    at_most: bool = False
    """It may be less: some limits or some use are not known, or limit what GPUs come with."""

    limits: tuple[LimitUse, ...] = ()
    """Of each resource the limit that binds first, jobs that run and jobs that are submitted
    included; sorted by name and resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareSampled(Sample):
    """One association: an account, or a user in an account.

    `sshare` tells fair-share and head-room, `sacctmgr` limits and head-room, `opensearch` what a
    site grants; what a source does not tell is None or empty.
    """

    noun: ClassVar[Noun] = Noun.SHARE

    account: str
    user: str = ""
    """Empty: the account as a whole."""

    partition: str = ""
    """Empty: in every partition."""

    parent_account: str = ""
    """Empty for root, and for users, who stand in `account`."""

    raw_shares: int | None = None
    """None: the parent's shares are used (fairshare=parent)."""

    norm_shares: float | None = None
    raw_usage_s: float | None = None
    """Decayed use in billing-weighted TRES seconds."""

    norm_usage: float | None = None
    effective_usage: float | None = None
    fair_share: float | None = None
    level_fs: float | None = None
    """Above 1: used less than its share; infinity for one that has used nothing."""

    group_tres: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Limits on what runs at once, by TRES: `cpu`, `mem` in MiB, `gres/gpu`, `gres/gpu:h100`."""

    group_tres_minutes: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    group_tres_run_minutes: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    tres_run_minutes: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """What running jobs may still use up to their limits."""

    max_tres_per_job: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    group_jobs: int | None = None
    group_submit_jobs: int | None = None
    group_wall_minutes: int | None = None
    max_jobs: int | None = None
    max_submit_jobs: int | None = None
    max_wall_minutes: int | None = None
    qos: tuple[str, ...] = ()
    default_qos: str = ""
    gpus_running: int | None = None
    """By the queue; None where it was not told."""

    gpus_pending: int | None = None
    gpu_head_room: int | None = None
    """How many more GPUs may run at once here and in all accounts above; None: no limit, provided
    that `head_room_told`."""

    gpus_allocated: float | None = None
    """Formally granted, where a site keeps such a number (OpenSearch)."""

    gpus_consumed: float | None = None
    gpus_consumed_normal: float | None = None
    gpus_consumed_free: float | None = None
    fair_share_gpus_available: float | None = None
    gpus_pending_eligible: float | None = None
    tres_minutes_used: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Decayed use, what `group_tres_minutes` is held against; without zeros."""

    head_room_told: bool = False
    """Whether limits and queue are both known; else nothing follows from an absent head-room."""

    head_room_at_most: bool = False
    """Limits hold too whose use is not known (CPUs, memory, billing): it may be less."""

    head_room_bounded_by: str = ""
    """The limit that is nearest: `account bio: GrpTRES gres/gpu=6`; empty: none."""

    head_room_by_gpu_type: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Where a limit is on one type of GPU; never more than `gpu_head_room`."""

    qos_head_room: tuple[QosHeadRoom, ...] = ()
    """For users: one per QOS that they may use, sorted by name."""

    limits_enforced: bool | None = None
    """Whether Slurm holds anybody to limits (AccountingStorageEnforce); None: not told."""

    rooms: tuple[Room, ...] = ()
    """What all limits leave, by Slurm's precedence; for users one per QOS that they may use, and
    per partition that has a QOS of its own. Empty unless `head_room_told`."""

    def _identity(self) -> tuple[str, ...]:
        return self.account, self.user, self.partition


@dataclass(frozen=True, slots=True, kw_only=True)
class QosSampled(Sample):
    """One quality of service with its limits."""

    noun: ClassVar[Noun] = Noun.QOS

    name: str
    priority: int = 0
    preempts: tuple[str, ...] = ()
    preempt_mode: str = ""
    grace_time_s: int | None = None
    flags: tuple[str, ...] = ()
    usage_factor: float | None = None
    group_tres: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    group_tres_minutes: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    group_tres_run_minutes: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    max_tres_per_job: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    max_tres_per_node: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    max_tres_per_user: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    max_tres_per_account: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    min_tres_per_job: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    group_jobs: int | None = None
    group_submit_jobs: int | None = None
    group_wall_minutes: int | None = None
    max_wall_minutes: int | None = None
    max_jobs_per_user: int | None = None
    max_jobs_per_account: int | None = None
    max_submit_jobs_per_user: int | None = None
    max_submit_jobs_per_account: int | None = None

    def _identity(self) -> tuple[str, ...]:
        return (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSampled(Sample):
    """What an account, or a user in it, used between two moments."""

    noun: ClassVar[Noun] = Noun.USAGE

    account: str
    user: str = ""
    """Empty: the account with all below it."""

    since_at: datetime
    until_at: datetime
    tres_seconds: Mapping[str, int]
    """Resource seconds by TRES: `cpu`, `gres/gpu`, `gres/gpu:h100`."""

    def _identity(self) -> tuple[str, ...]:
        return self.account, self.user, instant(self.since_at), instant(self.until_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class OccupancySampled(Sample):
    """How many GPUs of a whole cluster were in use, where a site keeps such a number."""

    noun: ClassVar[Noun] = Noun.OCCUPANCY

    gpus_total: float | None = None
    gpus_allocated: float | None = None
    gpus_idle: float | None = None
