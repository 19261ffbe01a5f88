"""The bus and the database as parts of the stack, and what must be in them before a service."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from slurmfleet.bus.beside import beside
from slurmfleet.bus.errors import BusError
from slurmfleet.bus.nats import NatsBus, NatsOptions, open_nats_bus
from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.parts import Part, PartError
from slurmfleet.contracts.streams import BUCKETS, STREAMS
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_server import (
    NatsServer,
    NatsServerError,
    NatsServerOptions,
)
from slurmfleet.embedded.postgres_server import (
    PostgresServer,
    PostgresServerError,
    PostgresServerOptions,
)
from slurmfleet.store.errors import StoreError
from slurmfleet.store.migrate import Migration, migrate
from slurmfleet.store.roles import Role, let_in
from slurmfleet.timing.clock import Clock

DATABASE = "postgres"
_STUCK_POLL_S = 2.0

log = structlog.get_logger(__name__)


class _Server(Protocol):
    @property
    def pid(self) -> int | None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def wait_ended(self) -> int: ...


@dataclass
class ServerPart:
    """An embedded server, as the keeper wants it."""

    name: str
    _server: _Server

    @property
    def pid(self) -> int | None:
        """Give its process; None while it does not run."""
        return self._server.pid

    async def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            PartError: It does not.
        """
        try:
            await self._server.start()
        except (NatsServerError, PostgresServerError) as exc:
            raise PartError(f"The {self.name} cannot be started: {exc}") from exc

    async def stop(self) -> None:
        """End it in order."""
        await self._server.stop()

    async def wait_ended(self) -> int:
        """Wait until it ends; give its exit status."""
        return await self._server.wait_ended()


class BusPart(ServerPart):
    """The bus, which is restarted where only that makes it take messages again."""

    def __init__(self, server: NatsServer, clock: Clock) -> None:
        """Take the server."""
        super().__init__("bus", server)
        self._bus = server
        self._clock = clock

    async def wait_ended(self) -> int:
        """Wait until it ends, or end it where it must be started again; give its exit status."""
        async with beside(self._end_when_stuck(), name="look after the bus"):
            return await self._bus.wait_ended()

    async def _end_when_stuck(self) -> None:
        while True:
            await self._clock.sleep(_STUCK_POLL_S)
            if await asyncio.to_thread(self._bus.must_restart):
                log.error("bus met a full disk and has room again, restarting it")
                await self._bus.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Both servers, and how to reach them."""

    bus: NatsServer
    store: PostgresServer
    parts: tuple[Part, Part]

    @property
    def ports(self) -> Mapping[str, int]:
        """Give the ports of both."""
        return {"bus": self.bus.options.port, "store": self.store.options.port}

    def dsn(self, role: Role, password: str) -> str:
        """Give the address of the database for one role."""
        return self.store.dsn(DATABASE, user=role, password=password)


def make_servers(layout: Layout, clock: Clock) -> Servers:
    """Describe both servers, on ports that are free now; nothing is started."""
    bus = NatsServer(NatsServerOptions(data_dir=layout.nats_dir, port=free_port()), clock)
    store = PostgresServer(PostgresServerOptions(data_dir=layout.data_dir, port=free_port()), clock)
    return Servers(bus=bus, store=store, parts=(BusPart(bus, clock), ServerPart("store", store)))


async def prepare_store(
    servers: Servers, passwords: Mapping[Role, str], say: Callable[[str, str], None]
) -> None:
    """Bring the schema up to date and let the roles in.

    Raises:
        FailedError: The database refuses, or is newer than this version.
    """

    def tell(migration: Migration, place: int, total: int) -> None:
        say("store", f"schema {place} of {total}: {migration.name.removesuffix('.sql')}")

    dsn = servers.store.dsn(DATABASE)
    try:
        done = await migrate(dsn, on_progress=tell)
        await let_in(dsn, passwords)
    except StoreError as exc:
        raise FailedError(f"The database cannot be prepared: {exc}") from exc
    say("store", f"schema version {done.version}, {done.edition} edition")


@asynccontextmanager
async def stack_bus(servers: Servers, clock: Clock) -> AsyncGenerator[NatsBus]:
    """Give the bus, with its streams and buckets, while the body runs.

    Raises:
        FailedError: The bus does not serve.
    """
    server = servers.bus
    options = NatsOptions(
        servers=(server.url,),
        name="supervisor",
        login=server.login,
        fail_fast=True,
    )
    try:
        async with open_nats_bus(options, clock) as bus:
            await bus.prepare(streams=STREAMS, buckets=BUCKETS)
            yield bus
    except* BusError as group:
        raise FailedError(f"The bus does not serve: {group.exceptions[0]}") from group
