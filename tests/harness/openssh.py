"""OpenSSH's own server for tests: its own configuration, keys, user and port."""

import asyncio
import os
import pwd
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.target import SshTarget
from slurmfleet.timing.clock import SystemClock

HOST_KEY_KINDS = ("ed25519", "ecdsa", "rsa")

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_ed25519
HostKey {folder}/host_ecdsa
HostKey {folder}/host_rsa
{more}
PidFile none
AuthorizedKeysFile {folder}/client_key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxSessions {max_sessions}
MaxAuthTries 2
LogLevel VERBOSE
"""


# A root sshd can let a user in that the machine does not know: it sees a user list of its own.
# (OpenSSH does not separate privileges for root and then ignores signals to commands, which no
# real login node does.)
OWN_USER = "sshtest"
OWN_UID = 54321
WITH_OWN_USER = 'mount --bind "$0" /etc/passwd && exec "$@"'


@dataclass(kw_only=True)
class Sshd:
    """One server that lets one user in, on a port of its own."""

    program: str
    folder: Path
    port: int
    max_sessions: int = 10
    more: str = ""
    login_shell: str = "/bin/sh"
    """Login shell of the user; only root's sshd can be given another."""
    home: Path = Path("/")
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        config = self.folder / "sshd_config"
        config.write_text(
            CONFIG.format(
                port=self.port, folder=self.folder, max_sessions=self.max_sessions, more=self.more
            )
        )
        with self.log_file.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._wrapper(), self.program, "-D", "-e", "-f", str(config), stderr=log
            )
        await until(lambda: "Server listening" in self.log())

    async def stop(self) -> None:
        """Stop the server and every connection of it, frozen or not."""
        if self.process is not None:
            for pid in (*self.connections(), self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await self.process.wait()
            self.process = None

    async def restart(self, **changes: object) -> None:
        """Start again with other settings."""
        await self.stop()
        for name, value in changes.items():
            setattr(self, name, value)
        await self.start()

    def give_home(self) -> None:
        """Give the user a home of its own, where it may write."""
        self.home = self.folder / "home"
        self.home.mkdir(exist_ok=True)
        self.home.chmod(0o777)

    def dotfile(self, name: str, text: str) -> None:
        """Write a dotfile of the user, in a home of its own."""
        self.give_home()
        (self.home / name).write_text(text)
        (self.home / name).chmod(0o644)

    def freeze(self) -> None:
        """Stop all that serves a connection now; new connections are served."""
        for pid in self.connections():
            with suppress(ProcessLookupError):  # sshd has helpers that end by themselves
                os.kill(pid, signal.SIGSTOP)

    def _wrapper(self) -> list[str]:
        if os.getuid() != 0:
            return []
        users = self.folder / "passwd"
        entry = f"{OWN_USER}:*:{OWN_UID}:{OWN_UID}::{self.home}:{self.login_shell}\n"
        users.write_text(Path("/etc/passwd").read_text() + entry)
        return ["unshare", "--mount", "sh", "-c", WITH_OWN_USER, str(users)]

    def connections(self) -> list[int]:
        """List the processes that serve connections, and the commands they run."""
        assert self.process is not None
        return descendants(self.process.pid)

    @property
    def log_file(self) -> Path:
        return self.folder / "log"

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def host_line(self, kind: str) -> str:
        algorithm, data = (self.folder / f"host_{kind}.pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {algorithm} {data}"

    def target(self, *pinned: str) -> SshTarget:
        return SshTarget(
            cluster=ClusterName("alpha"),
            host="127.0.0.1",
            port=self.port,
            user=pwd.getpwuid(os.getuid()).pw_name if os.getuid() else OWN_USER,
            key_files=(self.folder / "client_key",),
            use_agent=False,
            pinned_host_keys=pinned or (self.host_line("ed25519"),),
        )


def descendants(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return []
    return [one for child in map(int, listed) for one in (child, *descendants(child))]


def keygen(*arguments: str) -> str:
    call = ["ssh-keygen", "-q", *(["-N", ""] if "-t" in arguments else []), *arguments]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout


def processes() -> str:
    return subprocess.run(["ps", "-eo", "args="], check=True, capture_output=True, text=True).stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await SystemClock().sleep(0.02)


def need_login_shell(path: str) -> None:
    """Skip where a shell is not installed, or the server cannot give it to its user."""
    if not Path(path).exists():
        pytest.skip(f"{path} is not installed")
    if os.getuid() != 0:
        pytest.skip("only root's sshd can give its user another login shell")
