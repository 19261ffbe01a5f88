"""One link against a real SSH server in this process."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import (
    SshChannelRefusedError,
    SshConnectionLostError,
    SshOutputTooLargeError,
    SshTimeoutError,
    SshUnreachableError,
)
from slurmfleet.ssh.lanes import LaneLimits
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.login_node import LoginNode, Reply
from slurmfleet.timing.clock import SystemClock

pytestmark = pytest.mark.integration


def link_to(target: SshTarget, *, max_channels: int = 4) -> SshLink:
    watch = LaneLimits(commands=max_channels, streams=3)
    return SshLink(target, clock=ManualClock(), watch=watch)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in this very process."""
    async with asyncio.timeout(5):
        while not condition():
            await SystemClock().sleep(0.01)


async def never(_command: str, _stdin: bytes) -> Reply:
    await asyncio.Event().wait()
    raise AssertionError


async def hang_on_request(command: str, stdin: bytes) -> Reply:
    return await never(command, stdin) if command == "hang" else Reply(stdout=b"fine")


async def test_run_gives_status_and_both_outputs(node: LoginNode):
    async with link_to(node.target()) as link:
        result = await link.run("echo out; echo err >&2; exit 3", limit_s=5)

    assert result == CommandResult(
        exit_status=3, exit_signal=None, stdout=b"out\n", stderr=b"err\n", duration_s=0.0
    )


async def test_run_tells_which_signal_ended_the_command(node: LoginNode):
    async with link_to(node.target()) as link:
        result = await link.run("kill -TERM $$", limit_s=5)

    assert result == CommandResult(
        exit_status=None, exit_signal="TERM", stdout=b"", stderr=b"", duration_s=0.0
    )


async def test_stdin_and_stdout_carry_any_bytes(node: LoginNode):
    every_byte = bytes(range(256)) * 8_192

    async with link_to(node.target()) as link:
        result = await link.run("cat", stdin=every_byte, limit_s=8)

    assert hashlib.sha256(result.stdout).digest() == hashlib.sha256(every_byte).digest()


async def test_command_that_does_not_read_its_input_still_has_a_result(node: LoginNode):
    async with link_to(node.target()) as link:
        result = await link.run("exec <&-; echo done", stdin=b"x" * 4_000_000, limit_s=8)

    assert (result.exit_status, result.stdout) == (0, b"done\n")


async def test_nothing_is_connected_before_the_first_command(node: LoginNode):
    async with link_to(node.target()) as link:
        before = (node.connections_accepted, link.is_connected, link.connections_opened)
        await link.run("true", limit_s=5)
        after = (node.connections_accepted, link.is_connected, link.connections_opened)

    assert (before, after) == ((0, False, 0), (1, True, 1))


async def test_twenty_commands_at_once_share_one_connection(node: LoginNode):
    async with link_to(node.target()) as link, asyncio.TaskGroup() as group:
        tasks = [group.create_task(link.run(f"echo {number}", limit_s=8)) for number in range(20)]

    assert [task.result().stdout for task in tasks] == [b"%d\n" % number for number in range(20)]
    assert (node.connections_accepted, link.connections_opened) == (1, 1)


async def test_no_more_commands_run_at_once_than_there_are_channels(tmp_path: Path):
    most_at_once = 0

    async def count(_command: str, _stdin: bytes) -> Reply:
        nonlocal most_at_once
        most_at_once = max(most_at_once, len(node.sessions))
        return Reply(delay_s=0.02)

    async with (
        LoginNode(tmp_path, answer=count) as node,
        link_to(node.target(), max_channels=3) as link,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(12):
            group.create_task(link.run("count", limit_s=8))

    assert most_at_once == 3


async def test_overrun_stops_the_command_and_keeps_the_connection(tmp_path: Path):
    async with (
        LoginNode(tmp_path, answer=hang_on_request) as node,
        link_to(node.target()) as link,
    ):
        await link.run("warm up", limit_s=5)
        began_s = SystemClock().monotonic_s()
        with pytest.raises(SshTimeoutError) as caught:
            await link.run("hang", limit_s=0.3)
        took_s = SystemClock().monotonic_s() - began_s
        await until(lambda: not node.sessions)
        result = await link.run("again", limit_s=5)

    assert (caught.value.operation, caught.value.limit_s) == ("run a command", 0.3)
    assert took_s < 2.0
    assert (result.stdout, node.signals, node.connections_accepted) == (b"fine", ["KILL"], 1)


async def test_overrun_in_the_queue_never_starts_the_command(tmp_path: Path):
    async with (
        LoginNode(tmp_path, answer=hang_on_request) as node,
        link_to(node.target(), max_channels=1) as link,
        asyncio.TaskGroup() as group,
    ):
        busy = group.create_task(link.run("hang", limit_s=60))
        await until(lambda: node.commands == ["hang"])
        with pytest.raises(SshTimeoutError):
            await link.run("late", limit_s=0.2)
        busy.cancel()
        await until(lambda: not node.sessions)
        result = await link.run("next", limit_s=5)

    assert (result.stdout, node.commands) == (b"fine", ["hang", "next"])


async def test_cancelled_caller_stops_the_command(tmp_path: Path):
    async with (
        LoginNode(tmp_path, answer=hang_on_request) as node,
        link_to(node.target()) as link,
        asyncio.TaskGroup() as group,
    ):
        task = group.create_task(link.run("hang", limit_s=60))
        await until(lambda: node.commands == ["hang"])
        task.cancel()
        await until(lambda: not node.sessions)
        result = await link.run("next", limit_s=5)

    assert task.cancelled()
    assert (result.stdout, node.connections_accepted) == (b"fine", 1)


async def test_callers_that_give_up_at_once_leave_no_channel_open(tmp_path: Path):
    async with (
        LoginNode(tmp_path, answer=hang_on_request, max_sessions=4) as node,
        link_to(node.target()) as link,
    ):
        await link.run("warm up", limit_s=5)
        for turns in range(40):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(link.run("hang", limit_s=60))
                for _ in range(turns % 10):
                    await asyncio.sleep(0)
                task.cancel()
        await until(lambda: not node.sessions)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(link.run("fine", limit_s=5)) for _ in range(8)]

    assert [task.result().stdout for task in tasks] == [b"fine"] * 8


async def test_too_much_output_stops_the_command_and_keeps_the_connection(node: LoginNode):
    async with link_to(node.target()) as link:
        with pytest.raises(SshOutputTooLargeError) as caught:
            await link.run("head -c 300000 /dev/zero", limit_s=5, max_output_bytes=100_000)
        result = await link.run("head -c 100000 /dev/zero", limit_s=5, max_output_bytes=100_000)

    assert caught.value.limit_bytes == 100_000
    assert (len(result.stdout), node.connections_accepted) == (100_000, 1)


async def test_link_connects_again_after_the_server_came_back(node: LoginNode):
    async with link_to(node.target()) as link:
        await link.run("true", limit_s=5)
        await node.stop()
        with pytest.raises((SshUnreachableError, SshConnectionLostError)):
            await link.run("true", limit_s=5)
        await node.start()
        result = await link.run("echo back", limit_s=5)

    assert (result.stdout, link.connections_opened, link.last_error) == (b"back\n", 2, None)


async def test_running_command_learns_that_the_connection_broke(tmp_path: Path):
    async with (
        LoginNode(tmp_path, answer=hang_on_request) as node,
        link_to(node.target()) as link,
    ):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(_error_of(link.run("hang", limit_s=60)))
            await until(lambda: node.commands == ["hang"])
            await node.drop_connections()
        is_connected = link.is_connected

    assert isinstance(task.result(), SshConnectionLostError)
    assert (is_connected, link.last_error) == (False, task.result())


async def test_refused_session_waits_for_a_free_one(tmp_path: Path):
    async with (
        LoginNode(tmp_path, answer=hang_on_request, max_sessions=1) as node,
        link_to(node.target()) as link,
        asyncio.TaskGroup() as group,
    ):
        busy = group.create_task(link.run("hang", limit_s=60))
        await until(lambda: node.commands == ["hang"])
        with pytest.raises(SshTimeoutError) as caught:
            await link.run("one too many", limit_s=0.5)
        patient = group.create_task(link.run("patient", limit_s=8))
        await asyncio.sleep(0)
        busy.cancel()

    assert caught.value.operation == "wait for a free session"
    assert patient.result().stdout == b"fine"
    assert (node.commands, link.connections_opened) == (["hang", "patient"], 1)


async def test_session_refused_to_a_link_that_holds_none_is_told(tmp_path: Path):
    async with (
        LoginNode(tmp_path, max_sessions=0) as node,
        link_to(node.target()) as link,
    ):
        with pytest.raises(SshChannelRefusedError) as caught:
            await link.run("true", limit_s=8)
        is_connected = link.is_connected

    assert (caught.value.detail, caught.value.retryable) == ("Session refused", True)
    assert is_connected


async def test_closed_port_is_unreachable(node: LoginNode):
    target = node.target()
    await node.stop()

    async with link_to(target) as link:
        with pytest.raises(SshUnreachableError) as caught:
            await link.run("true", limit_s=5)

    assert caught.value.endpoint.port == node.port
    assert "Connect call failed" in caught.value.detail


async def test_unknown_name_is_unreachable(node: LoginNode):
    target = replace(node.target(), host="no-such-host.invalid")

    async with link_to(target) as link:
        with pytest.raises(SshUnreachableError) as caught:
            await link.run("true", limit_s=8)

    assert caught.value.endpoint.host == "no-such-host.invalid"


async def test_callers_share_one_failed_attempt(node: LoginNode):
    node.hangs_at_login = True
    target = replace(node.target(), connect_timeout_s=0.5)

    async with link_to(target, max_channels=2) as link, asyncio.TaskGroup() as group:
        tasks = [group.create_task(_error_of(link.run("true", limit_s=8))) for _ in range(20)]

    assert {type(task.result()) for task in tasks} == {SshTimeoutError}
    assert node.connections_accepted == 1


async def test_server_that_says_nothing_is_given_up_in_time(node: LoginNode):
    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = replace(node.target(), port=port, connect_timeout_s=0.3)
    async with server, link_to(target) as link:
        with pytest.raises(SshTimeoutError) as caught:
            await link.run("true", limit_s=5)
        over.set()

    assert (caught.value.operation, caught.value.limit_s) == ("connect", 0.3)


async def test_caller_that_gives_up_does_not_stop_the_attempt_of_others(node: LoginNode):
    node.hangs_at_login = True

    async with link_to(node.target()) as link, asyncio.TaskGroup() as group:
        hasty = group.create_task(link.run("true", limit_s=5))
        patient = group.create_task(link.run("echo patient", limit_s=5))
        await until(lambda: node.connections_accepted == 1)
        hasty.cancel()
        await until(hasty.done)
        node.hangs_at_login = False

    assert (patient.result().stdout, node.connections_accepted) == (b"patient\n", 1)


async def test_connection_lost_while_a_channel_opens_is_no_refusal(node: LoginNode):
    async with link_to(node.target()) as link:
        await link.run("true", limit_s=5)
        node.hangs_up_on_commands = True
        with pytest.raises(SshConnectionLostError):
            await link.run("true", limit_s=5)
        node.hangs_up_on_commands = False
        result = await link.run("echo back", limit_s=5)

    assert (result.stdout, link.connections_opened) == (b"back\n", 2)


async def test_leaving_the_link_ends_what_still_runs(tmp_path: Path):
    async with LoginNode(tmp_path, answer=hang_on_request) as node, asyncio.TaskGroup() as group:
        async with link_to(node.target()) as link:
            task = group.create_task(_error_of(link.run("hang", limit_s=60)))
            await until(lambda: node.commands == ["hang"])
        error = await task
        late = await _error_of(link.run("late", limit_s=1))
        await until(lambda: not node.connections)

    assert (type(error), type(late)) == (SshConnectionLostError, SshConnectionLostError)


async def _error_of(run: Awaitable[CommandResult]) -> Exception:
    try:
        result = await run
    except Exception as exc:  # noqa: BLE001 - the test looks at it
        return exc
    pytest.fail(f"no error but {result}")
