"""Follows the registry: one watch per cluster, started, changed and ended with its entry."""

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from services.collector.chosen import open_surveys
from services.collector.publisher import Publisher
from services.collector.serving import ClusterCommands
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from services.collector.state_damage import watch_aside
from services.collector.station import Station
from slurmfleet.bus.lease import Grant, Lease
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.documents import PathBase
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.streams import FACTS, LEASES, REGISTRY
from slurmfleet.contracts.subjects import cluster_commands
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.registry.kinds import PATH
from slurmfleet.registry.registry import Registry
from slurmfleet.runtime.bus_part import watch_bus
from slurmfleet.runtime.process import Process, supervise
from slurmfleet.site.http import Places
from slurmfleet.telemetry.logs import logger

LEASE_TTL_S = 8.0
"""A replica that dies is followed within this and a third: below 15 seconds with the first look."""


class Fleet:
    """All clusters of one collector process."""

    def __init__(self, process: Process, settings: CollectorSettings, bus: Bus) -> None:
        """Describe it; `run` does the work."""
        self._process = process
        self._settings = settings
        self._bus = bus
        self._watches: dict[ClusterName, asyncio.Task[None]] = {}
        self._configs: dict[ClusterName, ClusterConfig] = {}
        self._places = Places()
        self._holder = settings.replica or f"{socket.gethostname()}-{os.getpid()}"

    async def run(self) -> None:
        """Follow the registry for ever."""
        health = self._process.health
        health.expect("registry")
        clock = self._process.clock
        async with asyncio.TaskGroup() as group:
            # Looks go on without the bus: facts wait on disk.
            group.create_task(watch_bus(self._bus, health, clock, required=False), name="watch bus")
            aside = partial(watch_aside, self._settings.state_dir, health, clock)
            group.create_task(
                supervise("state files", aside, clock=clock), name="watch state files"
            )
            await supervise("registry", self._follow, clock=clock)

    async def _follow(self) -> None:
        await self._bus.prepare(streams=(FACTS,), buckets=(REGISTRY, LEASES))
        self._process.health.report("registry", ok=True, detail="no cluster is configured")
        async for change in ClusterRegistry(self._bus).watch_clusters():
            if change.problem:
                # What runs goes on with what it was last told.
                logger().error(
                    "cluster entry unreadable", cluster=change.name, error=change.problem
                )
                continue
            await self._apply(change.name, change.config)
            self._process.health.report("registry", ok=True, detail=f"{len(self._watches)} watched")

    async def _apply(self, name: ClusterName, config: ClusterConfig | None) -> None:
        """Start, restart or end the watch of one cluster; an entry told again changes nothing."""
        if config is not None and self._configs.get(name) == config:
            return
        self._configs.pop(name, None)
        if (running := self._watches.pop(name, None)) is not None:
            running.cancel()
            await asyncio.wait({running})
        if config is None:
            logger().info("cluster left the registry", cluster=name)
            return
        self._configs[name] = config
        self._watches[name] = self._process.tasks.create_task(
            supervise(f"watch {name}", lambda: self._watch(config), clock=self._process.clock),
            name=f"watch {name}",
        )

    async def _path_bases(self) -> Sequence[PathBase]:
        return [one.document for one in await Registry(self._bus).list(PATH)]

    async def _watch(self, config: ClusterConfig) -> None:
        grant: Grant | None = None
        async with AsyncExitStack() as stack:
            if self._settings.lease:
                lease = Lease(
                    self._bus,
                    bucket=LEASES.name,
                    key=f"collector.{config.name}",
                    holder=self._holder,
                    clock=self._process.clock,
                    ttl_s=LEASE_TTL_S,
                )
                grant = await stack.enter_async_context(lease.hold())
            path = self._settings.state_dir / f"{config.name}.sqlite"
            state = stack.enter_context(StateFile(path))
            publisher = Publisher(config.name, state, self._bus, self._process.clock, grant=grant)
            surveys = await stack.enter_async_context(
                open_surveys(config, places=self._places, clock=self._process.clock)
            )
            station = Station(
                config,
                self._settings,
                clock=self._process.clock,
                state=state,
                on_queued=publisher.notice,
                surveys=surveys,
                may_look=grant.check if grant is not None else lambda: None,
            )
            commands = ClusterCommands(
                station, self._settings, self._process.clock, bases=self._path_bases
            )
            await stack.enter_async_context(
                self._bus.serve(cluster_commands(config.name), commands.handle)
            )
            logger().info("watching cluster", cluster=config.name, host=config.host)
            async with asyncio.TaskGroup() as group:
                group.create_task(publisher.run(), name=f"publish {config.name}")
                group.create_task(station.run(), name=f"station {config.name}")
