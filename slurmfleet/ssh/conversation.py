"""One command on one channel: what is sent, what comes back, and how it ended."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR

from slurmfleet.ssh.errors import SshConnectionLostError, SshError, SshOutputTooLargeError
from slurmfleet.ssh.target import Endpoint
from slurmfleet.ssh.translate import command_error


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended and all that it wrote."""

    exit_status: int | None
    """0 to 255; None when a signal ended it."""

    exit_signal: str | None
    """Name without SIG, as in `KILL`; None when it ended by itself."""

    stdout: bytes
    stderr: bytes
    duration_s: float
    """From the call to the end; connecting and waiting for a free channel included."""


class Conversation(asyncssh.SSHClientSession[bytes]):
    """Gathers what one command writes; may be abandoned at any moment, opened or not."""

    def __init__(self, endpoint: Endpoint, *, max_output_bytes: int) -> None:
        """Prepare to gather at most so many bytes, both outputs together."""
        self._endpoint = endpoint
        self._max_output_bytes = max_output_bytes
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._outputs: dict[int | None, list[bytes]] = {}
        self._size_bytes = 0
        self._exit_status: int | None = None
        self._exit_signal: str | None = None
        self._reached_eof = False
        self._error: SshError | None = None
        self._ended = asyncio.Event()
        self.is_abandoned = False
        """Nobody waits for the result any more."""

    @property
    def is_begun(self) -> bool:
        """Whether the server has opened a channel for it."""
        return self._channel is not None

    async def ended(self) -> None:
        """Wait until there is a result or an error."""
        await self._ended.wait()

    def result(self, *, duration_s: float) -> CommandResult:
        """Give the result of a conversation that has ended.

        Raises:
            SshError: There is none, or not all of it.
        """
        if self._error is not None:
            raise self._error
        return CommandResult(
            exit_status=self._exit_status,
            exit_signal=self._exit_signal,
            stdout=b"".join(self._outputs.get(None, ())),
            stderr=b"".join(self._outputs.get(EXTENDED_DATA_STDERR, ())),
            duration_s=duration_s,
        )

    def send(self, stdin: bytes) -> None:
        """Send all of the standard input and close it."""
        channel = self._channel
        if channel is not None:
            with suppress(OSError):  # the command may have ended without reading
                channel.write(stdin)  # pyright: ignore[reportUnknownMemberType] - asyncssh's generic
                channel.write_eof()

    async def closed(self) -> None:
        """Wait until both sides have closed the channel."""
        if self._channel is not None:
            await self._channel.wait_closed()

    def abandon(self) -> None:
        """Give up on it: stop the command if it still runs, and never start it otherwise."""
        self.is_abandoned = True
        self._hang_up()

    def fail(self, error: SshError) -> None:
        """End it without a result; the first error counts."""
        self._error = self._error or error
        self._ended.set()

    def settle(self, *, connection_lost: bool) -> None:
        """End it now that its channel is closed, with a result if that is complete."""
        if self._ended.is_set():
            return
        has_status = self._exit_status is not None or self._exit_signal is not None
        # A connection that closes in good order tells its channels of no error, so an exit status
        # alone does not prove that all output has come.
        if not has_status or (connection_lost and not self._reached_eof):
            self.fail(SshConnectionLostError(self._endpoint, "it closed before the command ended"))
        self._ended.set()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Take the channel; asyncssh calls this before it asks for the command."""
        self._channel = chan
        if self.is_abandoned:
            self._hang_up()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep a piece of output, or stop the command when it is one too many."""
        self._size_bytes += len(data)
        if self._size_bytes > self._max_output_bytes:
            self.fail(SshOutputTooLargeError(self._endpoint, limit_bytes=self._max_output_bytes))
            self._outputs.clear()
            self._hang_up()
            return
        self._outputs.setdefault(datatype, []).append(data)

    def eof_received(self) -> bool:
        """Note that all output has come."""
        self._reached_eof = True
        return False

    def exit_status_received(self, status: int) -> None:
        """Note how the command ended."""
        self._exit_status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: FBT001 - asyncssh's signature
        """Note which signal ended the command."""
        del core_dumped, msg, lang
        self._exit_signal = signal

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection broke underneath."""
        if exc is not None:
            self.fail(command_error(exc, self._endpoint))

    def _hang_up(self) -> None:
        if self._channel is not None:
            # sshd leaves a command running when its channel closes; OpenSSH 7.9 and later pass
            # the signal on to the whole process group.
            with suppress(OSError):
                self._channel.kill()
            self._channel.abort()
