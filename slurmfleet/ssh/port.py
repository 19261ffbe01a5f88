"""What every way to a login node offers, whatever carries it.

Three kinds: `SshLink` (our own SSH), `MasterLink` (a connection that somebody opened with OpenSSH)
and `LocalLink` (we are on the login node). ADR-0012 says when which.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol, Self

from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import SshError
from slurmfleet.ssh.lanes import Lane, LaneLoad
from slurmfleet.ssh.target import SshTarget

DEFAULT_MAX_OUTPUT_BYTES: Final = 64 * 2**20
DEFAULT_MAX_LINE_BYTES: Final = 64 * 2**10


class LineStream(Protocol):
    """What a long command writes, line by line; nothing more is read than somebody takes."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Give lines without their newline until the command ends.

        Raises:
            SshError: The stream broke, a line was too long, or polling needed its session.
        """
        ...

    def send(self, data: bytes) -> None:
        """Write to its standard input, if that was kept open; what has ended reads nothing."""
        ...

    @property
    def exit_status(self) -> int | None:
        """0 to 255 once it has ended by itself."""
        ...

    @property
    def stderr_tail(self) -> bytes:
        """The newest 4,096 bytes of what it wrote to standard error, dotfiles' noise included."""
        ...


class Link(Protocol):
    """Runs commands on one login node. Connects when first needed, and again after a loss.

    What a person waits for runs in the user's lane, with limits of its own, and never in the way of
    the watch (`lanes.py`, `sessions.py`).
    """

    async def __aenter__(self) -> Self:
        """Be ready for commands."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Let go of everything; commands still running end with an error."""
        ...

    @property
    def target(self) -> SshTarget:
        """Where it leads."""
        ...

    @property
    def connections_opened(self) -> int:
        """How many different connections it has used; each may lead to another login node."""
        ...

    @property
    def is_denied(self) -> bool:
        """Whether a denied login is remembered; the server is not asked until `reset_latch`."""
        ...

    @property
    def last_error(self) -> SshError | None:
        """Why the watch's newest command has no result; None when it has one."""
        ...

    def load(self, lane: Lane) -> LaneLoad:
        """Give what of a lane runs and waits now."""
        ...

    def reset_latch(self) -> None:
        """Forget denials and waits, because a person has changed something."""
        ...

    async def run(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        limit_s: float,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
        lane: Lane = Lane.WATCH,
    ) -> CommandResult:
        """Run one command through the login shell of the far side.

        A command that overruns, writes too much, or whose caller is cancelled is stopped. A
        non-zero exit status is a result, not an error. What the shell's dotfiles print is part of
        the output; `run_script` leaves it out.

        Args:
            command: Text for the login shell, which may be csh; quoting is the caller's business.
            stdin: Sent whole, then closed.
            limit_s: For everything: connecting, waiting for a free channel, and the command.
            max_output_bytes: Standard output and error together.
            lane: On whose behalf.

        Raises:
            SshLaneBusyError: In the user's lane, there was no session and no place in line, or
                no session within the limit; nothing was begun.
            SshError: There is no complete result.
        """
        ...

    async def run_script(
        self,
        script: str,
        *,
        limit_s: float,
        login: bool = False,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
        lane: Lane = Lane.WATCH,
    ) -> CommandResult:
        """Run a bash script, of which no word stands on a command line.

        Its output is exactly what it writes, whatever banners and dotfiles print; only the line
        numbers in bash's own complaints are others. A bash that stays open runs it where one is at
        hand, which spares the login shell's dotfiles; that one is the watch's alone.

        Args:
            script: As given to `bash -s`; it gets no standard input.
            limit_s: As in `run`.
            login: Run it in a login shell, started afresh.
            max_output_bytes: As in `run`.
            lane: As in `run`.

        Raises:
            SshLaneBusyError: As in `run`.
            SshNoShellError: Something else ran.
            SshError: There is no complete result; the script may have run.
        """
        ...

    def stream(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        keeps_stdin: bool = False,
        max_line_bytes: int = DEFAULT_MAX_LINE_BYTES,
        lane: Lane = Lane.WATCH,
    ) -> AbstractAsyncContextManager[LineStream]:
        """Keep a command running and read its lines; it is stopped when the body is left.

        It gets SIGTERM, and SIGKILL two seconds later. What dotfiles print is left out. It has a
        session of its own and gives way where the server has none left for commands.

        Args:
            command: Text for the login shell, which may be csh: plain words.
            stdin: Sent whole, then closed.
            keeps_stdin: Leave it open for `LineStream.send`; it closes when the body is left.
            max_line_bytes: A longer line ends the stream with an error.
            lane: As in `run`.

        Raises:
            SshLaneBusyError: In the user's lane, as many streams are open as people may have.
            SshChannelRefusedError: There is no session for a stream now.
            SshNoShellError: Something else ran.
            SshError: As in `run`.
        """
        ...
