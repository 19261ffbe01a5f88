"""The one way from a face to the mounts of clusters: who may, the audit, the collectors."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from slurmfleet.access.audit import Action, Auditor
from slurmfleet.access.principal import current_principal
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.access import Toolset
from slurmfleet.contracts.commands import Verb, problem_body
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.mounts import ClusterMounts, MountAct, MountReport, MountRequest
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.runtime.commands import ask_collector

_SHOW_LIMIT_S = 5.0
_ACT_LIMIT_S = 90.0
"""For ending what hangs, and for a login and a mount of the first folder before the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """The mounts of all clusters."""

    bus: Bus
    auditor: Auditor

    async def show(self, clusters: tuple[ClusterName, ...] = ()) -> Sequence[ClusterMounts]:
        """Give the mounts of clusters, of none for all; asked of all collectors at once.

        Raises:
            ProblemError: A cluster is unknown, or not the caller's; or the bus is away.
        """
        registry = ClusterRegistry(self.bus)
        wanted = current_principal().narrowed_clusters(clusters)
        for one in wanted:
            await registry.get_cluster(one)
        wanted = wanted or tuple(one.name for one in await registry.list_clusters())
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._show(one), name=f"mounts of {one}") for one in wanted]
        return [one.result() for one in asked]

    async def act(self, cluster: ClusterName, act: MountAct, *, reason: str = "") -> MountReport:
        """Mount the folders of a cluster, unmount them, or mount them anew.

        Raises:
            ProblemError: Nothing was done, or its collector did not answer in time.
        """
        request = MountRequest(act=act, only_as=tuple(sorted(current_principal().users)))
        action = Action(
            name=f"cluster.{act}", needs=Toolset.OPERATE, cluster=cluster, reason=reason
        )
        async with self.auditor.acting(action) as result:
            await ClusterRegistry(self.bus).get_cluster(cluster)
            report = await ask_collector(
                self.bus, cluster, Verb.MOUNT, MountReport, limit_s=_ACT_LIMIT_S, request=request
            )
            result.details |= {one.mount_point: one.detail or one.state for one in report.mounts}
        return report

    async def _show(self, cluster: ClusterName) -> ClusterMounts:
        try:
            report = await ask_collector(
                self.bus, cluster, Verb.SHOW_MOUNTS, MountReport, limit_s=_SHOW_LIMIT_S
            )
        except ProblemError as problem:
            return ClusterMounts(cluster=cluster, problem=problem_body(problem))
        return ClusterMounts(cluster=cluster, report=report)
