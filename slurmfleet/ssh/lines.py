"""From the output of a command that runs on to lines."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from slurmfleet.ssh.duplex import Duplex, Ending, Opener, Use
from slurmfleet.ssh.errors import SshNoShellError, SshOutputTooLargeError, SshTimeoutError
from slurmfleet.ssh.framing import new_mark
from slurmfleet.ssh.lanes import Lane, Turn
from slurmfleet.ssh.target import Endpoint
from slurmfleet.timing.budget import Budget, BudgetExceededError

_TAIL_BYTES = 4_096
_NOISE_LIMIT_BYTES = 2**20
"""Dotfiles that print more than this are no noise but the answer of something else."""

_SAID_CHARS = 200


@asynccontextmanager
async def open_lines(
    opener: Opener,
    command: str,
    stdin: bytes,
    *,
    keeps_stdin: bool,
    max_line_bytes: int,
    begin_limit_s: float,
    endpoint: Endpoint,
    lane: Lane,
) -> AsyncGenerator["CommandLines"]:
    """Start a command and give its lines; leaving the context stops it.

    Raises:
        SshTimeoutError: It did not begin within the limit.
        SshError: It does not begin.
    """
    sent, mark_line = marked(command)
    async with AsyncExitStack() as stack:
        try:
            async with Budget(operation="open a stream", limit_s=begin_limit_s).enforce():
                duplex = await stack.enter_async_context(opener(sent, Use.STREAM, Turn(lane)))
                duplex.send(stdin, last=not keeps_stdin)
                lines = CommandLines(duplex, max_line_bytes=max_line_bytes)
                await lines.skip_noise(mark_line)
        except BudgetExceededError as exc:
            raise SshTimeoutError(endpoint, operation=exc.operation, limit_s=exc.limit_s) from exc
        yield lines


def marked(command: str) -> tuple[str, bytes]:
    """Give a command that first writes a line of its own, and that line.

    Words that every login shell understands; `echo` is a builtin in all of them.
    """
    mark = new_mark()
    return f"echo {mark}; {command}", mark.encode() + b"\n"


class CommandLines:
    """A `LineStream` over a command; what stands before its mark is noise."""

    def __init__(self, duplex: Duplex, *, max_line_bytes: int) -> None:
        """Read from `duplex`, which its opener stops."""
        self._duplex = duplex
        self._max_line_bytes = max_line_bytes
        self._lines: deque[bytes] = deque()
        self._begun = bytearray()
        """A line whose end has not come."""
        self._tail = b""

    def send(self, data: bytes) -> None:
        """Write to its standard input."""
        self._duplex.send(data)

    @property
    def exit_status(self) -> int | None:
        """0 to 255 once it has ended by itself."""
        return (self._duplex.ending or Ending()).exit_status

    @property
    def stderr_tail(self) -> bytes:
        """The newest 4,096 bytes of standard error."""
        return self._tail

    async def skip_noise(self, mark_line: bytes) -> None:
        """Read up to the mark.

        Raises:
            SshNoShellError: It never came.
            SshError: The command broke before.
        """
        noise = bytearray()
        while (piece := await self._duplex.receive()) is not None:
            if piece.is_error:
                self._keep_tail(piece.data)
                continue
            noise += piece.data
            before, found, after = noise.partition(mark_line)
            if found:
                self._take(bytes(after))
                return
            if len(before) > _NOISE_LIMIT_BYTES:
                break
        said = bytes(noise or self._tail)[:_SAID_CHARS].decode("utf-8", "replace").strip()
        raise SshNoShellError(self._duplex.endpoint, exit_status=self.exit_status, said=said)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give lines without their newline, and at the end what stands behind the last one.

        Raises:
            SshOutputTooLargeError: A line is longer than allowed.
            SshError: The command broke.
        """
        while True:
            while self._lines:
                yield self._lines.popleft()
            if len(self._begun) > self._max_line_bytes:
                raise SshOutputTooLargeError(
                    self._duplex.endpoint, limit_bytes=self._max_line_bytes
                )
            piece = await self._duplex.receive()
            if piece is None:
                break
            if piece.is_error:
                self._keep_tail(piece.data)
            else:
                self._take(piece.data)
        if self._begun:
            yield bytes(self._begun)
            self._begun.clear()

    def _take(self, data: bytes) -> None:
        first, *others = data.split(b"\n")
        self._begun += first
        for other in others:
            self._lines.append(bytes(self._begun))
            self._begun = bytearray(other)

    def _keep_tail(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
