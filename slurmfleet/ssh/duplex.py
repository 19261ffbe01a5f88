"""A command that runs on, written to and read from piece by piece: streams and shells."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import SshOutputTooLargeError
from slurmfleet.ssh.lanes import Turn
from slurmfleet.ssh.target import Endpoint

HIGH_WATER_BYTES: Final = 256 * 2**10
"""Unread output above which the far side is made to wait."""

STOP_GRACE_S: Final = 2.0
"""Between SIGTERM, at which srun ends its step, and SIGKILL."""


class Use(StrEnum):
    """What a session of a connection is for; commands come before the other two."""

    COMMAND = "command"
    STREAM = "stream"
    SHELL = "shell"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some output, in the order in which it came."""

    data: bytes
    is_error: bool = False
    """From standard error."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended: 0 to 255, or the name of a signal without SIG."""

    exit_status: int | None = None
    exit_signal: str | None = None


class Duplex(Protocol):
    """A command that runs."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it runs."""
        ...

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while `receive` may still give something."""
        ...

    @property
    def has_news(self) -> bool:
        """Whether `receive` would give something at once, be it the end."""
        ...

    def send(self, data: bytes, *, last: bool = False) -> None:
        """Write to its standard input, and close that after the last piece."""
        ...

    async def receive(self) -> Piece | None:
        """Give the next output, or None when it has ended and all was given.

        Raises:
            SshError: It broke; what it wrote may not be all.
        """
        ...


class Opener(Protocol):
    """Starts a command; leaving the context stops it, SIGTERM first."""

    def __call__(self, command: str, use: Use, turn: Turn) -> AbstractAsyncContextManager[Duplex]:
        """Start it through the login shell, on behalf of the turn's lane.

        Raises:
            SshError: It cannot be started.
        """
        ...


async def collect(
    duplex: Duplex, stdin: bytes, *, max_output_bytes: int, duration_s: float = 0.0
) -> CommandResult:
    """Send all input and gather all output.

    Raises:
        SshOutputTooLargeError: Both outputs together are longer than allowed.
        SshError: It broke.
    """
    duplex.send(stdin, last=True)
    stdout, stderr = bytearray(), bytearray()
    while (piece := await duplex.receive()) is not None:
        (stderr if piece.is_error else stdout).extend(piece.data)
        if len(stdout) + len(stderr) > max_output_bytes:
            raise SshOutputTooLargeError(duplex.endpoint, limit_bytes=max_output_bytes)
    ending = duplex.ending or Ending()
    return CommandResult(
        exit_status=ending.exit_status,
        exit_signal=ending.exit_signal,
        stdout=bytes(stdout),
        stderr=bytes(stderr),
        duration_s=duration_s,
    )
