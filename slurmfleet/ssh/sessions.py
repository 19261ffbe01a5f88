"""Who may open a session on a connection: commands first, streams and the shell where room is left.

A server tells its limit (MaxSessions) only by refusing a session. What it refused is remembered, so
that commands queue instead of failing; it is tried again after ten minutes, since a refusal may
have been an accident. Where nothing but streams and the shell holds sessions and a command needs
one, they give way: the shell first, then the newest stream.

Source: sshd_config(5), MaxSessions, counted per connection; session.c of OpenSSH 9.2.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from slurmfleet.ssh.duplex import Use
from slurmfleet.timing.clock import Clock

FORGET_LIMIT_AFTER_S = 600.0
_SHELL_NEEDS = 4
"""Sessions that a server must allow before one of them is spent on a shell that stays open."""


class NoRoomError(Exception):
    """There is no session for this use; the message says why."""


@dataclass(eq=False, slots=True)
class _Holder:
    use: Use
    give_way: Callable[[], None] | None
    is_leaving: bool = False


class Sessions:
    """The sessions of one link."""

    def __init__(self, *, max_commands: int, max_streams: int, clock: Clock) -> None:
        """Allow so many at once, until the server says otherwise."""
        self._max_commands = max_commands
        self._max_streams = max_streams
        self._clock = clock
        self._holders: list[_Holder] = []
        self._changed = asyncio.Event()
        self._limit: int | None = None
        self._limit_until_s = 0.0

    @property
    def limit(self) -> int | None:
        """How many the server allows at once; None while it has refused none."""
        if self._limit is not None and self._clock.monotonic_s() >= self._limit_until_s:
            self._limit = None
        return self._limit

    @asynccontextmanager
    async def command(self) -> AsyncGenerator[None]:
        """Hold a session for a command; wait for one as long as it takes."""
        while not self._has_room_for_command():
            self._make_room()
            await self._changed.wait()
        holder = _Holder(Use.COMMAND, None)
        self._holders.append(holder)
        try:
            yield
        finally:
            self._release(holder)

    @contextmanager
    def spare(self, use: Use, give_way: Callable[[], None]) -> Generator[None]:
        """Hold a session for a stream or the shell, if one is left over.

        Args:
            use: Which of the two.
            give_way: Called when a command needs the session; it has to be released soon.

        Raises:
            NoRoomError: None is left over.
        """
        if self._count(Use.STREAM) >= self._max_streams and use is Use.STREAM:
            raise NoRoomError(f"{self._max_streams} streams are open already")
        if use is Use.SHELL and (self.limit or _SHELL_NEEDS) < _SHELL_NEEDS:
            raise NoRoomError(f"the server allows {self.limit} sessions at once")
        extras = len(self._holders) - self._count(Use.COMMAND)
        if self.limit is not None and extras + 1 >= self.limit:
            raise NoRoomError(
                f"the server allows {self.limit} sessions at once, and one is kept for commands"
            )
        holder = _Holder(use, give_way)
        self._holders.append(holder)
        try:
            yield
        finally:
            self._release(holder)

    def note_refusal(self) -> int:
        """Remember that the server refused a session; give how many others are held."""
        others = len(self._holders) - 1
        if others:
            self._limit = min(others, self.limit or others)
            self._limit_until_s = self._clock.monotonic_s() + FORGET_LIMIT_AFTER_S
        return others

    def forget_limit(self) -> None:
        """Begin anew, because the connection is another."""
        self._limit = None

    def _has_room_for_command(self) -> bool:
        if self._count(Use.COMMAND) >= self._max_commands:
            return False
        return self.limit is None or len(self._holders) < self.limit

    def _make_room(self) -> None:
        """Ask one of the others to go where no command can ever free a session."""
        if self._count(Use.COMMAND) or any(one.is_leaving for one in self._holders):
            return
        by_rank = sorted(
            (one for one in self._holders if one.give_way is not None),
            key=lambda one: (one.use is not Use.SHELL, -self._holders.index(one)),
        )
        for holder in by_rank[:1]:
            holder.is_leaving = True
            if holder.give_way is not None:
                holder.give_way()

    def _count(self, use: Use) -> int:
        return sum(one.use is use for one in self._holders)

    def _release(self, holder: _Holder) -> None:
        self._holders.remove(holder)
        self._changed.set()
        self._changed = asyncio.Event()
