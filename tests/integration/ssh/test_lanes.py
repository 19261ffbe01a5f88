"""People's work beside the watch, the same on every way to a login node."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import (
    SshChannelRefusedError,
    SshError,
    SshLaneBusyError,
    SshOutputTooLargeError,
    SshTimeoutError,
)
from slurmfleet.ssh.lanes import USER_LIMITS, Lane, LaneLoad
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.local import local_link
from slurmfleet.ssh.master import master_link
from slurmfleet.ssh.program import ProgramLink
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from tests.harness.master import Master
from tests.harness.openssh import Sshd, processes, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

AnyLink = SshLink | ProgramLink
WAITING = USER_LIMITS.waiting or 0
HANGING = 20
"""What a person's commands may take here, in seconds."""


@pytest.fixture(params=["asyncssh", "master", "local"])
async def link(request: pytest.FixtureRequest, sshd: Sshd) -> AsyncIterator[AnyLink]:
    async with AsyncExitStack() as stack:
        if request.param == "local":
            target = SshTarget(cluster=ClusterName("alpha"), host="login")
            yield await stack.enter_async_context(local_link(target, clock=ManualClock()))
        else:
            yield await stack.enter_async_context(await remote(request.param, sshd, stack))


NARROW = [("asyncssh", 1), ("asyncssh", 2), ("master", 1), ("master", 2)]
STOPPABLE = [way for way in NARROW if way[0] != "master"]
"""Through a master, what is to be stopped is stopped by one more session, if there is one."""


@pytest.fixture
async def watched(link: AnyLink) -> AsyncIterator[AnyLink]:
    """Give a link on which the watch holds something, as it mostly does."""
    async with link.stream("echo on; exec sleep 619.999"):
        yield link


@pytest.fixture(params=NARROW, ids=str)
async def narrow(request: pytest.FixtureRequest, sshd: Sshd) -> AsyncIterator[AnyLink]:
    """Give a link to a server that allows one or two sessions."""
    kind, max_sessions = request.param
    await sshd.restart(max_sessions=max_sessions)
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(await remote(kind, sshd, stack))


async def remote(kind: str, sshd: Sshd, stack: AsyncExitStack) -> AnyLink:
    if kind == "asyncssh":
        return SshLink(sshd.target(), clock=ManualClock())
    if shutil.which("ssh") is None:
        pytest.skip("OpenSSH's client is not installed")
    master = Master(sshd)
    stack.push_async_callback(master.close)
    await master.open()
    return master_link(master.target(), clock=ManualClock())


async def outcome(link: AnyLink, command: str, *, limit_s: float = 30.0) -> object:
    """Run something for a person; give its result or its error."""
    try:
        return await link.run(command, limit_s=limit_s, lane=Lane.USER)
    except SshError as exc:
        return exc


async def look(link: AnyLink, *, limit_s: float = 15.0) -> bytes:
    return (await link.run_script("echo seen", limit_s=limit_s)).stdout


def status_of(task: asyncio.Task[object]) -> int | None:
    result = task.result()
    assert isinstance(result, CommandResult)
    return result.exit_status


def kinds(tasks: list[asyncio.Task[object]]) -> list[type]:
    return [type(task.result()) for task in tasks if task.done()]


async def test_a_crowd_that_hangs_leaves_the_watch_its_sessions(watched: AnyLink):
    async with asyncio.TaskGroup() as group:
        crowd = [
            group.create_task(outcome(watched, "exec sleep 619.111", limit_s=HANGING))
            for _ in range(50)
        ]
        await until(lambda: processes().count("sleep 619.111") == USER_LIMITS.commands)
        refused = kinds(crowd)
        looks = [group.create_task(look(watched)) for _ in range(12)]
        await asyncio.wait(looks)
        load, ran = watched.load(Lane.USER), processes().count("sleep 619.111")
        for task in crowd:
            task.cancel()
        await until(lambda: "sleep 619.111" not in processes())
        after = await watched.run("echo fine", limit_s=10, lane=Lane.USER)

    assert refused == [SshLaneBusyError] * (50 - USER_LIMITS.commands - WAITING)
    assert [one.result() for one in looks] == [b"seen\n"] * 12
    assert load == LaneLoad(commands=USER_LIMITS.commands, streams=0, waiting=WAITING)
    assert ran == USER_LIMITS.commands
    assert after.stdout == b"fine\n"
    assert watched.last_error is None


async def test_who_waited_in_vain_is_told_so_and_who_hung_overran(watched: AnyLink):
    async with asyncio.TaskGroup() as group:
        crowd = [
            group.create_task(outcome(watched, "exec sleep 619.222", limit_s=limit_s))
            for limit_s in (*[6] * USER_LIMITS.commands, 3, 3)
        ]
    ended = [task.result() for task in crowd]

    assert kinds(crowd) == [SshTimeoutError] * USER_LIMITS.commands + [SshLaneBusyError] * 2
    last = ended[-1]
    assert isinstance(last, SshLaneBusyError)
    assert (last.detail, last.retryable) == ("no session was free for it within 3 s", True)


async def test_floods_and_failures_of_people_are_theirs(link: AnyLink):
    async with asyncio.TaskGroup() as group:
        flood = group.create_task(outcome(link, "head -c 104857600 /dev/zero"))
        failed = group.create_task(outcome(link, "exit 255"))
        looks = [group.create_task(look(link)) for _ in range(6)]

    assert isinstance(flood.result(), SshOutputTooLargeError)
    assert status_of(failed) == 255
    assert [one.result() for one in looks] == [b"seen\n"] * 6
    assert link.connections_opened == 1


async def test_scripts_of_people_neither_run_in_the_watch_shell_nor_open_one(
    link: AnyLink, request: pytest.FixtureRequest
):
    for _ in range(3):
        await link.run_script("true", limit_s=10, lane=Lane.USER)
    without = link.shell_runs
    await look(link)  # from now on there may be one
    for _ in range(20):
        await asyncio.sleep(0.05)
        await look(link)
    watch_runs = link.shell_runs
    told = await link.run_script("echo $0; exit 3", limit_s=10, lane=Lane.USER)

    assert without == 0
    assert (watch_runs > 0) == ("local" not in request.node.name)
    assert (told.exit_status, told.stdout) == (3, b"bash\n")
    assert link.shell_runs == watch_runs


async def test_streams_of_people_have_a_limit_of_their_own(link: AnyLink):
    follow = "echo on; exec sleep 619.333"
    async with (
        link.stream(follow, lane=Lane.USER),
        link.stream(follow, lane=Lane.USER),
        link.stream(follow),
    ):
        with pytest.raises(SshLaneBusyError, match="2 streams are open"):
            async with link.stream(follow, lane=Lane.USER):
                pass
        with pytest.raises(SshChannelRefusedError, match="1 streams are open already"):
            async with link.stream(follow):
                pass
        seen = await look(link)
        command = await link.run("echo fine", limit_s=10, lane=Lane.USER)

    assert (seen, command.stdout) == (b"seen\n", b"fine\n")


async def test_a_stream_takes_orders_as_long_as_it_is_read(link: AnyLink):
    repeat = 'while read -r line; do echo "<$line>"; done; echo over >&2'
    async with link.stream(repeat, stdin=b"first\n", keeps_stdin=True) as lines:
        reader = aiter(lines)
        told = [await anext(reader)]
        for order in (b"second\n", b"third\n"):
            lines.send(order)
            told.append(await anext(reader))
    await until(lambda: repeat not in processes())

    assert told == [b"<first>", b"<second>", b"<third>"]


async def test_callers_that_give_up_leave_the_line(watched: AnyLink):
    async with asyncio.TaskGroup() as group:
        hanging = [
            group.create_task(outcome(watched, "exec sleep 619.444"))
            for _ in range(USER_LIMITS.commands)
        ]
        await until(lambda: processes().count("sleep 619.444") == USER_LIMITS.commands)
        waiting = [group.create_task(outcome(watched, "echo never")) for _ in range(WAITING)]
        await until(lambda: watched.load(Lane.USER).waiting == WAITING)
        for task in waiting:
            task.cancel()
        await until(lambda: watched.load(Lane.USER).waiting == 0)
        last = group.create_task(outcome(watched, "echo mine"))
        await until(lambda: watched.load(Lane.USER).waiting == 1)
        for task in hanging:
            task.cancel()

    result = last.result()
    assert isinstance(result, CommandResult)
    assert result.stdout == b"mine\n"


async def test_with_few_sessions_the_watch_comes_first_and_people_have_their_turn(
    narrow: AnyLink,
):
    await look(narrow)
    async with asyncio.TaskGroup() as group:
        crowd = [group.create_task(outcome(narrow, "sleep 0.5; echo mine")) for _ in range(6)]
        looks = [await look(narrow) for _ in range(5)]
        await asyncio.wait(crowd)

    assert looks == [b"seen\n"] * 5
    results = [task.result() for task in crowd]
    assert [one.stdout for one in results if isinstance(one, CommandResult)] == [b"mine\n"] * 6


async def test_a_look_whose_shell_gives_way_in_the_middle_of_it_is_made_all_the_same(sshd: Sshd):
    """Whether a shell opens and has to go is up to the server's pace: it is tried a few times."""
    await sshd.restart(max_sessions=2)
    for _ in range(3):
        async with SshLink(sshd.target(), clock=ManualClock()) as link:
            for _ in range(3):  # the first opens the shell, if the server lets it
                await look(link)
            async with asyncio.TaskGroup() as group:
                slow = group.create_task(link.run_script("sleep 2; echo seen", limit_s=15))
                crowd = [group.create_task(outcome(link, "sleep 0.2; echo mine")) for _ in range(4)]

        assert slow.result().stdout == b"seen\n"
        assert kinds(crowd) == [CommandResult] * 4


@pytest.mark.parametrize("narrow", STOPPABLE, ids=str, indirect=True)
async def test_with_few_sessions_a_look_waits_for_one_hanging_command_at_most(narrow: AnyLink):
    await look(narrow)
    async with asyncio.TaskGroup() as group:
        crowd = [
            group.create_task(outcome(narrow, "exec sleep 619.555", limit_s=limit_s))
            for limit_s in (4, 60, 60, 60)
        ]
        await until(lambda: "sleep 619.555" in processes())
        looks = [await look(narrow, limit_s=20) for _ in range(2)]
        await until(crowd[0].done)
        await until(lambda: "sleep 619.555" in processes())
        going_on = [one.done() for one in crowd]
        for one in crowd:
            one.cancel()

    assert looks == [b"seen\n"] * 2
    assert kinds(crowd[:1]) == [SshTimeoutError]
    assert going_on == [True, False, False, False]


@pytest.mark.parametrize("narrow", STOPPABLE, ids=str, indirect=True)
async def test_a_persons_stream_that_nobody_reads_gives_way_where_sessions_are_few(
    narrow: AnyLink,
):
    begun: list[bytes] = []

    async def follow() -> None:
        async with narrow.stream("echo on; exec sleep 619.666", lane=Lane.USER) as lines:
            reader = aiter(lines)
            begun.append(await anext(reader))
            async with asyncio.TaskGroup() as group:
                looks = [group.create_task(look(narrow)) for _ in range(3)]
            begun.extend(one.result() for one in looks)
            await anext(reader)

    with pytest.raises(SshChannelRefusedError) as caught:
        await follow()

    assert begun == [b"on", *[b"seen\n"] * 3]
    assert caught.value.detail == "commands needed its session"
