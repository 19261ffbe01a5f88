"""The store and the bus of a backup: those of the stack here, or of addresses."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from slurmfleet.bus.errors import BusError
from slurmfleet.bus.nats import NatsLogin, NatsOptions, open_nats_bus
from slurmfleet.bus.port import Bus
from slurmfleet.cli.errors import FailedError, NotFoundError, RefusedError, UnreachableError
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.lock import AlreadyRunningError, hold_lock
from slurmfleet.cli.stack.parts import PartError
from slurmfleet.cli.stack.record import StackRecord, read_record
from slurmfleet.cli.stack.servers import DATABASE, Servers, make_servers, stack_bus
from slurmfleet.embedded.nats_server import NatsServer, NatsServerOptions
from slurmfleet.embedded.postgres_server import PostgresServer, PostgresServerOptions
from slurmfleet.runtime.settings import SharedSettings
from slurmfleet.timing.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database, as its owner reaches it, and the bus that belongs to it."""

    dsn: str
    bus: Bus
    has_projector: bool
    """Whether facts of the stream go on into the tables meanwhile."""


@asynccontextmanager
async def addressed_place(dsn: str, shared: SharedSettings, clock: Clock) -> AsyncGenerator[Place]:
    """Give the store of an address and the bus of the settings.

    Raises:
        UnreachableError: The bus does not answer.
    """
    login = NatsLogin(user=shared.bus_user, password=shared.bus_password.get_secret_value())
    servers = tuple(url.strip() for url in shared.bus_url.split(","))
    async with _bus(servers, login, clock) as bus:
        yield Place(dsn=dsn, bus=bus, has_projector=True)


@asynccontextmanager
async def stack_place(layout: Layout, clock: Clock) -> AsyncGenerator[Place]:
    """Give store and bus of the stack here; they are started if it does not run.

    Raises:
        NotFoundError: There is no stack's data.
        FailedError: They cannot be started.
        UnreachableError: The running stack does not answer.
    """
    if not layout.postgres_dir.exists():
        raise NotFoundError(
            f"There is no data of slurmfleet in {layout.data_dir}.",
            remedy="Name the place with --data-dir, or give --dsn.",
        )
    try:
        with hold_lock(layout):
            async with _own_servers(layout, clock) as place:
                yield place
                return
    except AlreadyRunningError:
        pass
    record = read_record(layout)
    if record is None or not record.access:
        raise UnreachableError(
            f"The stack in {layout.data_dir} is starting.", remedy="Try again in a few seconds."
        )
    async with _running_place(layout, record, clock) as place:
        yield place


@asynccontextmanager
async def empty_place(layout: Layout, clock: Clock) -> AsyncGenerator[Place]:
    """Give store and bus in a data directory that has none; a body that fails leaves none.

    Raises:
        RefusedError: It has some.
        FailedError: They cannot be started.
    """
    there = [path for path in (layout.postgres_dir, layout.nats_dir) if path.exists()]
    if there:
        raise RefusedError(
            f"{layout.data_dir} is not empty: it has {', '.join(path.name for path in there)}.",
            remedy="Choose another with --data-dir; nothing was changed.",
        )
    layout.create()
    with hold_lock(layout):
        try:
            async with _own_servers(layout, clock) as place:
                yield place
        except BaseException:
            for made in (layout.postgres_dir, layout.nats_dir):
                shutil.rmtree(made, ignore_errors=True)
            raise


@asynccontextmanager
async def _own_servers(layout: Layout, clock: Clock) -> AsyncGenerator[Place]:
    servers = make_servers(layout, clock)
    async with AsyncExitStack() as stack:
        await _start(servers, stack)
        bus = await stack.enter_async_context(stack_bus(servers, clock))
        yield Place(dsn=servers.store.dsn(DATABASE), bus=bus, has_projector=False)


async def _start(servers: Servers, stack: AsyncExitStack) -> None:
    for part in servers.parts:
        try:
            await part.start()
        except PartError as exc:
            raise FailedError(str(exc)) from exc
        stack.push_async_callback(part.stop)


@asynccontextmanager
async def _running_place(
    layout: Layout, record: StackRecord, clock: Clock
) -> AsyncGenerator[Place]:
    options = PostgresServerOptions(data_dir=layout.data_dir, port=record.ports["store"])
    server = NatsServer(
        NatsServerOptions(data_dir=layout.nats_dir, port=record.ports["bus"]), clock
    )
    async with _bus((server.url,), server.login, clock) as bus:
        dsn = PostgresServer(options, clock).dsn(DATABASE)
        yield Place(dsn=dsn, bus=bus, has_projector=True)


@asynccontextmanager
async def _bus(servers: tuple[str, ...], login: NatsLogin, clock: Clock) -> AsyncGenerator[Bus]:
    options = NatsOptions(servers=servers, name="backup", login=login, fail_fast=True)
    async with AsyncExitStack() as stack:
        try:
            bus = await stack.enter_async_context(open_nats_bus(options, clock))
        except BusError as exc:
            raise UnreachableError(
                f"The bus cannot be reached: {exc}.",
                remedy="Check SLURMFLEET_BUS_URL, its user and its password.",
            ) from exc
        yield bus
