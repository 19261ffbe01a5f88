"""Runs bash scripts in a bash that stays open, or in one of their own where there is none.

A bash that stays open spares each script the login shell's dotfiles and two programs' start. It is
opened in the background, so that no script ever waits for it, and thrown away as soon as anything
about it is odd: it died, a script in it overran, its answer was out of frame, or it is an hour
old. The script at hand then gets a bash of its own, unless it may have begun already: what has
begun is never begun twice. People's scripts never run in it: they may take their time.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.duplex import Duplex, Ending, Opener, Use
from slurmfleet.ssh.errors import (
    SshChannelRefusedError,
    SshConfigError,
    SshConnectionLostError,
    SshError,
    SshNoShellError,
    SshOutputTooLargeError,
)
from slurmfleet.ssh.framing import LOGIN_SHELL_COMMAND, SHELL_COMMAND, Frame, new_mark, request
from slurmfleet.ssh.lanes import Lane, Turn
from slurmfleet.ssh.overrun import overrun
from slurmfleet.ssh.target import Endpoint
from slurmfleet.timing.budget import Budget, BudgetExceededError
from slurmfleet.timing.clock import Clock

SHELL_LIFE_S: Final = 3_600.0
"""After this, dotfiles are read anew."""

_FIRST_PAUSE_S = 60.0
_LONGEST_PAUSE_S = 3_600.0
_GREETING_LIMIT_S = 30.0
"""For a new shell to answer at all: its dotfiles may be slow, and nobody waits for it."""

_PROVEN_AFTER_S = 600.0
"""A shell that lived this long failed for no reason of its own, so the next is opened at once."""

_SAID_CHARS = 200


class _NeverBegunError(Exception):
    """The shell is gone and the script was not begun."""


@dataclass(slots=True)
class _Answer:
    """Both outputs of a script, as they come."""

    endpoint: Endpoint
    max_output_bytes: int
    stdout: Frame
    stderr: Frame

    @property
    def complete(self) -> bool:
        return self.stdout.status is not None and self.stderr.status is not None

    @property
    def in_frame(self) -> bool:
        """Whether nothing stood outside the marks."""
        outputs = (self.stdout, self.stderr)
        return not any(one.noise.strip() or one.rest for one in outputs)

    async def read(self, duplex: Duplex) -> None:
        """Read until both outputs are complete or the shell has ended."""
        while not self.complete:
            piece = await duplex.receive()
            if piece is None:
                return
            (self.stderr if piece.is_error else self.stdout).feed(piece.data)
            if self.stdout.size_bytes + self.stderr.size_bytes > self.max_output_bytes:
                raise SshOutputTooLargeError(self.endpoint, limit_bytes=self.max_output_bytes)

    def result(self, ending: Ending | None, *, duration_s: float) -> CommandResult:
        if not self.stdout.begun:
            heard = self.stdout.heard or self.stderr.heard
            said = heard[:_SAID_CHARS].decode("utf-8", "replace").strip()
            status = ending.exit_status if ending is not None else None
            raise SshNoShellError(self.endpoint, exit_status=status, said=said)
        if not self.complete or self.stdout.status is None or self.stdout.status < 0:
            raise SshConnectionLostError(self.endpoint, "the shell ended before the script did")
        return CommandResult(
            exit_status=self.stdout.status,
            exit_signal=None,
            stdout=self.stdout.body,
            stderr=self.stderr.body,
            duration_s=duration_s,
        )


def _answer(endpoint: Endpoint, mark: str, max_output_bytes: int) -> _Answer:
    return _Answer(endpoint, max_output_bytes, Frame(mark), Frame(mark))


class _Shell:
    """A bash that stays open; one script at a time."""

    def __init__(self, duplex: Duplex, *, opened_s: float) -> None:
        self._duplex = duplex
        self.opened_s = opened_s
        self.is_busy = False
        self.discarded = asyncio.Event()

    @property
    def is_usable(self) -> bool:
        """Whether it is free, and has not died or spoken unasked."""
        return not (self.is_busy or self.discarded.is_set() or self._duplex.has_news)

    async def run(self, script: str, max_output_bytes: int) -> _Answer:
        mark = new_mark()
        answer = _answer(self._duplex.endpoint, mark, max_output_bytes)
        self.is_busy = True
        fine = False
        try:
            self._duplex.send(request(script, mark))
            await answer.read(self._duplex)
            fine = answer.complete and answer.in_frame and answer.stdout.status != -1
        finally:
            self.is_busy = False
            if not fine:
                self.discarded.set()
        # It ended in good order, so all that it wrote has come. (A connection that broke may have
        # taken the mark with it: that is an error.)
        if not answer.stdout.begun:
            raise _NeverBegunError
        return answer


class ScriptRunner:
    """Runs the scripts of one link."""

    def __init__(
        self,
        opener: Opener,
        *,
        clock: Clock,
        children: asyncio.TaskGroup,
        keeps_shell: bool,
    ) -> None:
        """Describe it; `children` holds the shell that stays open."""
        self._open = opener
        self._clock = clock
        self._children = children
        self._keeps_shell = keeps_shell
        self._shell: _Shell | None = None
        self._opening: asyncio.Task[None] | None = None
        self._failures = 0
        self._not_before_s = 0.0
        self.shell_runs = 0
        """Scripts that an open shell has run."""

    def close(self) -> None:
        """Let go of the open shell."""
        self._keeps_shell = False
        if self._opening is not None:
            self._opening.cancel()

    async def run(
        self,
        script: str,
        *,
        endpoint: Endpoint,
        limit_s: float,
        login: bool,
        max_output_bytes: int,
        lane: Lane,
    ) -> CommandResult:
        """Run a script.

        Raises:
            SshError: As `Link.run_script` says.
        """
        if "\0" in script:
            raise SshConfigError(endpoint, "a bash script cannot hold a NUL byte")
        started_s = self._clock.monotonic_s()
        turn = Turn(lane)
        try:
            async with Budget(operation="run a script", limit_s=limit_s).enforce():
                answer, ending = await self._answer(script, max_output_bytes, turn, login=login)
        except BudgetExceededError as exc:
            raise overrun(endpoint, turn, operation=exc.operation, limit_s=limit_s) from exc
        return answer.result(ending, duration_s=self._clock.monotonic_s() - started_s)

    async def _answer(
        self, script: str, max_output_bytes: int, turn: Turn, *, login: bool
    ) -> tuple[_Answer, Ending | None]:
        for_watch = turn.lane is Lane.WATCH
        shell = self._usable_shell() if for_watch and not login else None
        if shell is not None:
            try:
                answer = await shell.run(script, max_output_bytes)
            except _NeverBegunError:
                pass
            except SshChannelRefusedError:
                # A command was given the shell's session in the middle of it. The watch only asks,
                # so it asks again, in line; its look shall not fail by what people run.
                pass
            else:
                self.shell_runs += 1
                return answer, None
        mark = new_mark()
        command = LOGIN_SHELL_COMMAND if login else SHELL_COMMAND
        async with self._open(command, Use.COMMAND, turn) as duplex:
            answer = _answer(duplex.endpoint, mark, max_output_bytes)
            duplex.send(request(script, mark) + b"exit 0\n", last=True)
            await answer.read(duplex)
            ending = duplex.ending
        if answer.stdout.begun and for_watch:
            self._open_shell()
        return answer, ending

    def _usable_shell(self) -> _Shell | None:
        shell = self._shell
        if shell is None or shell.is_busy:
            return None
        too_old = self._clock.monotonic_s() - shell.opened_s > SHELL_LIFE_S
        if too_old or not shell.is_usable:
            shell.discarded.set()
            return None
        return shell

    def _open_shell(self) -> None:
        if not self._keeps_shell or self._opening is not None:
            return
        if self._clock.monotonic_s() < self._not_before_s:
            return
        self._opening = self._children.create_task(self._keep(), name="shell that stays open")

    async def _keep(self) -> None:
        """Open a shell and hold it until it is of no more use."""
        opened_s = self._clock.monotonic_s()
        try:
            async with self._open(SHELL_COMMAND, Use.SHELL, Turn()) as duplex:
                shell = _Shell(duplex, opened_s=opened_s)
                await self._greet(shell)
                self._shell = shell
                await shell.discarded.wait()
        except (SshError, _NeverBegunError, BudgetExceededError):
            pass  # scripts go on without; `_note_end` says when it is tried again
        finally:
            self._shell = self._opening = None
            self._note_end(self._clock.monotonic_s() - opened_s)

    async def _greet(self, shell: _Shell) -> None:
        """See that it answers; what dotfiles print comes before the answer."""
        async with Budget(operation="open a shell", limit_s=_GREETING_LIMIT_S).enforce():
            answer = await shell.run("printf ready", max_output_bytes=_SAID_CHARS)
        if not answer.complete or answer.stdout.body != b"ready":
            raise _NeverBegunError
        shell.discarded.clear()  # noise before the first frame is a dotfile's

    def _note_end(self, lived_s: float) -> None:
        if lived_s > _PROVEN_AFTER_S:
            self._failures, self._not_before_s = 0, 0.0
            return
        pause_s = min(_FIRST_PAUSE_S * 2.0**self._failures, _LONGEST_PAUSE_S)
        self._failures += 1
        self._not_before_s = self._clock.monotonic_s() + pause_s
