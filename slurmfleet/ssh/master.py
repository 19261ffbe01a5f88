"""Commands through a connection that somebody opened with OpenSSH: for sites that ask for a code.

Nothing here logs in, asks anybody for anything, or keeps a master alive: how long it lives is its
owner's choice (ControlPersist). A command whose caller gives up is stopped by a second command,
since a master passes no signals on.
"""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from slurmfleet.ssh.child import Child, ask_program, open_child
from slurmfleet.ssh.duplex import STOP_GRACE_S, Ending, Piece, Use
from slurmfleet.ssh.errors import (
    SshChannelRefusedError,
    SshConfigError,
    SshConnectionLostError,
    SshError,
    SshNoMasterError,
    SshNoShellError,
    SshTimeoutError,
)
from slurmfleet.ssh.framing import new_mark
from slurmfleet.ssh.master_words import (
    Complaint,
    MasterPlace,
    announced,
    check_argv,
    complaint,
    first_words,
    guest_argv,
    opening_command,
    parse_check,
    parse_place,
    place_argv,
    stopping,
)
from slurmfleet.ssh.program import ProgramLink
from slurmfleet.ssh.route import nominal_endpoint
from slurmfleet.ssh.target import Endpoint, SshTarget
from slurmfleet.timing.budget import Budget, BudgetExceededError
from slurmfleet.timing.clock import Clock

_SSH_FAILED: Final = 255
_ASK_LIMIT_S = 10.0
"""For what ssh does on this machine alone; a stopped master does not answer."""

_TRUST_CHECK_S = 5.0
"""A master that answered this recently is not asked again before a command."""

_NOISE_LIMIT_BYTES = 2**20


class MasterCommand:
    """A `Duplex` over a client of the master; it begins with its first output."""

    def __init__(self, child: Child, door: "MasterDoor", mark: str) -> None:
        """Read from `child`, which announces itself with `mark`."""
        self._child = child
        self._door = door
        self._mark = mark.encode()
        self._held: list[Piece] = []
        """Read while looking for the mark, to be given after it."""
        self.group: int | None = None
        """Process group on the far side."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it runs."""
        return self._child.endpoint

    @property
    def ending(self) -> Ending | None:
        """How it ended; None before that is known."""
        return self._child.ending if not self._held else None

    @property
    def has_news(self) -> bool:
        """Whether there is unread output or an end."""
        return bool(self._held) or self._child.has_news

    def send(self, data: bytes, *, last: bool = False) -> None:
        """Write to its standard input."""
        self._child.send(data, last=last)

    def fail(self, error: SshError) -> None:
        """End it now, for a reason of our own."""
        self._child.fail(error)

    async def receive(self) -> Piece | None:
        """Give the next output, or None at the end.

        Raises:
            SshConnectionLostError: The master went away underneath.
        """
        if self._held:
            return self._held.pop(0)
        piece = await self._child.receive()
        if piece is None and self._child.ending == Ending(exit_status=_SSH_FAILED):
            await self._door.confirm_alive()  # else 255 is the command's own status
        return piece

    async def begin(self) -> None:
        """Read up to the announcement; what stands before it is noise.

        Raises:
            SshError: It never came.
        """
        noise, errors = bytearray(), bytearray()
        while (piece := await self._child.receive()) is not None:
            if piece.is_error:
                errors += piece.data
                self._held.append(piece)
                continue
            noise += piece.data
            before, found, after = noise.partition(self._mark + b" ")
            number, newline, rest = after.partition(b"\n")
            if found and newline:
                self.group = int(number) if number.isdigit() else None
                if rest:
                    self._held.append(Piece(bytes(rest)))
                return
            if len(before) > _NOISE_LIMIT_BYTES:
                break
        said = errors.decode("utf-8", "replace")
        ending = self._child.ending or Ending()
        if ending.exit_status == _SSH_FAILED:
            raise self._door.failure(said)
        heard = bytes(noise)[:200].decode("utf-8", "replace").strip() or first_words(said)
        raise SshNoShellError(self.endpoint, exit_status=ending.exit_status, said=heard)


class MasterDoor:
    """Starts commands as guests of an existing master."""

    def __init__(
        self, target: SshTarget, *, clock: Clock, environment: Mapping[str, str] | None
    ) -> None:
        """Describe it; nothing is asked before the first command."""
        self._environment = environment
        self._target = target
        self._clock = clock
        self._endpoint = nominal_endpoint(target)
        self._place: MasterPlace | None = None
        self._master_pid: int | None = None
        self._checked_s: float | None = None
        self.connections_opened = 0
        """Different masters seen so far."""

    def reset(self) -> None:
        """Ask ssh again where the master is and whether it lives."""
        self._place = self._checked_s = None

    @asynccontextmanager
    async def open(
        self, command: str, use: Use, children: asyncio.TaskGroup
    ) -> AsyncGenerator[MasterCommand]:
        """Start a command through the master and wait until it has begun.

        Raises:
            SshNoMasterError: There is no master; it names the command that opens one.
            SshChannelRefusedError: The server opens no more sessions on it.
            SshConfigError: ssh knows no path of a master, or somebody else owns it.
            SshError: As ssh says.
        """
        if self._checked_s is None or self._clock.monotonic_s() - self._checked_s > _TRUST_CHECK_S:
            await self._check()
        mark = new_mark()
        grace_s = STOP_GRACE_S if use is Use.STREAM else 0.0
        argv = guest_argv(self._target, announced(command, mark))
        async with self._program(argv, children) as child:
            guest = MasterCommand(child, self, mark)
            try:
                await guest.begin()
                yield guest
            finally:
                if guest.group is not None and child.ending is None:
                    children.create_task(
                        self._stop(guest.group, grace_s), name="stop a guest's command"
                    )

    async def confirm_alive(self) -> None:
        """See that the master is the one it was.

        Raises:
            SshConnectionLostError: It is not.
        """
        before = self._master_pid
        try:
            await self._check()
        except SshNoMasterError as exc:
            raise SshConnectionLostError(self._endpoint, "the OpenSSH master has ended") from exc
        if self._master_pid != before:
            raise SshConnectionLostError(self._endpoint, "the OpenSSH master is another one now")

    def failure(self, stderr: str) -> SshError:
        """Give what ssh's own failure means."""
        self._checked_s = None
        match complaint(stderr):
            case Complaint.REFUSED:
                return SshChannelRefusedError(self._endpoint, first_words(stderr))
            case Complaint.NO_MASTER:
                return self._no_master(first_words(stderr))
            case Complaint.LOST:
                return SshConnectionLostError(self._endpoint, first_words(stderr))

    async def _check(self) -> None:
        """See that a master of ours lives, without connecting to anything but its socket."""
        if self._place is None:
            self._place = await self._find()
        self._see_to_socket(self._place.control_path)
        _, _, said = await self._ask(check_argv(self._target))
        pid = parse_check(said)
        if pid is None:
            self._checked_s = None
            raise self._no_master(first_words(said))
        if pid != self._master_pid:
            self._master_pid = pid
            self.connections_opened += 1
        self._checked_s = self._clock.monotonic_s()

    async def _find(self) -> MasterPlace:
        if len(self._target.config_files) > 1:
            raise SshConfigError(
                self._endpoint, "OpenSSH reads one configuration file, not several"
            )
        status, stdout, stderr = await self._ask(place_argv(self._target))
        place = parse_place(stdout)
        if status or not place.control_path:
            raise SshConfigError(
                self._endpoint,
                first_words(stderr)
                if status
                else "no ControlPath is set for this host: name one with --control-path",
            )
        return place

    def _see_to_socket(self, path: str) -> None:
        """Refuse a socket that another user has put there: he would read all we ask."""
        try:
            found = Path(path).stat()
        except OSError as exc:
            raise self._no_master(f"{path}: {exc.strerror}") from exc
        if not stat.S_ISSOCK(found.st_mode):
            raise SshConfigError(self._endpoint, f"{path} is no socket")
        if found.st_uid != os.getuid():
            raise SshConfigError(self._endpoint, f"{path} belongs to another user")

    async def _ask(self, argv: Sequence[str]) -> tuple[int, str, str]:
        """Run ssh for something that it does on this machine alone."""
        try:
            async with Budget(operation="ask the OpenSSH master", limit_s=_ASK_LIMIT_S).enforce():
                return await ask_program(argv, self._environment)
        except BudgetExceededError as exc:
            raise SshTimeoutError(
                self._endpoint, operation=exc.operation, limit_s=exc.limit_s
            ) from exc
        except OSError as exc:
            raise SshConfigError(
                self._endpoint, f"OpenSSH's client cannot be started: {exc.strerror}"
            ) from exc

    async def _stop(self, group: int, grace_s: float) -> None:
        """Stop a process group of the far side; where no session is left, nobody can."""
        with suppress(SshError):
            await self._ask(guest_argv(self._target, stopping(group, grace_s=grace_s)))

    @asynccontextmanager
    async def _program(
        self, argv: Sequence[str], children: asyncio.TaskGroup
    ) -> AsyncGenerator[Child]:
        opened = open_child(
            argv,
            endpoint=self._endpoint,
            environment=self._environment,
            children=children,
            grace_s=0.0,
        )
        try:
            child = await opened.__aenter__()
        except OSError as exc:
            raise SshConfigError(
                self._endpoint, f"OpenSSH's client cannot be started: {exc.strerror}"
            ) from exc
        try:
            yield child
        finally:
            await opened.__aexit__(None, None, None)

    def _no_master(self, detail: str) -> SshNoMasterError:
        command = opening_command(self._target, self._place)
        return SshNoMasterError(self._endpoint, detail, command=command)


def master_link(
    target: SshTarget, *, clock: Clock, environment: Mapping[str, str] | None = None
) -> ProgramLink:
    """Give a link through a master that somebody has opened or will open.

    Args:
        target: Its host may be an alias; its keys are not used.
        clock: For durations and for how long a check of the master holds.
        environment: All that ssh sees, of which SendEnv may pass some on; None: ours.
    """
    door = MasterDoor(target, clock=clock, environment=environment)
    return ProgramLink(target, door, clock=clock, keeps_shell=True)
