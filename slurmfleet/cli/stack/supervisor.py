"""Brings the embedded stack up, keeps it running, takes it down.

Order up: bus and database together, schema and registry, simulated clusters where no real one is
configured, then the services. Order down: the reverse, each with its own budget.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from slurmfleet.bus.rights import BusRole
from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.stack.backups import Rota, look_after_backups
from slurmfleet.cli.stack.demo import Board, forget_description, prepare_board, register_demo
from slurmfleet.cli.stack.keeper import Keeper
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.lock import hold_lock
from slurmfleet.cli.stack.parts import Part, PartError, log_tail
from slurmfleet.cli.stack.passwords import role_passwords
from slurmfleet.cli.stack.ports import require_free
from slurmfleet.cli.stack.procs import ProcessId, end_all, identify, is_alive
from slurmfleet.cli.stack.readiness import ask_readiness
from slurmfleet.cli.stack.record import read_running, write_record
from slurmfleet.cli.stack.report import Reporter
from slurmfleet.cli.stack.servers import Servers, make_servers, prepare_store, stack_bus
from slurmfleet.cli.stack.services import Doors, Service, Wiring, board_services, simulator
from slurmfleet.timing.clock import Clock

READY_LIMIT_S = 90.0
LEFTOVER_GRACE_S = 5.0
_POLL_S = 0.1
_RECORD_AGAIN_S = 1.0
_HOPELESS_FAILURES = 3
"""A service that died so often before it was ever ready will not get ready by itself."""


class _StopRequestedError(Exception):
    """Ends the start of the stack; never leaves this module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """What `slurmfleet up` was told."""

    layout: Layout
    doors: Doors
    inherited: Mapping[str, str]
    config_file: Path
    rota: Rota


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """One stack below one data directory."""

    options: StackOptions
    clock: Clock
    reporter: Reporter
    _keepers: list[Keeper] = field(default_factory=list[Keeper], init=False)
    _services: list[Service] = field(default_factory=list[Service], init=False)
    _ports: dict[str, int] = field(default_factory=dict[str, int], init=False)
    _access: Mapping[str, str] = field(default_factory=dict[str, str], init=False)
    _started_at: str = field(default="", init=False)
    _ready: bool = field(default=False, init=False)
    _aside: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]], init=False)
    """What goes on beside the parts until the stack is taken down."""

    _record_is_due: bool = field(default=False, init=False)

    async def run(self, stopping: asyncio.Event) -> None:
        """Run the stack until `stopping` is set.

        Raises:
            AlreadyRunningError: Another supervisor holds the data directory.
            PortTakenError: Another program has a door's port.
            FailedError: A part did not come up.
        """
        layout = self.options.layout
        layout.create()
        with hold_lock(layout):
            await self._clear_leftovers()
            self._require_doors()
            self._started_at = self.clock.now().isoformat()
            self._write_record()
            try:
                await self._live(stopping)
            finally:
                layout.record_file.unlink(missing_ok=True)

    async def _live(self, stopping: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as watches:
            self._aside.append(watches.create_task(self._keep_record(), name="record"))
            try:
                await _unless(stopping, self._bring_up(watches))
                await stopping.wait()
            finally:
                await self._take_down()

    async def _bring_up(self, watches: asyncio.TaskGroup) -> None:
        servers = make_servers(self.options.layout, self.clock)
        self._ports |= servers.ports
        self._say("stack", f"starting below {self.options.layout.data_dir}")
        async with asyncio.TaskGroup() as both:
            for part in servers.parts:
                both.create_task(self._begin(part, watches), name=f"start {part.name}")
        wiring = await self._prepare(servers)
        self._access = wiring.reading
        async with stack_bus(servers, self.clock) as bus:
            board = await prepare_board(bus, self.options.config_file, self._say)
            if board.demo:
                self._say("simulator", "no cluster is configured: starting simulated ones")
                forget_description(self.options.layout)
                demo = simulator(wiring)
                await self._begin_service(demo, watches)
                names = await register_demo(bus, self.options.layout, self.clock)
                board = replace(board, clusters=names)
        for service in board_services(wiring):
            await self._begin_service(service, watches)
        await self._await_ready()
        self._announce(board)
        self._aside.append(watches.create_task(self._look_after_backups(), name="backups"))

    async def _begin_service(self, service: Service, watches: asyncio.TaskGroup) -> None:
        self._services.append(service)
        await self._begin(service.process, watches)

    async def _begin(self, part: Part, watches: asyncio.TaskGroup) -> None:
        """Start a part and have it watched."""
        keeper = Keeper(part=part, clock=self.clock, say=self._say, on_change=self._note_change)
        self._keepers.append(keeper)
        try:
            await keeper.begin()
        except PartError as exc:
            raise FailedError(str(exc), remedy="`slurmfleet doctor` looks for the cause.") from exc
        self._say(part.name, "started")
        watches.create_task(keeper.watch(), name=f"watch {part.name}")

    async def _prepare(self, servers: Servers) -> Wiring:
        passwords = role_passwords(self.options.layout)
        await prepare_store(servers, passwords, self._say)
        return Wiring(
            layout=self.options.layout,
            doors=self.options.doors,
            inherited=self.options.inherited,
            bus_url=servers.bus.url,
            bus_logins={role: servers.bus.login_of(role) for role in BusRole},
            dsns={role: servers.dsn(role, secret) for role, secret in passwords.items()},
        )

    async def _await_ready(self) -> None:
        """Wait until every service says that it is ready, or one is beyond hope."""
        deadline_s = self.clock.monotonic_s() + READY_LIMIT_S
        waiting = list(self._services)
        async with httpx.AsyncClient(trust_env=False) as http:
            while waiting:
                answers = [(one, await ask_readiness(http, one.url)) for one in waiting]
                for one, answer in answers:
                    if answer.ready:
                        self._say(one.name, "ready")
                        waiting.remove(one)
                    elif self._failures(one) >= _HOPELESS_FAILURES:
                        raise self._hopeless(one, "keeps ending")
                    elif self.clock.monotonic_s() > deadline_s:
                        raise self._hopeless(one, f"is not ready: {answer.complaint}")
                await self.clock.sleep(_POLL_S)

    async def _look_after_backups(self) -> None:
        options = self.options
        await look_after_backups(
            options.layout, options.rota, options.inherited, clock=self.clock, say=self._say
        )

    def _failures(self, service: Service) -> int:
        return sum(one.failures for one in self._keepers if one.part is service.process)

    def _hopeless(self, service: Service, how: str) -> FailedError:
        log_file = service.process.log_file
        tail = log_tail(log_file)
        return FailedError(
            f"{service.name} {how}.\n{tail}".strip(), remedy=f"All of its log: {log_file}"
        )

    def _announce(self, board: Board) -> None:
        self._ready = True
        self._note_change()
        self.reporter.ready(self.options.doors.urls, board.clusters, demo=board.demo)

    async def _take_down(self) -> None:
        """Stop what was started, last first."""
        if self._keepers:
            self._say("stack", "stopping")
        self._ready = False
        for task in self._aside:
            task.cancel()
        while self._keepers:
            keeper = self._keepers[-1]
            running = keeper.part.pid is not None
            await keeper.end()
            self._keepers.pop()
            if running:
                self._say(keeper.part.name, "stopped")

    async def _clear_leftovers(self) -> None:
        """End what a supervisor that was killed has left behind."""
        before = read_running(self.options.layout)
        if before is None:
            return
        left = [child for child in before.children if is_alive(child)]
        if left:
            self._say("stack", f"ending {len(left)} processes that an earlier run left behind")
            await end_all(left, clock=self.clock, grace_s=LEFTOVER_GRACE_S)

    def _require_doors(self) -> None:
        doors = self.options.doors
        require_free(doors.api_host, doors.api_port, setting="SLURMFLEET_API_PORT")
        require_free(doors.mcp_host, doors.mcp_port, setting="SLURMFLEET_MCP_PORT")

    def _note_change(self) -> None:
        """Write the record; on a full disk the parts run on, and it is written when it can be."""
        try:
            self._write_record()
        except OSError as exc:
            if not self._record_is_due:
                self._say("stack", f"what runs could not be written down: {exc.strerror}")
            self._record_is_due = True
        else:
            self._record_is_due = False

    async def _keep_record(self) -> None:
        """Write what could not be written, again and again, until the task is cancelled."""
        while True:
            await self.clock.sleep(_RECORD_AGAIN_S)
            if self._record_is_due:
                self._note_change()

    def _write_record(self) -> None:
        supervisor = identify("supervisor", os.getpid(), grouped=False)
        if supervisor is None:
            return
        write_record(
            self.options.layout,
            supervisor=supervisor,
            children=self._children(),
            urls={one.name: one.url for one in self._services} | dict(self.options.doors.urls),
            ports=self._ports,
            access=self._access,
            started_at=self._started_at,
            ready=self._ready,
        )

    def _children(self) -> list[ProcessId]:
        """Give the running parts, in the order in which they are to be ended."""
        found = [
            identify(keeper.part.name, keeper.part.pid)
            for keeper in reversed(self._keepers)
            if keeper.part.pid is not None
        ]
        return [child for child in found if child is not None]

    def _say(self, part: str, what: str) -> None:
        # The terminal may be a file on the disk that is full.
        with suppress(OSError):
            self.reporter.say(part, what)


async def _unless(stopping: asyncio.Event, work: Awaitable[None]) -> None:
    """Await the work, and give it up when the stack is asked to stop."""
    try:
        async with _stopped_by(stopping):
            await work
    except* _StopRequestedError:
        pass


@asynccontextmanager
async def _stopped_by(stopping: asyncio.Event) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(_raise_when(stopping), name="stop request")
        yield
        watch.cancel()


async def _raise_when(stopping: asyncio.Event) -> None:
    await stopping.wait()
    raise _StopRequestedError
