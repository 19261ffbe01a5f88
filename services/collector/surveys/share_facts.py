"""From shares, limits and the queue to facts; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.collector.jobs.tracked import Memory
from services.collector.surveys.headroom import (
    AssociationKey,
    HeadRooms,
    Held,
    held_by,
    key_of,
    used_by,
)
from services.collector.surveys.qos_limits import QosUses, qos_head_rooms
from services.collector.surveys.rooms import Rooms
from services.collector.surveys.seats import seats_of
from services.collector.surveys.sharebook import Limits
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.sample import NOTHING
from slurmfleet.contracts.shares import QosHeadRoom, QosSampled, Room, ShareSampled
from slurmfleet.slurm.associations import Association
from slurmfleet.slurm.qos import Qos
from slurmfleet.slurm.sshare import ShareRow

SSHARE = "sshare"
SACCTMGR = "sacctmgr"
FAIR_SHARE = "priority/multifactor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known at the moment of which facts tell."""

    cluster: ClusterName
    observed_at: datetime
    population: tuple[PartitionCount, ...] | None
    """Everybody's jobs; None: not known, and nothing follows."""

    memory: Memory
    """Tracked jobs."""

    followed_users: frozenset[str]
    """Whose jobs are all in `memory`."""

    limits: Limits | None
    shares: tuple[ShareRow, ...] = ()


class ShareFacts:
    """Makes facts of one scene."""

    def __init__(self, scene: Scene) -> None:
        """Work out once what all facts need."""
        self._scene = scene
        limits, population = scene.limits, scene.population
        associations = limits.associations if limits else ()
        rows = associations or scene.shares
        self._held: Mapping[AssociationKey, Held] | None = (
            None if population is None else held_by(population, rows)
        )
        self._enforced = limits.config.limits_enforced if limits else None
        self._associations = {key_of(one): one for one in associations}
        self._head_rooms: HeadRooms | None = None
        if limits is not None and self._held is not None:
            seats = seats_of(scene.memory)
            partitions = limits.partitions
            partition_qos = {one.name: one.qos for one in partitions or ()}
            self._head_rooms = HeadRooms(
                associations,
                held=self._held,
                used=used_by(seats, rows),
                shares=scene.shares,
                enforced=self._enforced,
            )
            self._uses = QosUses(seats, population or (), partition_qos)
            self._rooms = Rooms(
                self._head_rooms,
                uses=self._uses,
                qualities=limits.qualities,
                partitions=partitions,
            )
        self._multifactor = limits is None or limits.config.priority_type in ("", FAIR_SHARE)

    def of_share(self, row: ShareRow) -> ShareSampled:
        """Give the fact of a row of sshare."""
        # Without the multifactor plugin the columns are there and mean nothing.
        means = self._multifactor
        sample = ShareSampled(
            cluster=self._scene.cluster,
            observed_at=self._scene.observed_at,
            source=SSHARE,
            account=row.account,
            user=row.user,
            partition=row.partition,
            parent_account=row.parent_account,
            raw_shares=row.raw_shares,
            norm_shares=row.norm_shares if means else None,
            raw_usage_s=row.raw_usage_s if means else None,
            norm_usage=row.norm_usage if means else None,
            effective_usage=row.effective_usage if means else None,
            fair_share=row.fair_share if means else None,
            level_fs=row.level_fs if means else None,
            group_tres_minutes=row.group_tres_minutes,
            tres_minutes_used=row.tres_minutes_used,
            tres_run_minutes=row.tres_run_minutes,
        )
        return self._completed(sample, key_of(row))

    def of_association(self, one: Association) -> ShareSampled:
        """Give the fact of an association with its limits."""
        sample = ShareSampled(
            cluster=self._scene.cluster,
            observed_at=self._scene.observed_at,
            source=SACCTMGR,
            account=one.account,
            user=one.user,
            partition=one.partition,
            parent_account=one.parent_account,
            raw_shares=one.raw_shares,
            group_tres=one.group_tres,
            group_tres_minutes=one.group_tres_minutes,
            group_tres_run_minutes=one.group_tres_run_minutes,
            max_tres_per_job=one.max_tres_per_job,
            group_jobs=one.group_jobs,
            group_submit_jobs=one.group_submit_jobs,
            group_wall_minutes=one.group_wall_minutes,
            max_jobs=one.max_jobs,
            max_submit_jobs=one.max_submit_jobs,
            max_wall_minutes=one.max_wall_minutes,
            qos=one.qos,
            default_qos=one.default_qos,
        )
        return self._completed(sample, key_of(one))

    def _completed(self, sample: ShareSampled, key: AssociationKey) -> ShareSampled:
        """Add what the queue and the limits tell together."""
        held = None if self._held is None else self._held.get(key, Held())
        room = self._head_rooms.of(key) if self._head_rooms else None
        return replace(
            sample,
            gpus_running=held.gpus if held else None,
            gpus_pending=held.gpus_pending if held else None,
            gpu_head_room=room.gpus if room else None,
            head_room_told=room is not None,
            head_room_at_most=room is not None and room.at_most,
            head_room_bounded_by=room.bounded_by if room else "",
            head_room_by_gpu_type=room.by_gpu_type if room else NOTHING,
            qos_head_room=self._qos_of(key) if room else (),
            rooms=self._rooms_of(key) if room else (),
            limits_enforced=self._enforced,
        )

    def _qos_of(self, key: AssociationKey) -> tuple[QosHeadRoom, ...]:
        """Give a user's head-room by QOS; none where not all of his jobs are followed."""
        one = self._associations.get(key)
        limits = self._scene.limits
        if one is None or limits is None or not limits.qualities:
            return ()
        if one.user not in self._scene.followed_users or self._enforced is False:
            return ()
        return qos_head_rooms(one, limits.qualities, self._uses)

    def _rooms_of(self, key: AssociationKey) -> tuple[Room, ...]:
        """Give what all limits leave; none where no limits hold."""
        one = self._associations.get(key)
        if one is None or self._enforced is False:
            return ()
        return self._rooms.of(one, is_followed=one.user in self._scene.followed_users)


def qos_fact(qos: Qos, cluster: ClusterName, observed_at: datetime) -> QosSampled:
    """Give the fact of a QOS."""
    return QosSampled(
        cluster=cluster,
        observed_at=observed_at,
        source=SACCTMGR,
        name=qos.name,
        priority=qos.priority,
        preempts=qos.preempts,
        preempt_mode=qos.preempt_mode,
        grace_time_s=qos.grace_time_s,
        flags=qos.flags,
        usage_factor=qos.usage_factor,
        group_tres=qos.group_tres,
        group_tres_minutes=qos.group_tres_minutes,
        group_tres_run_minutes=qos.group_tres_run_minutes,
        max_tres_per_job=qos.max_tres_per_job,
        max_tres_per_node=qos.max_tres_per_node,
        max_tres_per_user=qos.max_tres_per_user,
        max_tres_per_account=qos.max_tres_per_account,
        min_tres_per_job=qos.min_tres_per_job,
        group_jobs=qos.group_jobs,
        group_submit_jobs=qos.group_submit_jobs,
        group_wall_minutes=qos.group_wall_minutes,
        max_wall_minutes=qos.max_wall_minutes,
        max_jobs_per_user=qos.max_jobs_per_user,
        max_jobs_per_account=qos.max_jobs_per_account,
        max_submit_jobs_per_user=qos.max_submit_jobs_per_user,
        max_submit_jobs_per_account=qos.max_submit_jobs_per_account,
    )
