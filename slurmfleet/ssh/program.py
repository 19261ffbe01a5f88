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
    SshLaneBusyError,
)
from slurmfleet.ssh.lanes import (
    USER_LIMITS,
    WATCH_LIMITS,
    Lane,
    LaneLimits,
    LaneLoad,
    Turn,
)
from slurmfleet.ssh.lines import open_lines
from slurmfleet.ssh.overrun import overrun
from slurmfleet.ssh.port import (
    DEFAULT_MAX_LINE_BYTES,
    DEFAULT_MAX_OUTPUT_BYTES,
    LineStream,
)
from slurmfleet.ssh.route import nominal_endpoint
from slurmfleet.ssh.scripts import ScriptRunner
from slurmfleet.ssh.sessions import LaneFullError, NoRoomError, Sessions
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
        watch: LaneLimits = WATCH_LIMITS,
        user: LaneLimits = USER_LIMITS,
        is_bounded: bool = True,
    ) -> None:
        """Describe the link; nothing is started before the first command."""
        self._target = target
        self._door = door
        self._clock = clock
        self._keeps_shell = keeps_shell
        self._sessions = Sessions(watch=watch, user=user, clock=clock, is_bounded=is_bounded)
        self._endpoint = nominal_endpoint(target)
        self._last_error: SshError | None = None
        self._running: set[FallibleDuplex] = set()
        self._is_closing = False

    async def __aenter__(self) -> Self:
        """Be ready for commands."""
        self._children = asyncio.TaskGroup()
        await self._children.__aenter__()
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
        """Why the watch's newest command has no result; None when it has one."""
        return self._last_error

    def load(self, lane: Lane) -> LaneLoad:
        """Give what of a lane runs and waits now."""
        return self._sessions.load(lane)

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
        lane: Lane = Lane.WATCH,
    ) -> CommandResult:
        """Run one command, as `Link.run` says.

        Raises:
            SshError: There is no complete result.
        """
        started_s, turn = self._clock.monotonic_s(), Turn(lane)
        with self._remembering(lane):
            try:
                async with (
                    Budget(operation="run a command", limit_s=limit_s).enforce(),
                    self._open(command, Use.COMMAND, turn) as duplex,
                ):
                    result = await collect(duplex, stdin, max_output_bytes=max_output_bytes)
            except BudgetExceededError as exc:
                raise overrun(
                    self._endpoint, turn, operation=exc.operation, limit_s=limit_s
                ) from exc
        return replace(result, duration_s=self._clock.monotonic_s() - started_s)

    async def run_script(
        self,
        script: str,
        *,
        limit_s: float,
        login: bool = False,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
        lane: Lane = Lane.WATCH,
    ) -> CommandResult:
        """Run a bash script, as `Link.run_script` says.

        Raises:
            SshError: There is no complete result.
        """
        with self._remembering(lane):
            return await self._scripts.run(
                script,
                endpoint=self._endpoint,
                limit_s=limit_s,
                login=login,
                max_output_bytes=max_output_bytes,
                lane=lane,
            )

    @asynccontextmanager
    async def stream(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        keeps_stdin: bool = False,
        max_line_bytes: int = DEFAULT_MAX_LINE_BYTES,
        lane: Lane = Lane.WATCH,
    ) -> AsyncGenerator[LineStream]:
        """Keep a command running and read its lines, as `Link.stream` says.

        Raises:
            SshError: It does not begin, or breaks.
        """
        async with open_lines(
            self._open,
            command,
            stdin,
            keeps_stdin=keeps_stdin,
            max_line_bytes=max_line_bytes,
            begin_limit_s=self._target.connect_timeout_s,
            endpoint=self._endpoint,
            lane=lane,
        ) as lines:
            yield lines

    @asynccontextmanager
    async def _open(self, command: str, use: Use, turn: Turn) -> AsyncGenerator[Duplex]:
        async with AsyncExitStack() as stack:
            begin = self._queue if use is Use.COMMAND else self._squeeze_in
            duplex = await begin(command, use, turn, stack)
            self._running.add(duplex)
            stack.callback(self._running.discard, duplex)
            yield duplex

    async def _queue(
        self, command: str, use: Use, turn: Turn, stack: AsyncExitStack
    ) -> FallibleDuplex:
        """Begin a command as soon as there is a session for it."""
        pauses_s = iter(LONE_REFUSALS_S)
        while True:
            async with AsyncExitStack() as attempt:
                try:
                    await attempt.enter_async_context(self._sessions.command(turn))
                except LaneFullError as exc:
                    raise SshLaneBusyError(self._endpoint, str(exc)) from exc
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
                    await wait_real_s(pause_s)  # in its place, as in `Channels`
                else:
                    await stack.enter_async_context(attempt.pop_all())
                    return duplex

    async def _squeeze_in(
        self, command: str, use: Use, turn: Turn, stack: AsyncExitStack
    ) -> FallibleDuplex:
        """Begin a stream or a shell if a session is left over.

        A task of the link carries it: one that has to give way must end at once, whether or not
        anybody reads it.
        """
        opened: asyncio.Future[FallibleDuplex] = asyncio.get_running_loop().create_future()
        left = asyncio.Event()
        carrying = self._carry(command, use, turn, opened, left)
        try:
            carrier = self._children.create_task(carrying, name=f"carry a {use}")
        except RuntimeError as exc:  # the group takes no task any more
            carrying.close()
            raise SshConnectionLostError(self._endpoint, "the link is not open") from exc
        try:
            duplex = await opened
        except BaseException:
            carrier.cancel()
            raise

        async def leave() -> None:
            left.set()
            await asyncio.wait({carrier})

        stack.push_async_callback(leave)
        return duplex

    async def _carry(
        self,
        command: str,
        use: Use,
        turn: Turn,
        opened: "asyncio.Future[FallibleDuplex]",
        left: asyncio.Event,
    ) -> None:
        """Hold a stream or a shell until it is left or has to give way."""

        def give_way() -> None:
            if opened.done() and not opened.cancelled() and opened.exception() is None:
                opened.result().fail(
                    SshChannelRefusedError(self._endpoint, "commands needed its session")
                )
            left.set()

        try:
            with self._sessions.spare(use, turn, give_way):
                try:
                    async with self._door.open(command, use, self._children) as duplex:
                        if opened.cancelled():
                            return
                        opened.set_result(duplex)
                        await left.wait()
                except SshChannelRefusedError:
                    self._sessions.note_refusal()
                    raise
        except NoRoomError as exc:
            _refuse(opened, SshChannelRefusedError(self._endpoint, str(exc)), exc)
        except LaneFullError as exc:
            _refuse(opened, SshLaneBusyError(self._endpoint, str(exc)), exc)
        except SshError as exc:
            _refuse(opened, exc, exc.__cause__)

    @contextmanager
    def _remembering(self, lane: Lane) -> Generator[None]:
        error: SshError | None = None
        try:
            yield
        except SshError as exc:
            error = exc
            raise
        finally:
            if lane is Lane.WATCH:
                self._last_error = error


def _refuse(
    opened: "asyncio.Future[FallibleDuplex]", error: SshError, cause: BaseException | None
) -> None:
    """Tell who waits that it does not begin; one that has begun has told its end itself."""
    if not opened.done():
        error.__cause__ = cause
        opened.set_exception(error)
