"""The clusters of the group: the registry's documents of that kind, by their own names."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import structlog

from slurmfleet.bus.port import Bus
from slurmfleet.contracts.ids import ClusterName, cluster_name
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.registry.kinds import CLUSTER
from slurmfleet.registry.registry import Change, Registry

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChange:
    """What the registry says of one cluster now."""

    name: ClusterName
    config: ClusterConfig | None
    """None: it was removed, or its document cannot be read."""

    revision: int
    problem: str = ""
    """Why the document cannot be read; empty when it can, or was removed."""


class ClusterRegistry:
    """The clusters in the registry."""

    def __init__(self, bus: Bus) -> None:
        """Work over a bus whose registry bucket is prepared."""
        self._registry = Registry(bus)

    async def list_clusters(self) -> tuple[ClusterConfig, ...]:
        """Give all clusters, sorted by name; a document that cannot be read is logged."""
        return tuple(entry.document for entry in await self._registry.list(CLUSTER))

    async def get_cluster(self, name: ClusterName) -> tuple[ClusterConfig, int]:
        """Give a cluster and its revision.

        Raises:
            ProblemError: UNKNOWN_CLUSTER; INVALID_PARAMETER if its document cannot be read.
        """
        found = await self._registry.get(CLUSTER, name)
        return found.document, found.revision

    async def add_cluster(self, config: ClusterConfig) -> int:
        """Add a cluster; give its revision.

        Raises:
            ProblemError: CLUSTER_EXISTS.
        """
        return (await self._registry.add(CLUSTER, config)).revision

    async def update_cluster(
        self,
        name: ClusterName,
        changes: Mapping[str, object],
        expected_revision: int | None = None,
    ) -> tuple[ClusterConfig, int]:
        """Change fields of a cluster; see `Registry.update`.

        Raises:
            ProblemError: UNKNOWN_CLUSTER, INVALID_PARAMETER or REVISION_CONFLICT.
        """
        changed = await self._registry.update(CLUSTER, name, changes, expected_revision)
        return changed.document, changed.revision

    async def remove_cluster(self, name: ClusterName) -> None:
        """Remove a cluster; its history stays in the store.

        Raises:
            ProblemError: UNKNOWN_CLUSTER.
        """
        await self._registry.remove(CLUSTER, name)

    async def watch_clusters(self) -> AsyncIterator[ClusterChange]:
        """Give every cluster there is, then each change, for ever and across lost connections."""
        async for change in self._registry.watch((CLUSTER,)):
            if (told := cluster_change(change)) is not None:
                yield told


def cluster_change(change: Change[ClusterConfig]) -> ClusterChange | None:
    """Give a change as one of a cluster; None where its key can name none."""
    try:
        name = cluster_name(change.document_id)
    except ProblemError:
        log.warning("registry key names no cluster", key=change.document_id)
        return None
    return ClusterChange(
        name=name, config=change.document, revision=change.revision, problem=change.problem
    )
