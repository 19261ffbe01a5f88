"""A real SSH server in front of a simulated cluster; the only module here that knows asyncssh.

A session really runs what it was asked to, with bash and in its own process group, in a home where
Slurm's programs are the simulator's.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import asyncssh

from services.simulator.home import LoginFolder

CHUNK_BYTES = 65_536
KEY_TYPE = "ssh-ed25519"
SIGNAL_STATUS = 128


class Door(StrEnum):
    """What becomes of those who want to log in."""

    OPEN = "open"
    REFUSE = "refuse"
    """Nobody listens: connections are refused, and those there were are gone."""
    HANG = "hang"
    """Connections are accepted and never answered; sessions on old ones do not begin."""


class LoginNode:
    """One login node: listens from `open` to `close`."""

    def __init__(self, folder: LoginFolder, *, users: tuple[str, ...], keys: Path) -> None:
        """Prepare a login node; its keys in `keys` are made on first use."""
        self._folder = folder
        self._users = users
        self._host_key = _key(keys / "host_key")
        self.client_key_file = keys / "client_key"
        self._client_key = _key(self.client_key_file)
        self.host = "127.0.0.1"
        self.port = 0
        self._server: asyncssh.SSHAcceptor | None = None
        self._mute: asyncio.Server | None = None
        self._silent: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._sessions: set[asyncio.Task[None]] = set()
        self._answering = asyncio.Event()
        self._answering.set()

    @property
    def host_key(self) -> str:
        """The public host key, as `ssh-ed25519 AAAA…`."""
        return " ".join(self._host_key.export_public_key().decode().split()[:2])

    @property
    def known_hosts_line(self) -> str:
        """The line that pins the host key in a known_hosts file."""
        return f"[{self.host}]:{self.port} {self.host_key}"

    async def open(self, host: str, port: int) -> None:
        """Start to listen; port 0 takes a free one.

        Raises:
            OSError: The address is taken.
        """
        self.host = host
        self._server = await self._listen(host, port)
        self.port = self._server.get_port()

    async def close(self) -> None:
        """Stop listening, and end every connection with what runs on it."""
        await self._shut()
        self.drop()
        while self._connections:
            await next(iter(self._connections)).wait_closed()
        for session in self._sessions:
            session.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions)

    async def set_door(self, door: Door) -> None:
        """Let new connections in, refuse them, or leave them without an answer."""
        await self._shut()
        match door:
            case Door.OPEN:
                self._server = await self._listen(self.host, self.port)
                self._answering.set()
            case Door.REFUSE:
                self._answering.set()
                self.drop()
            case Door.HANG:
                self._answering.clear()
                self._mute = await asyncio.start_server(self._ignore, self.host, self.port)

    def drop(self) -> None:
        """Cut every connection, as a network that fails."""
        for connection in list(self._connections):
            connection.abort()

    async def _listen(self, host: str, port: int) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            host,
            port,
            server_factory=lambda: _Guard(self._connections, self._users, self._client_key),
            server_host_keys=[self._host_key],
            process_factory=self._session,
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
        )

    async def _shut(self) -> None:
        for writer in self._silent:
            writer.close()
        for server in (self._server, self._mute):
            if server is not None:
                server.close()
                await server.wait_closed()
        self._server = self._mute = None

    async def _ignore(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._silent.add(writer)
        try:
            while await reader.read(CHUNK_BYTES):
                pass
        except OSError:
            pass  # the other side has lost patience
        finally:
            self._silent.discard(writer)
            writer.close()

    async def _session(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        session = asyncio.current_task()
        if session is not None:
            self._sessions.add(session)
            session.add_done_callback(self._sessions.discard)
        await self._answering.wait()
        user = str(process.get_extra_info("username"))
        peer = process.get_extra_info("peername") or ("127.0.0.1", 0)
        env = self._folder.environment(user)
        env["SSH_CLIENT"] = f"{peer[0]} {peer[1]} {self.port}"
        env |= {name: str(value) for name, value in process.env.items() if name.startswith("LC_")}
        argv = ("-c", process.command) if process.command else ("-l",)
        status = await _run(process, argv, env=env, home=self._folder.home(user))
        if status < 0:
            process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
        else:
            process.exit(status)


class _Guard(asyncssh.SSHServer):
    """Lets the known users in, with the client key and nothing else."""

    def __init__(
        self,
        connections: "set[asyncssh.SSHServerConnection]",
        users: tuple[str, ...],
        key: asyncssh.SSHKey,
    ) -> None:
        self._connections = connections
        self._users = users
        self._public = key.public_data
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._connection is not None:
            self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username in self._users and key.public_data == self._public


async def _run(
    process: "asyncssh.SSHServerProcess[bytes]",
    argv: tuple[str, ...],
    *,
    env: Mapping[str, str],
    home: Path,
) -> int:
    """Run bash for a session and give its status; nothing of it outlives the channel."""
    child = await asyncio.create_subprocess_exec(
        "/bin/bash",
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=home,
        env=dict(env),
        start_new_session=True,
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(_feed(process.stdin, child.stdin))
            watching = tasks.create_task(_end_with(process, child.pid))
            outputs = [
                tasks.create_task(_show(child.stdout, process.stdout)),
                tasks.create_task(_show(child.stderr, process.stderr)),
            ]
            status = await child.wait()
            for output in outputs:
                await output
            feeding.cancel()
            watching.cancel()
    finally:
        _kill(child.pid)
        await child.wait()
    return status


async def _feed(source: "asyncssh.SSHReader[bytes]", sink: asyncio.StreamWriter | None) -> None:
    if sink is None:
        return
    try:
        while chunk := await source.read(CHUNK_BYTES):
            sink.write(chunk)
            await sink.drain()
    except (OSError, asyncssh.Error):
        pass  # the program has closed its input, or the connection is gone
    finally:
        sink.close()


async def _show(source: asyncio.StreamReader | None, sink: "asyncssh.SSHWriter[bytes]") -> None:
    if source is None:
        return
    try:
        while chunk := await source.read(CHUNK_BYTES):
            sink.write(chunk)
            await sink.drain()
    except (OSError, asyncssh.Error):
        pass  # the connection is gone; `_end_with` ends the program


async def _end_with(process: "asyncssh.SSHServerProcess[bytes]", pid: int) -> None:
    """End the session's programs when its channel closes."""
    await process.channel.wait_closed()
    _kill(pid)


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _key(path: Path) -> asyncssh.SSHKey:
    """Give the private key in a file, which is made if there is none."""
    if path.exists():
        return asyncssh.read_private_key(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = asyncssh.generate_private_key(KEY_TYPE)  # pyright: ignore[reportUnknownMemberType] asyncssh leaves them untyped
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    key.write_private_key(fresh)  # pyright: ignore[reportUnknownMemberType] asyncssh leaves them untyped
    fresh.rename(path)
    key.write_public_key(path.with_suffix(".pub"))  # pyright: ignore[reportUnknownMemberType] asyncssh leaves them untyped
    return key
