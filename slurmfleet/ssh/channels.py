"""Commands on the channels of one connection: who waits, who is refused, who gives way."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import asyncssh
from asyncssh.constants import OPEN_REQUEST_SESSION_FAILED

from slurmfleet.ssh.connect import Login
from slurmfleet.ssh.conversation import Conversation
from slurmfleet.ssh.duplex import Duplex, Use
from slurmfleet.ssh.errors import (
    SshChannelRefusedError,
    SshConnectionLostError,
    SshError,
    SshLaneBusyError,
    SshNoShellError,
)
from slurmfleet.ssh.flow import Flow
from slurmfleet.ssh.keeper import LoginKeeper
from slurmfleet.ssh.lanes import Turn
from slurmfleet.ssh.overrun import overrun
from slurmfleet.ssh.sessions import LaneFullError, NoRoomError, Sessions
from slurmfleet.ssh.translate import DRIVER_ERRORS, command_error
from slurmfleet.timing.budget import Budget, BudgetExceededError

LONE_REFUSALS_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""How long to wait when a session is refused while we hold no other: sshd may not yet have let go
of one that we have closed. Refused once more after the last, it is a refusal."""


class Channels:
    """Opens sessions on the connection that a keeper gives.

    A channel is carried by a task of the link, not of the caller: a caller that gives up while one
    is being opened would leave it open on the server and use up MaxSessions.
    """

    def __init__(
        self,
        keeper: LoginKeeper,
        sessions: Sessions,
        *,
        open_limit_s: float,
        children: asyncio.TaskGroup,
    ) -> None:
        """Describe it; a server that takes longer than the limit to open a channel is lost."""
        self._keeper = keeper
        self._sessions = sessions
        self._open_limit_s = open_limit_s
        self._children = children
        self._connection_number = 0

    async def run(
        self, command: str, stdin: bytes, turn: Turn, *, limit_s: float, max_output_bytes: int
    ) -> Conversation:
        """Run a command to its end and give the conversation.

        Raises:
            SshError: It was never begun, or overran.
        """
        conversation = Conversation(self._keeper.endpoint, max_output_bytes=max_output_bytes)
        operation = "connect"
        try:
            async with Budget(operation="ssh", limit_s=limit_s).enforce():
                # Before the queue for channels, so that all who wait share one failed attempt.
                await self._keeper.ready()
                operation = "run a command"
                self._children.create_task(
                    self._converse(conversation, command, stdin, turn), name="ssh command"
                )
                await conversation.ended()
        except BudgetExceededError as exc:
            raise overrun(
                self._keeper.endpoint, turn, operation=operation, limit_s=limit_s
            ) from exc
        finally:
            conversation.abandon()
            self._sessions.stir()
        return conversation

    @asynccontextmanager
    async def open(self, command: str, use: Use, turn: Turn) -> AsyncGenerator[Duplex]:
        """Start a command that is read piece by piece; an `Opener`.

        Raises:
            SshError: It cannot be started.
        """
        login = await self._keeper.ready()
        flow = Flow(login.endpoint, is_cut_off=login.connection.is_closed)
        self._children.create_task(self._flow(flow, command, use, turn), name=f"ssh {use}")
        try:
            await flow.opened()
            yield flow
        finally:
            flow.leave()
            self._sessions.stir()

    async def _converse(
        self, conversation: Conversation, command: str, stdin: bytes, turn: Turn
    ) -> None:
        async def stay() -> None:
            conversation.send(stdin)
            await conversation.closed()

        try:
            login = await self._queue(
                conversation, command, turn, lambda: not conversation.is_abandoned, stay
            )
            is_lost = login is None or login.connection.is_closed()
            conversation.settle(connection_lost=is_lost)
        except SshError as exc:
            conversation.fail(exc)
        finally:
            conversation.settle(connection_lost=True)

    async def _flow(self, flow: Flow, command: str, use: Use, turn: Turn) -> None:
        try:
            if use is Use.COMMAND:
                await self._queue(flow, command, turn, lambda: not flow.is_left, flow.stay)
            else:
                await self._squeeze_in(flow, command, use, turn)
        except SshError as exc:
            flow.fail(exc)
        finally:
            flow.fail_unless_over()

    async def _queue(
        self,
        session: Conversation | Flow,
        command: str,
        turn: Turn,
        is_wanted: Callable[[], bool],
        stay: Callable[[], Awaitable[None]],
    ) -> Login | None:
        """Begin a command as soon as there is a session, and hold that to the end.

        Returns:
            The connection that carried it; None when nobody wanted it any more.
        """
        pauses_s = iter(LONE_REFUSALS_S)
        while is_wanted():
            async with self._in_line(turn, is_wanted) as has_session:
                if not has_session:
                    return None
                login = await self._current_login()
                if not is_wanted():
                    return None
                try:
                    await self._begin(login, session, command)
                except SshChannelRefusedError as exc:
                    # Waited out in its place: who stands behind it could do no better.
                    await wait_real_s(self._pause_after(exc, pauses_s))
                else:
                    await stay()
                    return login
        return None

    @asynccontextmanager
    async def _in_line(self, turn: Turn, is_wanted: Callable[[], bool]) -> AsyncGenerator[bool]:
        async with AsyncExitStack() as stack:
            try:
                has_session = await stack.enter_async_context(
                    self._sessions.command(turn, is_wanted=is_wanted)
                )
            except LaneFullError as exc:
                raise SshLaneBusyError(self._keeper.endpoint, str(exc)) from exc
            yield has_session

    async def _squeeze_in(self, flow: Flow, command: str, use: Use, turn: Turn) -> None:
        """Begin a stream or a shell if a session is left over, and hold that to the end."""

        def give_way() -> None:
            flow.fail(SshChannelRefusedError(flow.endpoint, "commands needed its session"))
            flow.leave()

        login = await self._current_login()
        try:
            with self._sessions.spare(use, turn, give_way):
                try:
                    await self._begin(login, flow, command)
                except SshChannelRefusedError:
                    self._sessions.note_refusal()
                    raise
                await flow.stay()
        except NoRoomError as exc:
            raise SshChannelRefusedError(flow.endpoint, str(exc)) from exc
        except LaneFullError as exc:
            raise SshLaneBusyError(flow.endpoint, str(exc)) from exc

    def _pause_after(self, exc: SshChannelRefusedError, pauses_s: Iterator[float]) -> float:
        if self._sessions.note_refusal():
            return 0.0  # one of the others will be free
        pause_s = next(pauses_s, None)
        if pause_s is None:
            raise exc
        return pause_s

    async def _current_login(self) -> Login:
        login = await self._keeper.ready()
        if self._connection_number != self._keeper.connections_opened:
            self._connection_number = self._keeper.connections_opened
            self._sessions.forget_limit()
        return login

    async def _begin(self, login: Login, session: Conversation | Flow, command: str) -> None:
        try:
            async with Budget(operation="open", limit_s=self._open_limit_s).enforce():
                await login.connection.create_session(  # pyright: ignore[reportUnknownMemberType] - asyncssh's generic
                    lambda: session, command, encoding=None
                )
        except BudgetExceededError as exc:
            login.abort()  # a server that opens no channel any more is as good as dead
            raise SshConnectionLostError(login.endpoint, "it opens no channel any more") from exc
        except DRIVER_ERRORS as exc:
            raise _opening_error(exc, login) from exc


def _opening_error(exc: Exception, login: Login) -> SshError:
    """Tell a refused channel from a connection that is gone; asyncssh uses one class for both."""
    if not isinstance(exc, asyncssh.ChannelOpenError):
        return command_error(exc, login.endpoint)
    if login.connection.is_closed() or str(exc) == "SSH connection closed":
        return SshConnectionLostError(login.endpoint, str(exc))
    if exc.code == OPEN_REQUEST_SESSION_FAILED:
        return SshNoShellError(login.endpoint, exit_status=None, said=str(exc))
    return command_error(exc, login.endpoint)


async def wait_real_s(pause_s: float) -> None:
    """Wait real seconds: the server's process is what is waited for, not a clock of ours."""
    if not pause_s:
        return  # not even to let another task run
    with suppress(TimeoutError):
        async with asyncio.timeout(pause_s):
            await asyncio.Event().wait()
