"""How the store is, for readiness."""

from dataclasses import dataclass

from slurmfleet.store.edition import find_edition
from slurmfleet.store.pool import StorePool
from slurmfleet.store.rows import StoreHealth
from slurmfleet.timing.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Health:
    schema_version: int
    server_version: str


async def store_health(pool: StorePool, *, clock: Clock) -> StoreHealth:
    """Ask the store how it is.

    Raises:
        StoreError: In every kind of its tree; SchemaOutdatedError when nothing was migrated yet.
    """
    async with pool.connection("find_edition") as connection:
        edition = await find_edition(connection)
    begun_s = clock.monotonic_s()
    (row,) = await pool.rows("store_health", _Health, {})
    return StoreHealth(
        edition=edition,
        schema_version=row.schema_version,
        server_version=row.server_version,
        latency_s=clock.monotonic_s() - begun_s,
    )
