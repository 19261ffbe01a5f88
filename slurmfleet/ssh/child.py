"""A program on this machine, and all that it starts, in a process group of its own."""

import asyncio
import os
import signal
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from slurmfleet.ssh.duplex import Ending, Piece
from slurmfleet.ssh.errors import SshConnectionLostError, SshError
from slurmfleet.ssh.inbox import Inbox
from slurmfleet.ssh.target import Endpoint

_CHUNK_BYTES = 64 * 2**10

_Started = tuple[asyncio.subprocess.Process, asyncio.SubprocessTransport]


class Child:
    """A `Duplex` over a program's pipes."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        transport: asyncio.SubprocessTransport,
        endpoint: Endpoint,
    ) -> None:
        """Read from a process that has just begun; `pump` has to run beside it."""
        self._process = process
        self._transport = transport
        self._is_left = False
        self._endpoint = endpoint
        self._inbox = Inbox()
        self._drained = asyncio.Event()

    @property
    def endpoint(self) -> Endpoint:
        """Where it is thought to run."""
        return self._endpoint

    @property
    def ending(self) -> Ending | None:
        """How it ended; None before that is known."""
        status = self._process.returncode
        if status is None or not (self._inbox.is_over and self._inbox.is_empty):
            return None
        if status >= 0:
            return Ending(exit_status=status)
        return Ending(exit_signal=signal.Signals(-status).name.removeprefix("SIG"))

    @property
    def has_news(self) -> bool:
        """Whether there is unread output or an end."""
        return self._inbox.has_news

    def send(self, data: bytes, *, last: bool = False) -> None:
        """Write to its standard input; a program that has ended reads nothing."""
        if self._process.stdin is not None:
            with suppress(OSError, RuntimeError):
                self._process.stdin.write(data)
                if last:
                    self._process.stdin.close()

    async def receive(self) -> Piece | None:
        """Give the next output, or None at the end.

        Raises:
            SshError: It was told to give way.
        """
        piece = await self._inbox.take()
        if self._inbox.has_room:
            self._drained.set()
        return piece

    def fail(self, error: SshError) -> None:
        """End it now, for a reason of our own."""
        self._inbox.fail(error)
        self._kill(signal.SIGTERM)

    async def pump(self) -> None:
        """Carry its output to the inbox until every writer has let go, then note its end."""
        outputs = ((self._process.stdout, False), (self._process.stderr, True))
        async with asyncio.TaskGroup() as group:
            for source, is_error in outputs:
                if source is not None:
                    group.create_task(self._carry(source, is_error=is_error), name="child output")
        await self._process.wait()
        self._inbox.finish()

    async def stop(self, *, grace_s: float) -> None:
        """End it and all that it started: SIGTERM, and SIGKILL after the grace."""
        try:
            if self._process.returncode is None and grace_s:
                self._kill(signal.SIGTERM)
                with suppress(TimeoutError):
                    async with asyncio.timeout(grace_s):
                        await self._process.wait()
        finally:
            # The group may have members after its first has ended.
            self._kill(signal.SIGKILL)
            self._is_left = True
            self._drained.set()
            self._transport.close()  # one that has left the group may hold the pipes for ever

    async def _carry(self, source: asyncio.StreamReader, *, is_error: bool) -> None:
        while data := await source.read(_CHUNK_BYTES):
            self._inbox.put(Piece(data, is_error=is_error))
            while self._inbox.is_full and not self._is_left:
                self._drained.clear()
                await self._drained.wait()

    def _kill(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@asynccontextmanager
async def open_child(
    argv: Sequence[str],
    *,
    endpoint: Endpoint,
    environment: Mapping[str, str] | None,
    children: asyncio.TaskGroup,
    grace_s: float,
) -> AsyncGenerator[Child]:
    """Start a program; leaving the context ends it and all that it started.

    Args:
        argv: The program and its arguments.
        endpoint: For error messages.
        environment: All of it; None: ours.
        children: Runs what reads its output.
        grace_s: Between SIGTERM and SIGKILL; 0: SIGKILL at once.

    Raises:
        OSError: It cannot be started.
        SshConnectionLostError: The link was left while it was started.
    """
    process, transport = await _start_whole(argv, environment, children)
    child = Child(process, transport, endpoint)
    pumping = child.pump()
    try:
        children.create_task(pumping, name=f"read from {argv[0]}")
    except RuntimeError as exc:  # the group takes no task any more
        pumping.close()
        await child.stop(grace_s=0.0)
        raise SshConnectionLostError(endpoint, "the link was left") from exc
    try:
        yield child
    finally:
        await child.stop(grace_s=grace_s)


async def ask_program(
    argv: Sequence[str], environment: Mapping[str, str] | None
) -> tuple[int, str, str]:
    """Run a program that says little; give its status and both outputs.

    Raises:
        OSError: It cannot be started.
    """
    process, transport = await _start(argv, environment)
    try:
        stdout, stderr = await process.communicate(b"")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        transport.close()
    return (
        process.returncode or 0,
        stdout.decode("utf-8", "replace"),
        stderr.decode("utf-8", "replace"),
    )


async def _start_whole(
    argv: Sequence[str], environment: Mapping[str, str] | None, children: asyncio.TaskGroup
) -> _Started:
    """Start a program in a task of its own: a caller cancelled meanwhile leaves nothing running.

    asyncio itself would then kill the program, but nothing that it has started by then.
    """

    async def attempt() -> _Started | OSError:
        try:
            return await _start(argv, environment)
        except OSError as exc:
            return exc

    starting = children.create_task(attempt(), name=f"start {argv[0]}")
    try:
        started = await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_forget)
        raise
    if isinstance(started, OSError):
        raise started
    return started


def _forget(starting: "asyncio.Task[_Started | OSError]") -> None:
    """End what was started for nobody."""
    if starting.cancelled() or isinstance(started := starting.result(), OSError):
        return
    process, transport = started
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    transport.close()


async def _start(argv: Sequence[str], environment: Mapping[str, str] | None) -> _Started:
    """Start a program as `create_subprocess_exec` does, and give its transport too.

    Only that can close pipes which a process outside the group still holds.
    """
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: SubprocessStreamProtocol(limit=_CHUNK_BYTES, loop=loop),
        *argv,
        start_new_session=True,
        env=dict(environment) if environment is not None else None,
    )
    return asyncio.subprocess.Process(transport, protocol, loop), transport
