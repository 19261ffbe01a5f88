"""A login node in the test process: a real SSH server that answers as a test wants.

async with LoginNode(tmp_path, answer=answer) as node:
    async with SshLink(node.target(), clock=SystemClock()) as link: ...
"""

# asyncssh leaves the element type of its channels and some keyword arguments open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.hostkeys import ShownHostKey, shown_host_key
from slurmfleet.ssh.target import SshTarget
from slurmfleet.timing.clock import SystemClock

HOST = "127.0.0.1"
USER = "alice"
_PATIENCE_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a command does, as seen from outside."""

    exit_status: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    delay_s: float = 0.0
    """Real seconds before anything is written."""

    exit_signal: str = ""
    """Name without SIG; takes the place of the exit status."""


Answer = Callable[[str, bytes], Awaitable[Reply]]
"""From the command line and the whole standard input to a reply; may wait for ever."""


async def run_with_sh(command: str, stdin: bytes) -> Reply:
    """Really run the command with `/bin/sh`; it dies with its channel."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        stdout, stderr = await process.communicate(stdin)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()  # or the loop may end before it has closed the pipes
    status = process.returncode or 0
    if status < 0:
        name = signal.Signals(-status).name.removeprefix("SIG")
        return Reply(exit_signal=name, stdout=stdout, stderr=stderr)
    return Reply(exit_status=status, stdout=stdout, stderr=stderr)


class LoginNode:
    """One login node on a free port of the loopback; user `alice`, one key that it knows."""

    def __init__(
        self, folder: Path, *, answer: Answer = run_with_sh, max_sessions: int = 10
    ) -> None:
        """Describe the node; `folder` takes the client's private key."""
        self.client_key_file = folder / "client_key"
        self.answer = answer
        self.max_sessions = max_sessions
        self.port = 0
        """Free port, chosen at the first start and kept for later ones."""
        self.refuses_logins = False
        self.hangs_at_login = False
        """Accept connections and let nobody log in until this is false again."""
        self.hangs_up_on_commands = False
        """Cut the connection when a client asks for a session on it."""
        self.allows_jumps = True

        self.connections_accepted = 0
        self.keys_offered = 0
        """How often a public key was shown for login: what a site counts as attempts."""
        self.commands: list[str] = []
        self.signals: list[str] = []
        """Signals that clients sent to their commands."""
        self.jumps: list[str] = []
        """Where clients went through this node: `host:port`."""
        self.sessions: set[_Session] = set()
        self.connections: set[asyncssh.SSHServerConnection] = set()

        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def __aenter__(self) -> Self:
        """Write the client's key and start to listen."""
        self._client_key.write_private_key(self.client_key_file)
        self.client_key_file.chmod(0o600)
        self._children = asyncio.TaskGroup()
        await self._children.__aenter__()
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, and with it every command."""
        await self.stop()
        await self._children.__aexit__(None, None, None)

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._acceptor = await asyncssh.listen(
            HOST,
            self.port,
            server_factory=lambda: _Door(self),
            server_host_keys=[self._host_key],
        )
        self.port = self._acceptor.get_port()

    async def stop(self) -> None:
        """Stop to listen and drop every connection, as a reboot does."""
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
            self._acceptor = None
        await self.drop_connections()

    async def drop_connections(self) -> None:
        """Cut every connection without a word."""
        for connection in tuple(self.connections):
            connection.abort()
            await connection.wait_closed()

    async def change_host_key(self) -> None:
        """Restart with another host key."""
        await self.stop()
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        await self.start()

    def trust_client_key(self, key: asyncssh.SSHKey) -> None:
        """Let this key in from now on, and no other."""
        self._client_key = key

    @property
    def host_key(self) -> ShownHostKey:
        """The host key as a client sees it."""
        return shown_host_key(HOST, self.port, self._host_key)

    def target(self) -> SshTarget:
        """Describe how to log in here, with the host key pinned; vary it with `replace`."""
        return SshTarget(
            cluster=ClusterName("alpha"),
            host=HOST,
            port=self.port,
            user=USER,
            key_files=(self.client_key_file,),
            use_agent=False,
            pinned_host_keys=(self.host_key.line,),
            connect_timeout_s=5.0,
        )

    def stranger(self) -> SshTarget:
        """Describe the same login with nothing pinned."""
        return replace(self.target(), pinned_host_keys=())

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Say whether this key opens the door; counts the question."""
        self.keys_offered += 1
        return not self.refuses_logins and key.public_data == self._client_key.public_data

    def begin(self, session: "_Session", command: str, stdin: bytes) -> asyncio.Task[None]:
        """Start a command in a task of this node."""
        self.commands.append(command)
        return self._children.create_task(
            session.serve(self.answer, command, stdin), name=f"login node runs {command[:40]}"
        )


class _Door(asyncssh.SSHServer):
    """What one client meets."""

    def __init__(self, node: LoginNode) -> None:
        self._node = node

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._node.connections_accepted += 1
        self._node.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._node.connections.discard(self._connection)

    async def begin_auth(self, username: str) -> bool:
        del username
        while self._node.hangs_at_login:
            await SystemClock().sleep(_PATIENCE_S)
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._node.accepts(key) and username == USER

    def session_requested(
        self,
    ) -> "tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerSession[bytes]] | bool":
        if self._node.hangs_up_on_commands:
            self._connection.abort()
        if len(self._node.sessions) >= self._node.max_sessions:
            return False
        return self._connection.create_server_channel(encoding=None), _Session(self._node)

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> bool:
        del orig_host, orig_port
        self._node.jumps.append(f"{dest_host}:{dest_port}")
        return self._node.allows_jumps


class _Session(asyncssh.SSHServerSession[bytes]):
    """One command of one client."""

    def __init__(self, node: LoginNode) -> None:
        self._node = node
        self._command = ""
        self._stdin: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        node.sessions.add(self)

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def exec_requested(self, command: str) -> bool:
        self._command = command
        return True

    def data_received(self, data: bytes, datatype: int | None) -> None:
        del datatype
        self._stdin.append(data)

    def eof_received(self) -> bool:
        self._task = self._node.begin(self, self._command, b"".join(self._stdin))
        return True

    def signal_received(self, signal: str) -> None:
        self._node.signals.append(signal)
        self._cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._node.sessions.discard(self)
        self._cancel()

    async def serve(self, answer: Answer, command: str, stdin: bytes) -> None:
        """Answer, and end as the reply says; a client that has gone is no failure."""
        reply = await answer(command, stdin)
        await SystemClock().sleep(reply.delay_s)
        with suppress(OSError):
            self._channel.write(reply.stdout)
            self._channel.write(reply.stderr, EXTENDED_DATA_STDERR)
            if reply.exit_signal:
                self._channel.exit_with_signal(reply.exit_signal)
            else:
                self._channel.exit(reply.exit_status)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
