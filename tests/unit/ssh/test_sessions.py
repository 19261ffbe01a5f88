"""The watch comes first; the server's limit is learnt from what it refuses."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

import pytest

from slurmfleet.ssh.duplex import Use
from slurmfleet.ssh.lanes import Lane, LaneLimits, LaneLoad, Turn
from slurmfleet.ssh.sessions import (
    FORGET_LIMIT_AFTER_S,
    LaneFullError,
    NoRoomError,
    Sessions,
)
from slurmfleet.testing.clock import ManualClock

WATCH = LaneLimits(commands=2, streams=2)
USER = LaneLimits(commands=2, streams=1, waiting=3)


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sessions(clock: ManualClock) -> Sessions:
    return Sessions(watch=WATCH, user=USER, clock=clock)


def nothing() -> None:
    """Give way without a word."""


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_refusal_with_none_held_teaches_nothing(sessions: Sessions):
    async with sessions.command(Turn()):
        others = sessions.note_refusal()

    assert (others, sessions.limit) == (0, None)


async def test_a_refusal_teaches_how_many_are_allowed_for_a_while(
    sessions: Sessions, clock: ManualClock
):
    with sessions.spare(Use.STREAM, Turn(), nothing):
        async with sessions.command(Turn()):
            others = sessions.note_refusal()
    learnt = sessions.limit
    clock.advance(FORGET_LIMIT_AFTER_S)

    assert (others, learnt, sessions.limit) == (1, 1, None)


async def test_a_waiting_command_gets_the_first_free_session(sessions: Sessions):
    began: list[int] = []

    async def command(number: int) -> None:
        async with sessions.command(Turn()):
            began.append(number)

    async with asyncio.TaskGroup() as group, AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(sessions.command(Turn()))
        group.create_task(command(3))
        await turns()
        before = list(began)

    assert (before, began) == ([], [3])


async def test_streams_leave_one_session_to_commands(sessions: Sessions):
    with sessions.spare(Use.STREAM, Turn(), nothing):
        async with sessions.command(Turn()), sessions.command(Turn()):
            sessions.note_refusal()
        with pytest.raises(NoRoomError, match="allows 2 sessions"), ExitStack() as held:
            held.enter_context(sessions.spare(Use.STREAM, Turn(), nothing))


async def test_no_shell_stays_open_where_sessions_are_few(sessions: Sessions):
    async with sessions.command(Turn()), sessions.command(Turn()):
        sessions.note_refusal()
    with pytest.raises(NoRoomError, match="allows 1 sessions"), ExitStack() as held:
        held.enter_context(sessions.spare(Use.SHELL, Turn(), nothing))


async def test_shell_gives_way_before_the_newest_stream(sessions: Sessions):
    asked: list[str] = []

    async def command() -> None:
        async with sessions.command(Turn()):
            asked.append("ran")

    async with asyncio.TaskGroup() as group:
        with ExitStack() as held:
            for name in ("old", "new"):
                held.enter_context(
                    sessions.spare(Use.STREAM, Turn(), lambda name=name: asked.append(name))
                )
            shell = ExitStack()
            shell.enter_context(sessions.spare(Use.SHELL, Turn(), lambda: asked.append("shell")))
            async with sessions.command(Turn()):
                sessions.note_refusal()  # three are allowed, and three are held by others
            waiting = group.create_task(command())
            await turns()
            first = list(asked)
            shell.close()
            await turns()

    assert waiting.done()
    assert (first, asked) == (["shell"], ["shell", "ran"])


class Crowd:
    """Commands that each hold a session until they are told to end."""

    def __init__(self, sessions: Sessions, group: asyncio.TaskGroup) -> None:
        self.sessions = sessions
        self.group = group
        self.running: list[str] = []
        self.refused: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    async def ask(self, name: str, lane: Lane) -> None:
        """Stand in line, and wait until all is quiet."""
        self.ends[name] = asyncio.Event()
        self.group.create_task(self._hold(name, Turn(lane)))
        await turns()

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await turns()

    async def end_all(self) -> None:
        while any(not one.is_set() for one in self.ends.values()):
            for one in self.ends.values():
                one.set()
            await turns()

    async def _hold(self, name: str, turn: Turn) -> None:
        try:
            async with self.sessions.command(turn):
                self.running.append(name)
                await self.ends[name].wait()
                self.running.remove(name)
        except LaneFullError as exc:
            self.refused.append(f"{name}: {exc}")


async def learn(sessions: Sessions, limit: int) -> None:
    """Let a server that allows so many sessions refuse one more."""
    async with AsyncExitStack() as held:
        for _ in range(min(limit, 2)):
            held.enter_context(sessions.spare(Use.STREAM, Turn(), nothing))
        for place in range(limit + 1 - min(limit, 2)):
            lane = Lane.WATCH if place < WATCH.commands else Lane.USER
            await held.enter_async_context(sessions.command(Turn(lane)))
        sessions.note_refusal()
    assert sessions.limit == limit


@asynccontextmanager
async def crowd_of(sessions: Sessions) -> AsyncGenerator[Crowd]:
    async with asyncio.TaskGroup() as group:
        crowd = Crowd(sessions, group)
        yield crowd
        await crowd.end_all()


async def test_people_have_a_limit_and_a_line_of_their_own(sessions: Sessions):
    async with crowd_of(sessions) as crowd:
        await crowd.ask("look", Lane.WATCH)
        for number in range(7):
            await crowd.ask(f"user {number}", Lane.USER)
        await crowd.ask("accounting", Lane.WATCH)
        running, refused = list(crowd.running), list(crowd.refused)
        loads = [sessions.load(lane) for lane in Lane]

    assert running == ["look", "user 0", "user 1", "accounting"]
    assert refused == [f"user {number}: 2 commands run and 3 wait" for number in (5, 6)]
    assert loads == [
        LaneLoad(commands=2, streams=0, waiting=0),
        LaneLoad(commands=2, streams=0, waiting=3),
    ]


async def test_who_waits_is_served_in_order(sessions: Sessions):
    async with crowd_of(sessions) as crowd:
        await crowd.ask("look", Lane.WATCH)
        for number in range(5):
            await crowd.ask(f"user {number}", Lane.USER)
        await crowd.end("user 1")
        await crowd.end("user 0")

        assert crowd.running == ["look", "user 2", "user 3"]


async def test_who_is_wanted_no_more_leaves_the_line(sessions: Sessions):
    wanted = True
    async with crowd_of(sessions) as crowd:
        await crowd.ask("look", Lane.WATCH)
        await crowd.ask("user 0", Lane.USER)
        await crowd.ask("user 1", Lane.USER)

        async def give_up() -> bool:
            async with sessions.command(Turn(Lane.USER), is_wanted=lambda: wanted) as has_session:
                return has_session

        waiting = crowd.group.create_task(give_up())
        await turns()
        in_line = sessions.load(Lane.USER).waiting
        wanted = False
        sessions.stir()
        await turns()

        assert (in_line, sessions.load(Lane.USER).waiting, waiting.result()) == (1, 0, False)


async def test_a_caller_that_is_cancelled_leaves_the_line_and_is_known_to_have_waited(
    sessions: Sessions,
):
    turn = Turn(Lane.USER)
    async with crowd_of(sessions) as crowd:
        await crowd.ask("look", Lane.WATCH)
        await crowd.ask("user 0", Lane.USER)
        await crowd.ask("user 1", Lane.USER)

        async def wait() -> None:
            async with sessions.command(turn):
                pass

        waiting = crowd.group.create_task(wait())
        await turns()
        waiting.cancel()
        await turns()

        assert (sessions.load(Lane.USER).waiting, turn.is_waiting) == (0, True)


async def test_an_unknown_limit_is_met_by_people_and_not_by_the_watch(
    sessions: Sessions, clock: ManualClock
):
    async with crowd_of(sessions) as crowd:
        await crowd.ask("user 0", Lane.USER)
        await crowd.ask("user 1", Lane.USER)
        alone = list(crowd.running)
        await crowd.ask("look", Lane.WATCH)
        await turns()
        beside = list(crowd.running)
    boundless = Sessions(watch=WATCH, user=USER, clock=clock, is_bounded=False)
    async with crowd_of(boundless) as crowd:
        for name in ("user 0", "user 1"):
            await crowd.ask(name, Lane.USER)
        here = list(crowd.running)

    assert (alone, beside) == (["user 0"], ["user 0", "look", "user 1"])
    assert here == ["user 0", "user 1"]


async def test_with_one_session_people_wait_for_the_moment_between_two_ticks(sessions: Sessions):
    await learn(sessions, 1)
    async with crowd_of(sessions) as crowd:
        await crowd.ask("look 1", Lane.WATCH)
        await crowd.ask("user 1", Lane.USER)
        await crowd.ask("user 2", Lane.USER)
        during_look = list(crowd.running)
        await crowd.end("look 1")
        between = list(crowd.running)
        await crowd.ask("look 2", Lane.WATCH)
        await crowd.end("user 1")
        after_one = list(crowd.running)

    assert during_look == ["look 1"]
    assert between == ["user 1"]
    assert after_one == ["look 2"], "a look waits for one command of a person, never for two"


async def test_with_two_sessions_one_is_always_left_to_the_watch(sessions: Sessions):
    await learn(sessions, 2)
    async with crowd_of(sessions) as crowd:
        await crowd.ask("user 1", Lane.USER)
        await crowd.ask("user 2", Lane.USER)
        await crowd.ask("look", Lane.WATCH)
        beside = list(crowd.running)
        await crowd.end("user 1")
        during_look = list(crowd.running)
        await crowd.end("look")
        after = list(crowd.running)

    assert (beside, during_look, after) == (["user 1", "look"], ["look"], ["user 2"])


async def test_people_run_two_at_once_only_where_all_the_watch_needs_stays_free(
    sessions: Sessions,
):
    for limit, expected in ((3, ["user 0"]), (4, ["user 0", "user 1"])):
        sessions.forget_limit()
        await learn(sessions, limit)
        async with crowd_of(sessions) as crowd:
            for number in range(2):
                await crowd.ask(f"user {number}", Lane.USER)
            assert crowd.running == expected


async def test_people_never_try_a_known_limit_out_again(sessions: Sessions, clock: ManualClock):
    await learn(sessions, 2)
    clock.advance(FORGET_LIMIT_AFTER_S)
    async with crowd_of(sessions) as crowd:
        await crowd.ask("user 1", Lane.USER)
        await crowd.ask("user 2", Lane.USER)
        for name in ("look", "accounting"):
            await crowd.ask(name, Lane.WATCH)
        tried_again = list(crowd.running)

    assert tried_again == ["user 1", "look", "accounting"]


async def test_a_persons_stream_gives_way_to_the_watch_at_once(sessions: Sessions):
    left: list[str] = []
    await learn(sessions, 3)
    async with crowd_of(sessions) as crowd:
        with ExitStack() as held:
            held.enter_context(sessions.spare(Use.STREAM, Turn(), lambda: left.append("step")))
            held.enter_context(
                sessions.spare(Use.STREAM, Turn(Lane.USER), lambda: left.append("log"))
            )
            await crowd.ask("look", Lane.WATCH)
            await crowd.ask("user", Lane.USER)
            before = list(left)
            await crowd.ask("accounting", Lane.WATCH)
            after = list(left)

    assert (before, after) == ([], ["log"])


async def test_people_have_streams_of_their_own(sessions: Sessions):
    with ExitStack() as held:
        for turn in (Turn(), Turn(), Turn(Lane.USER)):
            held.enter_context(sessions.spare(Use.STREAM, turn, nothing))
        with pytest.raises(LaneFullError, match="1 streams are open"):
            held.enter_context(sessions.spare(Use.STREAM, Turn(Lane.USER), nothing))
        with pytest.raises(NoRoomError, match="2 streams are open already"):
            held.enter_context(sessions.spare(Use.STREAM, Turn(), nothing))
