"""Commands come first; the server's limit is learnt from what it refuses."""

import asyncio
from contextlib import AsyncExitStack, ExitStack

import pytest

from slurmfleet.ssh.duplex import Use
from slurmfleet.ssh.sessions import FORGET_LIMIT_AFTER_S, NoRoomError, Sessions
from slurmfleet.testing.clock import ManualClock


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sessions(clock: ManualClock) -> Sessions:
    return Sessions(max_commands=2, max_streams=2, clock=clock)


def nothing() -> None:
    """Give way without a word."""


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_refusal_with_none_held_teaches_nothing(sessions: Sessions):
    async with sessions.command():
        others = sessions.note_refusal()

    assert (others, sessions.limit) == (0, None)


async def test_a_refusal_teaches_how_many_are_allowed_for_a_while(
    sessions: Sessions, clock: ManualClock
):
    with sessions.spare(Use.STREAM, nothing):
        async with sessions.command():
            others = sessions.note_refusal()
    learnt = sessions.limit
    clock.advance(FORGET_LIMIT_AFTER_S)

    assert (others, learnt, sessions.limit) == (1, 1, None)


async def test_a_waiting_command_gets_the_first_free_session(sessions: Sessions):
    began: list[int] = []

    async def command(number: int) -> None:
        async with sessions.command():
            began.append(number)

    async with asyncio.TaskGroup() as group, AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(sessions.command())
        group.create_task(command(3))
        await turns()
        before = list(began)

    assert (before, began) == ([], [3])


async def test_streams_leave_one_session_to_commands(sessions: Sessions):
    with sessions.spare(Use.STREAM, nothing):
        async with sessions.command(), sessions.command():
            sessions.note_refusal()
        with pytest.raises(NoRoomError, match="allows 2 sessions"), ExitStack() as held:
            held.enter_context(sessions.spare(Use.STREAM, nothing))


async def test_no_shell_stays_open_where_sessions_are_few(sessions: Sessions):
    async with sessions.command(), sessions.command():
        sessions.note_refusal()
    with pytest.raises(NoRoomError, match="allows 1 sessions"), ExitStack() as held:
        held.enter_context(sessions.spare(Use.SHELL, nothing))


async def test_shell_gives_way_before_the_newest_stream(sessions: Sessions):
    asked: list[str] = []

    async def command() -> None:
        async with sessions.command():
            asked.append("ran")

    async with asyncio.TaskGroup() as group:
        with ExitStack() as held:
            for name in ("old", "new"):
                held.enter_context(sessions.spare(Use.STREAM, lambda name=name: asked.append(name)))
            shell = ExitStack()
            shell.enter_context(sessions.spare(Use.SHELL, lambda: asked.append("shell")))
            async with sessions.command():
                sessions.note_refusal()  # three are allowed, and three are held by others
            waiting = group.create_task(command())
            await turns()
            first = list(asked)
            shell.close()
            await turns()

    assert waiting.done()
    assert (first, asked) == (["shell"], ["shell", "ran"])
