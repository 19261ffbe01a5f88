"""The persistent connection to one login node.

    async with SshLink(target, clock=clock) as link:
        result = await link.run("squeue", limit_s=20)

A link connects when it is first needed and again after a loss, never on its own account: how long
to wait between failures is its caller's business. Callers that come while it connects share that
one attempt. A denied login is remembered, and the server is not asked again until `reset_latch`.
"""

import asyncio
from typing import Final, Self

import asyncssh

from slurmfleet.ssh.connect import Login, open_login
from slurmfleet.ssh.conversation import CommandResult, Conversation
from slurmfleet.ssh.errors import (
    SshAuthDeniedError,
    SshConnectionLostError,
    SshError,
    SshTimeoutError,
)
from slurmfleet.ssh.route import nominal_endpoint
from slurmfleet.ssh.target import Endpoint, SshTarget
from slurmfleet.ssh.translate import DRIVER_ERRORS, command_error
from slurmfleet.timing.budget import Budget, BudgetExceededError
from slurmfleet.timing.clock import Clock

DEFAULT_MAX_OUTPUT_BYTES: Final = 64 * 2**20

DEFAULT_MAX_CHANNELS: Final = 4
"""Commands at once. Not more than half of the server's MaxSessions (10 in OpenSSH unless the site
says otherwise): sshd frees a session a moment after it has told us that the channel is closed."""


class SshLink:
    """Runs commands on one login node over one connection."""

    def __init__(
        self, target: SshTarget, *, clock: Clock, max_channels: int = DEFAULT_MAX_CHANNELS
    ) -> None:
        """Describe the link; nothing is connected before the first command."""
        self.target = target
        self._clock = clock
        self._max_channels = max_channels
        self._login: Login | None = None
        self._attempt: asyncio.Future[Login] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._denial: SshAuthDeniedError | None = None
        self._is_closing = False
        self.connections_opened = 0
        """Successful logins so far."""
        self.last_error: SshError | None = None
        """Why the newest command has no result; None when it has one."""

    async def __aenter__(self) -> Self:
        """Be ready for commands."""
        self._slots = asyncio.Semaphore(self._max_channels)
        self._children = asyncio.TaskGroup()
        await self._children.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection; commands still running end with `SshConnectionLostError`."""
        self._is_closing = True
        if self._connecting is not None:
            self._connecting.cancel()
        try:
            if self._login is not None:
                await self._login.close()
        finally:
            # The group never learns of the body's error: it would wrap it.
            await self._children.__aexit__(None, None, None)

    @property
    def is_connected(self) -> bool:
        """Say whether the next command needs no new connection."""
        return self._login is not None and not self._login.connection.is_closed()

    @property
    def is_denied(self) -> bool:
        """Say whether a denied login is remembered."""
        return self._denial is not None

    def reset_latch(self) -> None:
        """Forget a denied login, because a person has changed something."""
        self._denial = None

    async def run(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        limit_s: float,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
    ) -> CommandResult:
        """Run one command through the login shell of the far side.

        A command that overruns, writes too much, or whose caller is cancelled is stopped; the
        connection stays. A non-zero exit status is a result, not an error.

        Args:
            command: Text for the remote shell; quoting is the caller's business.
            stdin: Sent whole, then closed.
            limit_s: For everything: connecting, waiting for a free channel, and the command.
            max_output_bytes: Standard output and error together.

        Raises:
            SshError: There is no complete result.
        """
        try:
            result = await self._run(command, stdin, limit_s, max_output_bytes)
        except SshError as exc:
            self.last_error = exc
            raise
        self.last_error = None
        return result

    async def _run(
        self, command: str, stdin: bytes, limit_s: float, max_output_bytes: int
    ) -> CommandResult:
        started_s = self._clock.monotonic_s()
        conversation = Conversation(self._endpoint(), max_output_bytes=max_output_bytes)
        operation = "connect"
        try:
            async with Budget(operation="ssh", limit_s=limit_s).enforce():
                # Before the queue for channels, so that all who wait share one failed attempt.
                await self._ready()
                operation = "run a command"
                self._children.create_task(
                    self._hold(conversation, command, stdin),
                    name=f"ssh command on {self.target.cluster}",
                )
                await conversation.ended()
        except BudgetExceededError as exc:
            raise SshTimeoutError(self._endpoint(), operation=operation, limit_s=limit_s) from exc
        finally:
            conversation.abandon()
        return conversation.result(duration_s=self._clock.monotonic_s() - started_s)

    async def _hold(self, conversation: Conversation, command: str, stdin: bytes) -> None:
        """Carry a command; keep its slot until the server has let go of the channel too.

        It is a task of the link, not of the caller: a caller that gives up while a channel is
        being opened would leave it open on the server and use up MaxSessions.
        """
        try:
            async with self._slots:
                if not conversation.is_abandoned:
                    await self._converse(conversation, command, stdin)
        except SshError as exc:
            conversation.fail(exc)
        finally:
            conversation.settle(connection_lost=True)

    async def _converse(self, conversation: Conversation, command: str, stdin: bytes) -> None:
        login = await self._ready()
        try:
            async with Budget(operation="open", limit_s=self.target.connect_timeout_s).enforce():
                await login.connection.create_session(  # pyright: ignore[reportUnknownMemberType] - asyncssh's generic
                    lambda: conversation, command, encoding=None
                )
        except BudgetExceededError as exc:
            login.abort()  # a server that opens no channel any more is as good as dead
            raise SshConnectionLostError(login.endpoint, "it opens no channel any more") from exc
        except DRIVER_ERRORS as exc:
            raise _opening_error(exc, login) from exc
        conversation.send(stdin)
        await conversation.closed()
        conversation.settle(connection_lost=login.connection.is_closed())

    async def _ready(self) -> Login:
        """Give the connection, made anew if need be; all who wait share one attempt."""
        if self._denial is not None:
            raise SshAuthDeniedError(
                self._denial.endpoint, self._denial.detail, latched=True
            ) from self._denial
        if self._login is not None and self.is_connected:
            return self._login
        if self._is_closing:
            raise SshConnectionLostError(self._endpoint(), "the link is closed")
        if self._attempt is None:
            self._attempt = asyncio.get_running_loop().create_future()
            self._connecting = self._children.create_task(
                self._connect(self._attempt), name=f"ssh connection to {self.target.cluster}"
            )
        return await asyncio.shield(self._attempt)

    async def _connect(self, attempt: asyncio.Future[Login]) -> None:
        failure: SshError = SshConnectionLostError(self._endpoint(), "the link was closed")
        try:
            self._login = await open_login(self.target)
            self.connections_opened += 1
            attempt.set_result(self._login)
        except SshError as exc:
            failure = exc
            if isinstance(exc, SshAuthDeniedError):
                self._denial = exc
        finally:
            self._attempt = None
            if not attempt.done():
                attempt.set_exception(failure)
                attempt.exception()  # all who waited may have given up: that is no bug

    def _endpoint(self) -> Endpoint:
        return self._login.endpoint if self._login is not None else nominal_endpoint(self.target)


def _opening_error(exc: Exception, login: Login) -> SshError:
    """Tell a refused channel from a connection that is gone; asyncssh uses one class for both."""
    is_gone = login.connection.is_closed() or str(exc) == "SSH connection closed"
    if is_gone and isinstance(exc, asyncssh.ChannelOpenError):
        return SshConnectionLostError(login.endpoint, str(exc))
    return command_error(exc, login.endpoint)
