"""The persistent connection to one login node, by our own SSH.

    async with SshLink(target, clock=clock) as link:
        result = await link.run("squeue", limit_s=20)

A link connects when it is first needed and again after a loss, never on its own account: how long
to wait between failures is its caller's business, but for a server that drops logins at its door,
which is left in peace. Callers that come while it connects share that one attempt. A denied login
is remembered, and the server is not asked again until `reset_latch`.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Self

from slurmfleet.ssh.channels import Channels
from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import SshError
from slurmfleet.ssh.keeper import LoginKeeper
from slurmfleet.ssh.lanes import (
    USER_LIMITS,
    WATCH_LIMITS,
    Lane,
    LaneLimits,
    LaneLoad,
    Turn,
)
from slurmfleet.ssh.lines import open_lines
from slurmfleet.ssh.port import (
    DEFAULT_MAX_LINE_BYTES,
    DEFAULT_MAX_OUTPUT_BYTES,
    LineStream,
)
from slurmfleet.ssh.scripts import ScriptRunner
from slurmfleet.ssh.sessions import Sessions
from slurmfleet.ssh.target import SshTarget
from slurmfleet.timing.clock import Clock


class SshLink:
    """Runs commands on one login node over one connection; a `Link`."""

    def __init__(
        self,
        target: SshTarget,
        *,
        clock: Clock,
        watch: LaneLimits = WATCH_LIMITS,
        user: LaneLimits = USER_LIMITS,
        keeps_shell: bool = True,
    ) -> None:
        """Describe the link; nothing is connected before the first command.

        Args:
            target: Where it leads.
            clock: For durations and waits.
            watch: How much the watch may run at once.
            user: How much may run and wait on behalf of people, beside the watch.
            keeps_shell: Whether a bash may stay open for scripts.
        """
        self._target = target
        self._clock = clock
        self._keeps_shell = keeps_shell
        self._keeper = LoginKeeper(target, clock=clock)
        self._sessions = Sessions(watch=watch, user=user, clock=clock)
        self._last_error: SshError | None = None

    async def __aenter__(self) -> Self:
        """Be ready for commands."""
        self._children = asyncio.TaskGroup()
        await self._children.__aenter__()
        self._keeper.open(self._children)
        self._channels = Channels(
            self._keeper,
            self._sessions,
            open_limit_s=self._target.connect_timeout_s,
            children=self._children,
        )
        self._scripts = ScriptRunner(
            self._channels.open,
            clock=self._clock,
            children=self._children,
            keeps_shell=self._keeps_shell,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection; commands still running end with `SshConnectionLostError`."""
        try:
            self._scripts.close()
            await self._keeper.close()
        finally:
            # The group never learns of the body's error: it would wrap it.
            await self._children.__aexit__(None, None, None)

    @property
    def target(self) -> SshTarget:
        """Where it leads."""
        return self._target

    @property
    def is_connected(self) -> bool:
        """Whether the next command needs no new connection."""
        return self._keeper.is_connected

    @property
    def connections_opened(self) -> int:
        """Successful logins so far."""
        return self._keeper.connections_opened

    @property
    def is_denied(self) -> bool:
        """Whether a denied login is remembered."""
        return self._keeper.is_denied

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
        """Forget denials and waits, because a person has changed something."""
        self._keeper.reset()

    async def run(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        limit_s: float,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
        lane: Lane = Lane.WATCH,
    ) -> CommandResult:
        """Run one command, as `Link.run` says; the connection survives its failure.

        Raises:
            SshError: There is no complete result.
        """
        with self._remembering(lane):
            started_s = self._clock.monotonic_s()
            conversation = await self._channels.run(
                command, stdin, Turn(lane), limit_s=limit_s, max_output_bytes=max_output_bytes
            )
            return conversation.result(duration_s=self._clock.monotonic_s() - started_s)

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
                endpoint=self._keeper.endpoint,
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
            self._channels.open,
            command,
            stdin,
            keeps_stdin=keeps_stdin,
            max_line_bytes=max_line_bytes,
            begin_limit_s=self._target.connect_timeout_s,
            endpoint=self._keeper.endpoint,
            lane=lane,
        ) as lines:
            yield lines

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
