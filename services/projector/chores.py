"""What the projector does to its tables from time to time, beside the ingest."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from services.projector.settings import ProjectorSettings
from slurmfleet.store.pool import StorePool
from slurmfleet.store.write.retention import forget_polls
from slurmfleet.timing.clock import Clock

_FORGET_EVERY_S = 6 * 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """One kind of work that comes again; it begins with the process."""

    name: str
    every_s: float
    """Between the end of one turn and the begin of the next."""

    work: Callable[[], Awaitable[object]]


def chores(pool: StorePool, clock: Clock, settings: ProjectorSettings) -> tuple[Chore, ...]:
    """Give the chores of a projector."""

    async def forget() -> None:
        """Let go of old polls; the store's own policy may do it before."""
        await forget_polls(pool, before=clock.now() - timedelta(days=settings.keep_polls_days))

    return (Chore(name="retention", every_s=_FORGET_EVERY_S, work=forget),)


async def repeat(chore: Chore, clock: Clock) -> None:
    """Do a chore again and again, for ever."""
    while True:
        await chore.work()
        await clock.sleep(chore.every_s)
