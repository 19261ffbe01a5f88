"""One command on one channel of our own SSH, read piece by piece."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR

from slurmfleet.ssh.duplex import STOP_GRACE_S, Ending, Piece
from slurmfleet.ssh.errors import SshConnectionLostError, SshError
from slurmfleet.ssh.inbox import Inbox
from slurmfleet.ssh.target import Endpoint
from slurmfleet.ssh.translate import command_error


class Flow(asyncssh.SSHClientSession[bytes]):
    """A `Duplex` over a channel; output that nobody takes stays with the server."""

    def __init__(self, endpoint: Endpoint, *, is_cut_off: Callable[[], bool]) -> None:
        """Prepare it; `is_cut_off` says whether the connection underneath is gone."""
        self._endpoint = endpoint
        self._is_cut_off = is_cut_off
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._inbox = Inbox()
        self._is_paused = False
        self._exit = Ending()
        self._reached_eof = False
        self._left = asyncio.Event()

    @property
    def endpoint(self) -> Endpoint:
        """Where it runs."""
        return self._endpoint

    @property
    def ending(self) -> Ending | None:
        """How it ended; None before that is known."""
        return self._exit if self._inbox.is_over and self._inbox.is_empty else None

    @property
    def has_news(self) -> bool:
        """Whether there is unread output or an end."""
        return self._inbox.has_news

    def send(self, data: bytes, *, last: bool = False) -> None:
        """Write to its standard input; a command that has ended reads nothing."""
        if self._channel is not None:
            with suppress(OSError):
                self._channel.write(data)  # pyright: ignore[reportUnknownMemberType] - asyncssh's generic
                if last:
                    self._channel.write_eof()

    async def receive(self) -> Piece | None:
        """Give the next output, or None at the end.

        Raises:
            SshError: It broke.
        """
        piece = await self._inbox.take()
        if self._is_paused and self._inbox.has_room:
            self._is_paused = False
            if self._channel is not None:
                self._channel.resume_reading()
        return piece

    def fail(self, error: SshError) -> None:
        """End it with an error; the first one counts."""
        self._inbox.fail(error)

    def fail_unless_over(self) -> None:
        """End it with an error if nothing else has."""
        if not self._inbox.is_over:
            self.fail(SshConnectionLostError(self._endpoint, "it was never begun"))

    async def opened(self) -> None:
        """Wait until the server has begun it.

        Raises:
            SshError: It did not.
        """
        while self._channel is None and self._inbox.error is None:
            await self._inbox.rung()
        if self._channel is None and self._inbox.error is not None:
            raise self._inbox.error

    @property
    def is_left(self) -> bool:
        """Whether nobody reads it any more."""
        return self._left.is_set()

    def leave(self) -> None:
        """Say that nobody reads it any more."""
        self._left.set()

    async def stay(self) -> None:
        """Wait until it has ended or somebody left it; then see that it ends.

        Real seconds, not a clock's: this waits for a process of another machine.
        """
        channel = self._channel
        if channel is None:
            return
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(channel.wait_closed(), name="channel ended")
            left = group.create_task(self._left.wait(), name="channel left")
            await asyncio.wait({ended, left}, return_when=asyncio.FIRST_COMPLETED)
            left.cancel()
            if not ended.done():
                await self._stop(channel, ended)

    async def _stop(
        self, channel: "asyncssh.SSHClientChannel[bytes]", ended: asyncio.Task[None]
    ) -> None:
        # What is still to come has to be taken, or the end would wait behind it.
        self._inbox.clear()
        with suppress(OSError):
            channel.resume_reading()
            channel.terminate()
            channel.write_eof()
        await asyncio.wait({ended}, timeout=STOP_GRACE_S)
        if not ended.done():
            with suppress(OSError):
                channel.kill()
            channel.abort()

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        """Take the channel."""
        self._channel = chan
        self._inbox.ring()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep a piece, and make the server wait when there are too many."""
        if self._left.is_set():
            return
        self._inbox.put(Piece(data, is_error=datatype == EXTENDED_DATA_STDERR))
        if self._inbox.is_full and not self._is_paused:
            self._is_paused = True
            if self._channel is not None:
                self._channel.pause_reading()

    def eof_received(self) -> bool:
        """Note that all output has come."""
        self._reached_eof = True
        return False

    def exit_status_received(self, status: int) -> None:
        """Note how the command ended."""
        self._exit = Ending(exit_status=status)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: FBT001 - asyncssh's signature
        """Note which signal ended the command."""
        del core_dumped, msg, lang
        self._exit = Ending(exit_signal=signal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the channel, which may be one in good order."""
        if exc is not None:
            self.fail(command_error(exc, self._endpoint))
        elif self._exit == Ending() or (self._is_cut_off() and not self._reached_eof):
            self.fail(SshConnectionLostError(self._endpoint, "it closed before the command ended"))
        self._inbox.finish()
