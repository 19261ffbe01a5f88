"""What the mounting of a cluster's folders does on this machine: programs, probes, the kernel."""

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from services.collector.mounts.command import FUSERMOUNT, SSHFS
from services.collector.mounts.table import Mounted, read_table
from slurmfleet.contracts.text import clean_line

FUSE = Path("/dev/fuse")
CONNECTIONS = Path("/sys/fs/fuse/connections")
PROCESSES = Path("/proc")
_MOST_SAID = 4_096
_SAYS_NOTHING = frozenset({"read: Connection reset by peer"})


class ProgramFailedError(Exception):
    """A program did not do what it was for; says why in its own words."""


class Machine:
    """This machine, as far as mounting goes."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Give programs this environment."""
        self._environment = environment
        self._probes: dict[Path, asyncio.subprocess.Process] = {}

    @property
    def name(self) -> str:
        """Name it."""
        return socket.gethostname()

    def obstacle(self) -> str:
        """Say why nothing can be mounted here, and what mends it; empty where it can."""
        if shutil.which(SSHFS, path=self._path) is None:
            return (
                f"sshfs is not installed on {self.name}; Debian has it as sshfs, RHEL as fuse-sshfs"
            )
        if shutil.which(FUSERMOUNT, path=self._path) is None:
            return f"{FUSERMOUNT} is not installed on {self.name}; it comes with fuse3"
        if not FUSE.exists():
            return f"there is no {FUSE} on {self.name}, as in a container that was not given it"
        return ""

    async def mounted(self) -> Mapping[Path, Mounted]:
        """Give what the kernel has mounted, by mount point."""
        return await asyncio.to_thread(read_table)

    async def run(self, argv: Sequence[str], *, limit_s: float) -> None:
        """Run a program; what it leaves running in the background stays.

        Raises:
            ProgramFailedError: It failed, or took too long and was ended.
        """
        # A file, not a pipe: what stays in the background would hold that open for ever.
        with tempfile.TemporaryFile() as said:
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    env=dict(self._environment),
                    start_new_session=True,
                )
            except OSError as exc:
                raise ProgramFailedError(f"{argv[0]} cannot be started: {exc.strerror}") from exc
            try:
                async with asyncio.timeout(limit_s):
                    status = await process.wait()
            except BaseException as exc:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(exc, TimeoutError):
                    raise ProgramFailedError(f"{argv[0]} took longer than {limit_s:g} s") from exc
                raise
            if status:
                said.seek(0)
                words = said.read(_MOST_SAID).decode("utf-8", "replace")
                raise ProgramFailedError(_reason(words) or f"{argv[0]} failed")

    async def answers(self, point: Path, *, limit_s: float) -> bool:
        """Tell whether what is mounted answers in time.

        A program asks, since nothing ends a call that hangs in the kernel. While one hangs no other
        is sent after it.
        """
        process = self._probes.get(point)
        if process is None or process.returncode is not None:
            process = self._probes[point] = await self._ask(point)
        try:
            async with asyncio.timeout(limit_s):
                return await process.wait() == 0
        except TimeoutError:
            # It may hang where no signal reaches it, so its end is not waited for.
            with suppress(ProcessLookupError):
                process.kill()
            return False

    async def abort(self, mount: Mounted) -> None:
        """Have the kernel give up a mount of sshfs: whoever hangs in it gets an error."""
        await asyncio.to_thread(_abort, mount)

    async def _ask(self, point: Path) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *("stat", "-f", "--", str(point)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(self._environment),
            start_new_session=True,
        )

    @property
    def _path(self) -> str | None:
        return self._environment.get("PATH")


def _abort(mount: Mounted) -> None:
    with suppress(OSError):  # no fusectl is mounted here
        (CONNECTIONS / mount.minor / "abort").write_text("1")
    # With its program goes the connection as well.
    for folder in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            argv = (folder / "cmdline").read_bytes().split(b"\0")
            is_ours = folder.stat().st_uid == os.getuid()
            if is_ours and argv[0] == SSHFS.encode() and os.fsencode(mount.point) in argv:
                os.kill(int(folder.name), signal.SIGKILL)


def _reason(words: str) -> str:
    """Give what a program said went wrong: ssh says why, and sshfs only that ssh has ended."""
    lines = [line for line in words.splitlines() if line.strip()]
    said = [line for line in lines if line not in _SAYS_NOTHING] or lines
    return clean_line("; ".join(said[-2:]))
