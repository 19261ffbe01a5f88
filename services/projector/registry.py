"""The registry's documents into tables, so that SQL and Grafana know what is configured.

Each document is applied by its revision, so order and repetition change nothing.
"""

from typing import Any

from slurmfleet.bus.port import Bus
from slurmfleet.contracts.registry import CLUSTER_KEY_PREFIX
from slurmfleet.contracts.streams import REGISTRY
from slurmfleet.registry.clusters import cluster_change
from slurmfleet.registry.kinds import CLUSTER, document_key
from slurmfleet.registry.registry import Change, Registry
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.clusters import list_clusters
from slurmfleet.store.read.documents import list_stored_documents
from slurmfleet.store.write.clusters import (
    mark_cluster_missing,
    remove_cluster,
    upsert_cluster,
)
from slurmfleet.store.write.documents import (
    mark_document_missing,
    remove_document,
    upsert_document,
)
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock


async def project_registry(bus: Bus, pool: StorePool, clock: Clock) -> None:
    """Project the documents there are, then every change, for ever.

    Raises:
        BusError, ProblemError: The registry could not be read.
        StoreError: The store could not take a document; start again, nothing is lost.
    """
    await forget_removed(bus, pool, clock)
    async for change in Registry(bus).watch():
        if change.problem:
            continue  # the registry has logged it; the last good document stays
        if change.document is None and not change.revision:
            await forget_removed(bus, pool, clock)
        else:
            await project_change(pool, change, clock)


async def project_change(pool: StorePool, change: Change[Any], clock: Clock) -> bool:
    """Apply one change; give False when the tables have it, or a newer one, already."""
    if change.kind is CLUSTER:
        stored = await _project_cluster(pool, change, clock)
    elif change.document is not None:
        stored = await upsert_document(
            pool,
            change.kind.word,
            change.document_id,
            change.document.model_dump_json(),
            revision=change.revision,
            now=clock.now(),
        )
    else:
        stored = await remove_document(
            pool,
            change.kind.word,
            change.document_id,
            revision=change.revision,
            now=clock.now(),
        )
    if stored:
        _tell(change.kind.word, change.document_id, removed=change.document is None)
    return stored


async def forget_removed(bus: Bus, pool: StorePool, clock: Clock) -> None:
    """Mark as removed what left the registry while nobody watched.

    The tables are read before the registry: what is added between the two is in neither list.
    """
    clusters = await list_clusters(pool, now=clock.now(), with_counts=False)
    documents = await list_stored_documents(pool)
    keys = {entry.key for entry in await bus.kv_entries(REGISTRY.name)}
    now = clock.now()
    for view in clusters:
        if f"{CLUSTER_KEY_PREFIX}{view.name}" in keys:
            continue
        revision = view.registry_revision
        if await mark_cluster_missing(pool, view.name, revision=revision, now=now):
            _tell(CLUSTER.word, view.name, removed=True)
    for one in documents:
        if document_key(one.kind, one.document_id) in keys:
            continue
        if await mark_document_missing(
            pool, one.kind, one.document_id, revision=one.registry_revision, now=now
        ):
            _tell(one.kind, one.document_id, removed=True)


async def _project_cluster(pool: StorePool, change: Change[Any], clock: Clock) -> bool:
    told = cluster_change(change)
    if told is None:
        return False
    if told.config is not None:
        return await upsert_cluster(pool, told.config, revision=told.revision, now=clock.now())
    return await remove_cluster(pool, told.name, revision=told.revision, now=clock.now())


def _tell(kind: str, name: str, *, removed: bool) -> None:
    logger().info("registry projected", kind=kind, name=name, removed=removed)
