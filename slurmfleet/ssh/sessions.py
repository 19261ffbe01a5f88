"""Who may open a session on a connection: the watch first, people where room is left.

Each lane has a limit of commands and one of streams; neither can use the other's. Commands of a
lane wait in a line, first come first served. A person's line has an end: what does not fit in it is
refused at once.

A server tells its own limit (MaxSessions) only by refusing a session. What it refused is
remembered, so that commands queue instead of failing. The watch tries again after ten minutes,
since a refusal may have been an accident; people never try it out again on the same connection.
Where that limit is known

- a free session goes to the watch's commands before any of a person's;
- a person's command begins only if as many sessions stay free as the watch may still need; where
  the server allows fewer than that, one at a time, and only if one stays free or the watch runs no
  command: with one or two sessions that is the moment between two ticks;
- a command that has begun is never taken its session away, so with one session a tick may wait for
  one command of a person, for as long as that command's limit, and never for a second one;
- a person's stream gives way to the watch at once, the newest first. Where nothing else can free a
  session for the watch, the shell gives way next, then the newest stream of its own. Where no
  command runs, the shell and a person's stream give way to a person's command too;
- streams leave one session for commands.

Before the server has refused any, a person's command begins beside another one only while the watch
holds a session too: it is then not the watch that the server refuses.

Source: sshd_config(5), MaxSessions, counted per connection; session.c of OpenSSH 9.2.
"""

import asyncio
from bisect import insort
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from slurmfleet.ssh.duplex import Use
from slurmfleet.ssh.lanes import USER_LIMITS, WATCH_LIMITS, Lane, LaneLimits, LaneLoad, Turn
from slurmfleet.timing.clock import Clock

FORGET_LIMIT_AFTER_S = 600.0
_SHELL_NEEDS = 4
"""Sessions that a server must allow before one of them is spent on a shell that stays open."""


class NoRoomError(Exception):
    """There is no session for this use; the message says why."""


class LaneFullError(Exception):
    """So much of this lane runs and waits that no more is taken; the message says how much."""


@dataclass(eq=False, slots=True)
class _Holder:
    use: Use
    lane: Lane
    give_way: Callable[[], None] | None
    is_leaving: bool = False


class Sessions:
    """The sessions of one link."""

    def __init__(
        self,
        *,
        clock: Clock,
        watch: LaneLimits = WATCH_LIMITS,
        user: LaneLimits = USER_LIMITS,
        is_bounded: bool = True,
    ) -> None:
        """Allow so many at once, until the server says otherwise.

        Args:
            clock: For how long a limit is remembered.
            watch: Of the watch.
            user: Of people, all together.
            is_bounded: Whether there is a server that may have a limit.
        """
        self._limits = {Lane.WATCH: watch, Lane.USER: user}
        self._clock = clock
        self._is_bounded = is_bounded
        self._holders: list[_Holder] = []
        self._lines: dict[Lane, list[Turn]] = {lane: [] for lane in Lane}
        self._came = 0
        self._changed = asyncio.Event()
        self._learnt: int | None = None
        self._learnt_until_s = 0.0

    @property
    def limit(self) -> int | None:
        """How many the server allows at once; None while it has refused none lately."""
        return self._learnt if self._clock.monotonic_s() < self._learnt_until_s else None

    def load(self, lane: Lane) -> LaneLoad:
        """Give what of a lane runs and waits."""
        return LaneLoad(
            commands=self._count(Use.COMMAND, lane),
            streams=self._count(Use.STREAM, lane),
            waiting=len(self._lines[lane]),
        )

    @asynccontextmanager
    async def command(
        self, turn: Turn, *, is_wanted: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[bool]:
        """Hold a session for a command; wait in line for one as long as it is wanted.

        Args:
            turn: Who wants it.
            is_wanted: Asked again after each `stir`.

        Returns:
            Whether there is one; not when it was not wanted any more.

        Raises:
            LaneFullError: The line is full.
        """
        if not await self._get_through(turn, is_wanted):
            yield False
            return
        holder = _Holder(Use.COMMAND, turn.lane, None)
        self._holders.append(holder)
        try:
            yield True
        finally:
            self._release(holder)

    @contextmanager
    def spare(self, use: Use, turn: Turn, give_way: Callable[[], None]) -> Generator[None]:
        """Hold a session for a stream or the shell, if one is left over.

        Args:
            use: Which of the two.
            turn: Who wants it.
            give_way: Called when a command needs the session; it has to be released soon.

        Raises:
            NoRoomError: None is left over.
            LaneFullError: A person has as many streams as people may have.
        """
        lane, limit = turn.lane, self._limit_for(turn.lane)
        most = self._limits[lane].streams
        if use is Use.STREAM and self._count(Use.STREAM, lane) >= most:
            if lane is Lane.USER:
                raise LaneFullError(f"{most} streams are open")
            raise NoRoomError(f"{most} streams are open already")
        if use is Use.SHELL and (limit or _SHELL_NEEDS) < _SHELL_NEEDS:
            raise NoRoomError(f"the server allows {limit} sessions at once")
        extras = len(self._holders) - self._count(Use.COMMAND)
        if limit is not None and extras + 1 >= limit:
            raise NoRoomError(
                f"the server allows {limit} sessions at once, and one is kept for commands"
            )
        holder = _Holder(use, lane, give_way)
        self._holders.append(holder)
        try:
            yield
        finally:
            self._release(holder)

    def note_refusal(self) -> int:
        """Remember that the server refused a session; give how many others are held."""
        others = len(self._holders) - 1
        if others:
            self._learnt = min(others, self.limit or others)
            self._learnt_until_s = self._clock.monotonic_s() + FORGET_LIMIT_AFTER_S
        return others

    def forget_limit(self) -> None:
        """Begin anew, because the connection is another."""
        self._learnt = None

    def stir(self) -> None:
        """Let all in line see whether it is their turn, or whether they are still wanted."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _get_through(self, turn: Turn, is_wanted: Callable[[], bool]) -> bool:
        """Stand in line to its end; say whether there is a session now."""
        line = self._lines[turn.lane]
        if not turn.number:
            self._must_fit(turn, line)
            self._came += 1
            turn.number = self._came
        insort(line, turn, key=lambda one: one.number)
        turn.is_waiting = True
        try:
            while is_wanted():
                if line[0] is turn:
                    if self._has_room(turn.lane):
                        turn.is_waiting = False
                        return True
                    self._make_room(turn.lane)
                await self._changed.wait()
            return False
        finally:
            line.remove(turn)
            self.stir()

    def _must_fit(self, turn: Turn, line: Sequence[Turn]) -> None:
        has_to_wait = bool(line) or not self._has_room(turn.lane)
        most = self._limits[turn.lane].waiting
        if has_to_wait and most is not None and len(line) >= most:
            running = self._count(Use.COMMAND, turn.lane)
            raise LaneFullError(f"{running} commands run and {len(line)} wait")

    def _has_room(self, lane: Lane) -> bool:
        if self._count(Use.COMMAND, lane) >= self._limits[lane].commands:
            return False
        limit = self._limit_for(lane)
        if limit is None:
            return lane is Lane.WATCH or self._may_try()
        free = limit - len(self._holders)
        return free > 0 and (lane is Lane.WATCH or self._may_be_spared(free))

    def _may_try(self) -> bool:
        """Say whether a limit that is not known yet would be met by a person and not the watch."""
        if not self._is_bounded or not self._count(Use.COMMAND, Lane.USER):
            return True
        return any(one.lane is Lane.WATCH for one in self._holders)

    def _may_be_spared(self, free: int) -> bool:
        """Say whether the watch can do without one of so many free sessions."""
        if self._lines[Lane.WATCH]:
            return False
        running = self._count(Use.COMMAND, Lane.WATCH)
        if free > self._limits[Lane.WATCH].commands - running:
            return True
        return not self._count(Use.COMMAND, Lane.USER) and (free > 1 or not running)

    def _make_room(self, lane: Lane) -> None:
        """Ask one of the others to go, if it is the server's limit that this lane waits for."""
        limit = self._limit_for(lane)
        if limit is None or len(self._holders) < limit:
            return
        if self._count(Use.COMMAND, lane) >= self._limits[lane].commands:
            return
        if any(one.is_leaving for one in self._holders):
            return
        leaving = next(iter(self._by_rank(lane)), None)
        if leaving is not None and leaving.give_way is not None:
            leaving.is_leaving = True
            leaving.give_way()

    def _by_rank(self, lane: Lane) -> list[_Holder]:
        """Give who has to go for a command of this lane, the first one first."""
        newest_first = self._holders[::-1]
        streams = [one for one in newest_first if one.use is Use.STREAM]
        of_people = [one for one in streams if one.lane is Lane.USER]
        shells = [one for one in newest_first if one.use is Use.SHELL]
        if lane is Lane.USER:
            return [] if self._count(Use.COMMAND) else [*shells, *of_people]
        if self._count(Use.COMMAND, Lane.WATCH):
            return of_people  # one of our own will end
        return [*of_people, *shells, *(one for one in streams if one.lane is Lane.WATCH)]

    def _limit_for(self, lane: Lane) -> int | None:
        return self.limit if lane is Lane.WATCH else self._learnt

    def _count(self, use: Use, lane: Lane | None = None) -> int:
        return sum(one.use is use and lane in (None, one.lane) for one in self._holders)

    def _release(self, holder: _Holder) -> None:
        self._holders.remove(holder)
        self.stir()
