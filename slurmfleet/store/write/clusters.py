"""Registry documents of clusters into their table, by revision."""

from datetime import datetime

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.store.pool import StorePool
from slurmfleet.store.statements import statement


async def upsert_cluster(
    pool: StorePool, config: ClusterConfig, *, revision: int, now: datetime
) -> bool:
    """Store a cluster's document; give False when a newer or the same revision is stored.

    Raises:
        StoreError: In every kind of its tree.
    """
    async with pool.connection("upsert_cluster") as connection:
        cursor = await connection.execute(
            statement("upsert_cluster").text,
            {
                "name": config.name,
                "config": config.model_dump_json(),
                "registry_revision": revision,
                "now": now,
            },
        )
        return cursor.rowcount == 1


async def remove_cluster(
    pool: StorePool, cluster: ClusterName, *, revision: int, now: datetime
) -> bool:
    """Mark a cluster as removed; its history stays. False when a newer or the same is stored.

    Raises:
        StoreError: In every kind of its tree.
    """
    async with pool.connection("remove_cluster") as connection:
        cursor = await connection.execute(
            statement("remove_cluster").text,
            {"name": cluster, "registry_revision": revision, "now": now},
        )
        return cursor.rowcount == 1


async def mark_cluster_missing(
    pool: StorePool, cluster: ClusterName, *, revision: int, now: datetime
) -> bool:
    """Mark a cluster as removed that the registry lacks; False when it was written meanwhile.

    Raises:
        StoreError: In every kind of its tree.
    """
    async with pool.connection("mark_cluster_missing") as connection:
        cursor = await connection.execute(
            statement("mark_cluster_missing").text,
            {"name": cluster, "registry_revision": revision, "now": now},
        )
        return cursor.rowcount == 1
