"""Run the projector: `python -m services.projector`."""

import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

from services.projector.auditing import audit_for_ever
from services.projector.board import BoardDesk
from services.projector.chores import chores, repeat
from services.projector.deadletters import watch_waiting
from services.projector.projector import Projector
from services.projector.projects import Projects
from services.projector.rebuilding import Rebuilder
from services.projector.recaller import LATELY, Recaller
from services.projector.registry import project_registry
from services.projector.repairer import Repairer
from services.projector.retelling import Retelling
from services.projector.rolls import Roll
from services.projector.settings import ProjectorSettings
from services.projector.stream_watch import StreamWatch
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.streams import BUCKETS, FACTS, PROJECTOR, STREAMS
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.runtime.bus_part import open_bus, watch_bus
from slurmfleet.runtime.health import Health
from slurmfleet.runtime.process import Process, run_service, supervise
from slurmfleet.runtime.settings import SharedSettings
from slurmfleet.runtime.store_part import watch_store
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.read.rolls import Drift, find_drift, read_whole_jobs
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.rebuild import open_rebuild
from slurmfleet.store.write.streams import sum_losses
from slurmfleet.timing.clock import Clock


def main() -> int:
    """Run until a signal arrives; give the exit status."""
    shared, settings = SharedSettings(), ProjectorSettings()
    return run_service("projector", partial(_serve, shared, settings), shared=shared)


async def _serve(shared: SharedSettings, settings: ProjectorSettings, process: Process) -> None:
    clock, health = process.clock, process.health
    health.expect("bus", "store", "facts")
    store = StoreSettings(
        dsn=shared.store_dsn.get_secret_value(),
        application_name="slurmfleet projector",
        max_connections=5,
        statement_timeout_s=settings.statement_timeout_s,
        call_timeout_s=settings.statement_timeout_s + 5,
    )
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(shared, name="projector", clock=clock))
        pool = await stack.enter_async_context(StorePool(store))
        recaller = Recaller(
            bus=bus,
            clusters=partial(_clusters, bus),
            was_hurt=partial(_was_hurt_lately, pool, clock),
            clock=clock,
        )
        repairer = Repairer(
            bus=bus,
            compare=partial(_compare, pool),
            read=partial(read_whole_jobs, pool),
            clock=clock,
            on_left=recaller.notice,
        )
        stream_watch = StreamWatch(
            bus=bus,
            pool=pool,
            clock=clock,
            health=health,
            settings=settings,
            on_missed=recaller.notice,
        )
        projects = Projects(pool)
        projector = Projector(
            bus=bus,
            apply=partial(apply_facts, pool, project_of=projects.of),
            clock=clock,
            health=health,
            settings=settings,
            on_rolls=repairer.hear,
            on_delivered=stream_watch.hear,
        )
        rebuilder = Rebuilder(
            bus=bus,
            open_rebuild=partial(open_rebuild, pool, projects.of),
            count_lost=partial(_count_lost, pool),
            clock=clock,
        )
        bodies = {
            "bus-health": partial(watch_bus, bus, health, clock),
            "store-health": partial(watch_store, pool, health, clock),
            "facts": partial(_project, bus, projector, projects),
            "rolls": repairer.run,
            "recalls": recaller.run,
            "dead-letters": partial(_watch_dead_letters, bus, clock, health),
            "stream": stream_watch.run,
            "rebuilds": rebuilder.run,
            "retellings": Retelling(bus).run,
            "board": BoardDesk(bus, pool, clock).run,
            "audit": partial(audit_for_ever, bus, pool, clock),
            "registry": partial(_follow_registry, bus, pool, clock),
        } | {
            one.name: partial(repeat, one, clock) for one in chores(pool, clock, settings, projects)
        }
        for name, body in bodies.items():
            failed = partial(_report, process, name)
            process.tasks.create_task(
                supervise(name, body, clock=clock, on_failure=failed), name=name
            )
        await process.stopping.wait()


def _report(process: Process, part: str, error: Exception) -> None:
    """Say in /readyz that facts do not flow; the other parts speak for themselves."""
    if part == "facts":
        process.health.report(part, ok=False, detail=str(error))


async def _project(bus: Bus, projector: Projector, projects: Projects) -> None:
    """Make sure that the stream is there, then project for ever."""
    await bus.prepare(streams=STREAMS, consumers=(PROJECTOR,))
    await projects.refresh()
    await projector.run()


async def _watch_dead_letters(bus: Bus, clock: Clock, health: Health) -> None:
    """Make sure that the stream is there, then count for ever."""
    await bus.prepare(streams=STREAMS)
    await watch_waiting(bus, clock, health)


async def _follow_registry(bus: Bus, pool: StorePool, clock: Clock) -> None:
    """Make sure that the bucket is there, then follow it for ever."""
    await bus.prepare(buckets=BUCKETS)
    await project_registry(bus, pool, clock)


async def _count_lost(pool: StorePool, since: datetime) -> int:
    """Give how many messages of facts are known to be lost; at least one where it is not known."""
    lost = await sum_losses(pool, FACTS.name, since=since)
    return max(lost.messages, lost.losses)


async def _compare(pool: StorePool, roll: Roll) -> Drift:
    """Tell how the store differs from a roll; after a loss, in its history as well."""
    return await find_drift(pool, roll.cluster, roll.entries, with_events=roll.with_ended)


async def _was_hurt_lately(pool: StorePool, clock: Clock) -> bool:
    """Say whether the stream was found damaged so lately that it may not have been mended yet."""
    return bool((await sum_losses(pool, FACTS.name, since=clock.now() - LATELY)).losses)


async def _clusters(bus: Bus) -> Sequence[ClusterName]:
    """Name the clusters of the registry."""
    await bus.prepare(buckets=BUCKETS)
    return [one.name for one in await ClusterRegistry(bus).list_clusters()]


if __name__ == "__main__":
    sys.exit(main())
