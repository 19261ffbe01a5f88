"""The registry's clusters into their table, so that SQL and Grafana know what is configured."""

from slurmfleet.bus.port import Bus
from slurmfleet.contracts.registry import CLUSTER_KEY_PREFIX
from slurmfleet.contracts.streams import REGISTRY
from slurmfleet.registry.clusters import ClusterChange, ClusterRegistry
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.clusters import list_clusters
from slurmfleet.store.write.clusters import remove_cluster, upsert_cluster
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock


async def project_registry(bus: Bus, pool: StorePool, clock: Clock) -> None:
    """Project the clusters there are, then every change, for ever.

    Raises:
        BusError, ProblemError: The registry could not be read.
        StoreError: The store could not take a document; start again, nothing is lost.
    """
    await forget_removed(bus, pool, clock)
    async for change in ClusterRegistry(bus).watch_clusters():
        if change.problem:
            continue  # the registry has logged it; the last good document stays
        if change.config is None and not change.revision:
            await forget_removed(bus, pool, clock)
        else:
            await _project(pool, change, clock)


async def _project(pool: StorePool, change: ClusterChange, clock: Clock) -> None:
    now = clock.now()
    if change.config is not None:
        stored = await upsert_cluster(pool, change.config, revision=change.revision, now=now)
    else:
        stored = await remove_cluster(pool, change.name, revision=change.revision, now=now)
    if stored:
        logger().info("cluster projected", cluster=change.name, removed=change.config is None)


async def forget_removed(bus: Bus, pool: StorePool, clock: Clock) -> None:
    """Mark clusters as removed that left the registry while nobody watched.

    The table is read before the registry: what is added between the two is in neither list.
    """
    stored = await list_clusters(pool, now=clock.now())
    entries = await bus.kv_entries(REGISTRY.name, CLUSTER_KEY_PREFIX)
    configured = {entry.key.removeprefix(CLUSTER_KEY_PREFIX) for entry in entries}
    for view in stored:
        if view.name not in configured:
            # Its removal took a revision after the stored one; any new document has a later one.
            revision = view.registry_revision + 1
            await remove_cluster(pool, view.name, revision=revision, now=clock.now())
            logger().info("cluster projected", cluster=view.name, removed=True)
