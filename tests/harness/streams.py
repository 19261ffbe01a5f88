"""Commands that run on a site for long and are read line by line, through the system's OpenSSH."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.harness.sites import TESTBED_ROOT, RealSite, SimulatedSite, Site


@dataclass(kw_only=True)
class SshLines:
    """The lines of one command."""

    process: asyncio.subprocess.Process
    stderr_tail: bytes = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        async for line in self.process.stdout:
            yield line.rstrip(b"\n")
        self.stderr_tail = (await self.process.stderr.read())[-4096:]
        await self.process.wait()


@dataclass(kw_only=True)
class SshStreams:
    """Opens them, and counts how many."""

    site: Site
    user: str = "alice"
    commands: list[str] = field(default_factory=list[str])

    @asynccontextmanager
    async def stream(self, command: str, *, stdin: bytes = b"") -> AsyncGenerator[SshLines]:
        """Run a command until the body is left."""
        self.commands.append(command)
        process = await asyncio.create_subprocess_exec(
            "ssh",
            *("-o", "BatchMode=yes", *ssh_arguments(self.site, self.user), command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        try:
            with suppress(OSError):
                process.stdin.write(stdin)
                await process.stdin.drain()
                process.stdin.close()
            yield SshLines(process=process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def ssh_arguments(site: Site, user: str) -> list[str]:
    """Give what OpenSSH needs to log in to a site as a user."""
    if isinstance(site, RealSite):
        return ["-F", str(TESTBED_ROOT / "ssh_config"), f"{site.name}-{user}"]
    assert isinstance(site, SimulatedSite)
    known = site.control_path.parent / "known_hosts.test"
    known.write_text(f"{site.about['known_hosts']}\n")
    return [
        *("-p", str(site.about["port"]), "-i", site.about["key_file"]),
        *("-l", user if user in site.about["users"] else site.about["user"]),
        *("-o", f"UserKnownHostsFile={known}", "-o", "IdentitiesOnly=yes"),
        site.about["host"],
    ]
