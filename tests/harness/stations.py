"""A collector's whole work for one cluster, with all its surveys, and no bus behind it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from services.collector.chosen import open_surveys
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from services.collector.station import Station
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.site.http import Places
from slurmfleet.timing.clock import SystemClock


@asynccontextmanager
async def running_station(config: ClusterConfig, state_path: Path) -> AsyncGenerator[Station]:
    """Watch a cluster while the body runs."""
    clock = SystemClock()
    with StateFile(state_path) as state:
        async with open_surveys(config, places=Places(), clock=clock) as surveys:
            station = Station(
                config,
                CollectorSettings(known_hosts=(), ssh_config=()),
                clock=clock,
                state=state,
                on_queued=lambda: None,
                surveys=surveys,
            )
            working = asyncio.get_running_loop().create_task(station.run())
            try:
                yield station
            finally:
                working.cancel()
                await asyncio.wait({working})


async def keep_asking(station: Station, *, people: int, for_s: float) -> None:
    """Let so many people ask for a look, each again a second after the last was told."""
    until_s = asyncio.get_running_loop().time() + for_s

    async def ask() -> None:
        while asyncio.get_running_loop().time() < until_s:
            await station.watch.look_now()
            await asyncio.sleep(1)

    async with asyncio.TaskGroup() as group:
        for _ in range(people):
            group.create_task(ask())
        await asyncio.sleep(for_s)
    await station.watch.look_now()
