"""The clusters of the group: read, changed and watched in the registry's bucket.

Every change is a compare-and-set on the key's revision, so two people who change one cluster at
once do not overwrite each other unnoticed.
"""

from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from slurmfleet.bus.errors import (
    BusError,
    KeyNotFoundError,
    RevisionConflictError,
)
from slurmfleet.bus.port import Bus, KvEntry, KvRemoved, SnapshotComplete
from slurmfleet.contracts.ids import ClusterName, cluster_name
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import CLUSTER_KEY_PREFIX, ClusterConfig, cluster_key
from slurmfleet.contracts.streams import REGISTRY
from slurmfleet.registry.documents import decode_cluster, encode_cluster, parse_cluster

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
        self._bus = bus

    async def list_clusters(self) -> tuple[ClusterConfig, ...]:
        """Give all clusters, sorted by name; a document that cannot be read is logged."""
        with _bus_problems():
            entries = await self._bus.kv_entries(REGISTRY.name, CLUSTER_KEY_PREFIX)
        changes = (_change(entry) for entry in entries)
        return tuple(change.config for change in changes if change and change.config)

    async def get_cluster(self, name: ClusterName) -> tuple[ClusterConfig, int]:
        """Give a cluster and its revision.

        Raises:
            ProblemError: UNKNOWN_CLUSTER; INVALID_PARAMETER if its document cannot be read.
        """
        try:
            with _bus_problems():
                entry = await self._bus.kv_get(REGISTRY.name, cluster_key(name))
        except KeyNotFoundError as exc:
            raise await self._unknown(name) from exc
        return decode_cluster(entry.value), entry.revision

    async def add_cluster(self, config: ClusterConfig) -> int:
        """Add a cluster; give its revision.

        Raises:
            ProblemError: CLUSTER_EXISTS.
        """
        try:
            with _bus_problems():
                revision = await self._bus.kv_create(
                    REGISTRY.name, cluster_key(config.name), encode_cluster(config)
                )
        except RevisionConflictError as exc:
            raise ProblemError(
                ProblemCode.CLUSTER_EXISTS,
                f"There is a cluster {config.name!r} already.",
                remedy="Update it, remove it first, or choose another name.",
            ) from exc
        log.info("cluster added", cluster=config.name, revision=revision)
        return revision

    async def update_cluster(
        self,
        name: ClusterName,
        changes: Mapping[str, object],
        expected_revision: int | None = None,
    ) -> tuple[ClusterConfig, int]:
        """Change fields of a cluster; give what it is now and its revision.

        Args:
            name: Which one; it cannot be renamed.
            changes: New values by field; the result is validated as a whole.
            expected_revision: The revision that the caller has seen; None: any.

        Raises:
            ProblemError: UNKNOWN_CLUSTER, INVALID_PARAMETER or REVISION_CONFLICT.
        """
        found, revision = await self.get_cluster(name)
        if expected_revision not in (None, revision):
            raise _conflict(name)
        if changes.get("name", name) != name:
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                "name: a cluster cannot be renamed.",
                remedy="Add it under the new name, then remove the old one.",
            )
        config = parse_cluster(found.model_dump() | dict(changes), where=f"Cluster {name!r}")
        try:
            with _bus_problems():
                revision = await self._bus.kv_update(
                    REGISTRY.name, cluster_key(name), encode_cluster(config), revision=revision
                )
        except RevisionConflictError as exc:
            raise _conflict(name) from exc
        log.info("cluster updated", cluster=name, revision=revision, fields=sorted(changes))
        return config, revision

    async def remove_cluster(self, name: ClusterName) -> None:
        """Remove a cluster; its history stays in the store.

        Raises:
            ProblemError: UNKNOWN_CLUSTER.
        """
        try:
            with _bus_problems():
                entry = await self._bus.kv_get(REGISTRY.name, cluster_key(name))
                await self._bus.kv_delete(REGISTRY.name, cluster_key(name), revision=entry.revision)
        except KeyNotFoundError as exc:
            raise await self._unknown(name) from exc
        except RevisionConflictError as exc:
            raise _conflict(name) from exc
        log.info("cluster removed", cluster=name)

    async def watch_clusters(self) -> AsyncIterator[ClusterChange]:
        """Give every cluster there is, then each change, for ever and across lost connections."""
        async for update in self._bus.kv_watch(REGISTRY.name, CLUSTER_KEY_PREFIX):
            match update:
                case KvEntry():
                    change = _change(update)
                case KvRemoved():
                    name = ClusterName(update.key.removeprefix(CLUSTER_KEY_PREFIX))
                    change = ClusterChange(name=name, config=None, revision=update.revision)
                case SnapshotComplete():
                    change = None
            if change is not None:
                yield change

    async def _unknown(self, name: ClusterName) -> ProblemError:
        known = [config.name for config in await self.list_clusters()]
        return ProblemError(
            ProblemCode.UNKNOWN_CLUSTER,
            f"There is no cluster {name!r}.",
            remedy=f"Known clusters: {', '.join(known)}." if known else "Add a cluster first.",
        )


def _change(entry: KvEntry) -> ClusterChange | None:
    """Read an entry; a key that names no cluster is none of ours."""
    try:
        name = cluster_name(entry.key.removeprefix(CLUSTER_KEY_PREFIX))
    except ProblemError:
        log.warning("registry key names no cluster", key=entry.key)
        return None
    try:
        config = decode_cluster(entry.value)
    except ProblemError as exc:
        log.warning("registry document cannot be read", cluster=name, problem=exc.detail)
        return ClusterChange(name=name, config=None, revision=entry.revision, problem=exc.detail)
    if config.name != name:
        problem = f"The document under {name!r} is that of {config.name!r}."
        log.warning("registry document cannot be read", cluster=name, problem=problem)
        return ClusterChange(name=name, config=None, revision=entry.revision, problem=problem)
    return ClusterChange(name=name, config=config, revision=entry.revision)


def _conflict(name: ClusterName) -> ProblemError:
    return ProblemError(
        ProblemCode.REVISION_CONFLICT,
        f"Cluster {name!r} was changed by someone else meanwhile.",
        remedy="Read it again and repeat the change on what it is now.",
    )


@contextmanager
def _bus_problems() -> Generator[None]:
    """Tell an unreachable bus as a problem; conflicts and missing keys go through."""
    try:
        yield
    except (KeyNotFoundError, RevisionConflictError):
        raise
    except BusError as exc:
        raise ProblemError(
            ProblemCode.BUS_UNAVAILABLE,
            f"The registry cannot be reached: {exc}.",
            remedy="Check that the bus runs (`slurmfleet status`) and try again.",
        ) from exc
