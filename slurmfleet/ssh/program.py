"""A link whose commands are programs of this machine: ssh through a master, or a shell right here.

How one is started and judged is the business of a door (`master.py`, `local.py`).
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import replace
from typing import Protocol, Self

from slurmfleet.ssh.channels import LONE_REFUSALS_S, wait_real_s
from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.duplex import Duplex, Use, collect
from slurmfleet.ssh.errors import (
    SshChannelRefusedError,
    SshConnectionLostError,
    SshError,
    SshTimeoutError,
)
from slurmfleet.ssh.lines import open_lines
from slurmfleet.ssh.port import (
    DEFAULT_MAX_CHANNELS,
    DEFAULT_MAX_LINE_BYTES,
    DEFAULT_MAX_OUTPUT_BYTES,
    DEFAULT_MAX_STREAMS,
    LineStream,
)
from slurmfleet.ssh.route import nominal_endpoint
from slurmfleet.ssh.scripts import ScriptRunner
from slurmfleet.ssh.sessions import NoRoomError, Sessions
from slurmfleet.ssh.target import SshTarget
from slurmfleet.timing.budget import Budget, BudgetExceededError
from slurmfleet.timing.clock import Clock


class FallibleDuplex(Duplex, Protocol):
    """A running command that can be told to give way."""

    def fail(self, error: SshError) -> None:
        """End it now with this error."""
        ...


class Door(Protocol):
    """Starts commands on one login node."""

    @property
    def connections_opened(self) -> int:
        """How many different connections commands went through so far."""
        ...

    def reset(self) -> None:
        """Forget what was learnt, because a person has changed something."""
        ...

    def open(
        self, command: str, use: Use, children: asyncio.TaskGroup
    ) -> AbstractAsyncContextManager[FallibleDuplex]:
        """Start a command and wait until it has begun; leaving the context stops it.

        Raises:
            SshError: It does not begin.
        """
        ...


class ProgramLink:
    """Runs commands through a door; a `Link`."""

    def __init__(
        self,
        target: SshTarget,
        door: Door,
        *,
        clock: Clock,
        keeps_shell: bool,
        max_channels: int = DEFAULT_MAX_CHANNELS,
        max_streams: int = DEFAULT_MAX_STREAMS,
    ) -> None:
        """Describe the link; nothing is started before the first command."""
        self._target = target
        self._door = door
        self._clock = clock
        self._keeps_shell = keeps_shell
        self._max_channels = max_channels
        self._max_streams = max_streams
        self._endpoint = nominal_endpoint(target)
        self._last_error: SshError | None = None
        self._running: set[FallibleDuplex] = set()
        self._is_closing = False

    async def __aenter__(self) -> Self:
        """Be ready for commands."""
        self._children = asyncio.TaskGroup()
        await self._children.__aenter__()
        self._sessions = Sessions(
            max_commands=self._max_channels, max_streams=self._max_streams, clock=self._clock
        )
        self._scripts = ScriptRunner(
            self._open, clock=self._clock, children=self._children, keeps_shell=self._keeps_shell
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop what still runs; its callers get `SshConnectionLostError`."""
        self._is_closing = True
        self._scripts.close()
        for running in self._running:
            running.fail(SshConnectionLostError(self._endpoint, "the link was closed"))
        # The group never learns of the body's error: it would wrap it.
        await self._children.__aexit__(None, None, None)

    @property
    def target(self) -> SshTarget:
        """Where it leads."""
        return self._target

    @property
    def connections_opened(self) -> int:
        """How many different connections commands went through so far."""
        return self._door.connections_opened

    @property
    def is_denied(self) -> bool:
        """Never: nothing here logs in."""
        return False

    @property
    def last_error(self) -> SshError | None:
        """Why the newest command has no result; None when it has one."""
        return self._last_error

    @property
    def shell_runs(self) -> int:
        """Scripts that went through a bash that stayed open."""
        return self._scripts.shell_runs

    def reset_latch(self) -> None:
        """Forget what was learnt, because a person has changed something."""
        self._door.reset()

    async def run(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        limit_s: float,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
    ) -> CommandResult:
        """Run one command, as `Link.run` says.

        Raises:
            SshError: There is no complete result.
        """
        started_s = self._clock.monotonic_s()
        with self._remembering():
            try:
                async with (
                    Budget(operation="run a command", limit_s=limit_s).enforce(),
                    self._open(command, Use.COMMAND) as duplex,
                ):
                    result = await collect(duplex, stdin, max_output_bytes=max_output_bytes)
            except BudgetExceededError as exc:
                raise SshTimeoutError(
                    self._endpoint, operation=exc.operation, limit_s=limit_s
                ) from exc
        return replace(result, duration_s=self._clock.monotonic_s() - started_s)

    async def run_script(
        self,
        script: str,
        *,
        limit_s: float,
        login: bool = False,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
    ) -> CommandResult:
        """Run a bash script, as `Link.run_script` says.

        Raises:
            SshError: There is no complete result.
        """
        with self._remembering():
            return await self._scripts.run(
                script,
                endpoint=self._endpoint,
                limit_s=limit_s,
                login=login,
                max_output_bytes=max_output_bytes,
            )

    @asynccontextmanager
    async def stream(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        max_line_bytes: int = DEFAULT_MAX_LINE_BYTES,
    ) -> AsyncGenerator[LineStream]:
        """Keep a command running and read its lines, as `Link.stream` says.

        Raises:
            SshError: It does not begin, or breaks.
        """
        async with open_lines(
            self._open,
            command,
            stdin,
            max_line_bytes=max_line_bytes,
            begin_limit_s=self._target.connect_timeout_s,
            endpoint=self._endpoint,
        ) as lines:
            yield lines

    @asynccontextmanager
    async def _open(self, command: str, use: Use) -> AsyncGenerator[Duplex]:
        async with AsyncExitStack() as stack:
            begin = self._queue if use is Use.COMMAND else self._squeeze_in
            duplex = await begin(command, use, stack)
            self._running.add(duplex)
            stack.callback(self._running.discard, duplex)
            yield duplex

    async def _queue(self, command: str, use: Use, stack: AsyncExitStack) -> FallibleDuplex:
        """Begin a command as soon as there is a session for it."""
        pauses_s = iter(LONE_REFUSALS_S)
        while True:
            async with AsyncExitStack() as attempt:
                await attempt.enter_async_context(self._sessions.command())
                if self._is_closing:
                    raise SshConnectionLostError(self._endpoint, "the link is not open")
                try:
                    duplex = await attempt.enter_async_context(
                        self._door.open(command, use, self._children)
                    )
                except SshChannelRefusedError:
                    pause_s = 0.0 if self._sessions.note_refusal() else next(pauses_s, None)
                    if pause_s is None:
                        raise
                else:
                    await stack.enter_async_context(attempt.pop_all())
                    return duplex
            await wait_real_s(pause_s)

    async def _squeeze_in(self, command: str, use: Use, stack: AsyncExitStack) -> FallibleDuplex:
        """Begin a stream or a shell if a session is left over."""
        begun: list[FallibleDuplex] = []

        def give_way() -> None:
            error = SshChannelRefusedError(self._endpoint, "commands needed its session")
            for one in begun:
                one.fail(error)

        try:
            stack.enter_context(self._sessions.spare(use, give_way))
            duplex = await stack.enter_async_context(self._door.open(command, use, self._children))
        except NoRoomError as exc:
            raise SshChannelRefusedError(self._endpoint, str(exc)) from exc
        except SshChannelRefusedError:
            self._sessions.note_refusal()
            raise
        begun.append(duplex)
        return duplex

    @contextmanager
    def _remembering(self) -> Generator[None]:
        try:
            yield
        except SshError as exc:
            self._last_error = exc
            raise
        self._last_error = None
