"""Recorded facts about jobs, and being woken when there are more."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.store.errors import StoreError
from slurmfleet.store.matching import any_of, storable, within_limit
from slurmfleet.store.pool import Connection, StorePool, conninfo, translated
from slurmfleet.store.rows import EventView
from slurmfleet.store.statements import statement
from slurmfleet.timing.budget import Budget
from slurmfleet.timing.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events; an empty tuple and an empty text let everything through."""

    clusters: tuple[ClusterName, ...] = ()
    users: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    """submitted, started, changed, ended, vanished."""

    job_id: str = ""


EVERY_EVENT = EventFilter()


async def events_after(
    pool: StorePool,
    event_seq: int,
    event_filter: EventFilter = EVERY_EVENT,
    *,
    limit: int = 100,
) -> tuple[EventView, ...]:
    """Give the events recorded after one, in the order of recording; 0 begins with the first.

    Raises:
        ProblemError: A bad limit or filter.
        StoreError: In every kind of its tree.
    """
    params = {
        "after": event_seq,
        "clusters": any_of(event_filter.clusters, name="cluster"),
        "users": any_of(event_filter.users, name="user"),
        "accounts": any_of(event_filter.accounts, name="account"),
        "verbs": any_of(event_filter.verbs, name="verb"),
        "job_id": storable(event_filter.job_id, name="job_id") or None,
        "limit": within_limit(limit),
    }
    return tuple(await pool.rows("events_after", EventView, params))


async def last_event_seq(pool: StorePool) -> int:
    """Give the newest event's number; 0 before the first.

    Raises:
        StoreError: In every kind of its tree.
    """
    (newest,) = await pool.values("last_event_seq", {})
    return newest if isinstance(newest, int) else 0


async def wait_for_events(
    pool: StorePool, *, clock: Clock, tick_s: float = 5.0
) -> AsyncGenerator[None]:
    """Yield whenever there may be new events: at once, when told so, and at the latest each tick.

    Holds one connection of its own for as long as it is iterated; close the generator to give it
    back. When PostgreSQL cannot be reached it goes on ticking and connects again.
    """
    while True:
        try:
            async with _listening(pool) as connection:
                yield None
                while True:
                    with translated("wait for events"):
                        async for _ in connection.notifies(timeout=tick_s, stop_after=1):
                            pass
                    yield None
        except StoreError:
            yield None
            await clock.sleep(tick_s)


@asynccontextmanager
async def _listening(pool: StorePool) -> AsyncGenerator[Connection]:
    settings = pool.settings
    budget = Budget(operation="listen for events", limit_s=settings.call_timeout_s)
    with translated(budget.operation):
        async with budget.enforce():
            connection = await psycopg.AsyncConnection[TupleRow].connect(
                conninfo(settings), autocommit=True
            )
    try:
        with translated(budget.operation):
            async with budget.enforce():
                await connection.execute(statement("listen_events").text)
        yield connection
    finally:
        await connection.close()
