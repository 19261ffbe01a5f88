"""A connection that a person opened with OpenSSH, for tests."""

import asyncio

from slurmfleet.ssh.target import SshTarget
from tests.harness.openssh import Sshd, until


class Master:
    """A person's own `ssh -M`, in the foreground so that the test can end it."""

    def __init__(self, sshd: Sshd) -> None:
        self.sshd = sshd
        self.socket = sshd.folder / "master"
        self.config = sshd.folder / "ssh_config"
        known = sshd.folder / "known_hosts"
        known.write_text(sshd.host_line("ed25519") + "\n")
        self.config.write_text(
            f"Host login\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.target().user}\n"
            f"  IdentityFile {sshd.folder}/client_key\n  UserKnownHostsFile {known}\n"
            f"  ControlPath {self.socket}\n"
        )
        self.process: asyncio.subprocess.Process | None = None

    async def open(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *("ssh", "-F", str(self.config), "-M", "-N", "-o", "IdentityAgent=none", "login")
        )
        await until(self.socket.exists)

    async def close(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.socket.unlink(missing_ok=True)

    def target(self) -> SshTarget:
        """Describe the alias; no key is named, so nobody could log in with this by himself."""
        return SshTarget(
            cluster=self.sshd.target().cluster, host="login", config_files=(self.config,)
        )

    def logins(self) -> int:
        return self.sshd.log().count("Accepted publickey")

    def connections(self) -> int:
        return self.sshd.log().count("Connection from")
