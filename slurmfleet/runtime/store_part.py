"""The store as a part of a process: watched for /readyz.

A service starts without it and says what it waits for; it never dies of its absence.
"""

import asyncio

from slurmfleet.runtime.health import Health
from slurmfleet.store.errors import SchemaOutdatedError, StoreError
from slurmfleet.store.migrate import shipped_migrations
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.health import store_health
from slurmfleet.store.rows import StoreHealth
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

_EVERY_S = 5.0
_WAITING_EVERY_S = 0.5


async def watch_store(pool: StorePool, health: Health, clock: Clock) -> None:
    """Report how the store is, for ever; the first failure and the recovery are logged."""
    was_ok: bool | None = None
    while True:
        try:
            detail = _fitting(await store_health(pool, clock=clock))
            ok = True
        except StoreError as error:
            # A pool that is closed in the moment of our cancellation answers with its own error
            # (asyncio.wait_for of Python 3.11 lets go of the cancellation).
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError from error
            ok, detail = False, str(error)
        if ok is not was_ok:
            say = logger().info if ok else logger().warning
            say("store is ready" if ok else "waiting for the store", detail=detail)
        was_ok = ok
        health.report("store", ok=ok, detail=detail)
        await clock.sleep(_EVERY_S if ok else _WAITING_EVERY_S)


def _fitting(found: StoreHealth) -> str:
    """Describe a store whose schema is the one of this code.

    Raises:
        SchemaOutdatedError: It is older or newer.
    """
    expected = shipped_migrations()[-1].version
    if found.schema_version != expected:
        raise SchemaOutdatedError(
            "check schema",
            f"the schema is at {found.schema_version} and this version needs {expected};"
            " run `slurmfleet db migrate` with this version",
        )
    return (
        f"{found.edition} edition, schema {found.schema_version}, PostgreSQL"
        f" {found.server_version}, round trip {found.latency_s * 1_000:.1f} ms"
    )
