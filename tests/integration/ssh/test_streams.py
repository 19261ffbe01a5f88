"""Long commands read line by line, on OpenSSH's own server."""

import asyncio
from dataclasses import replace

import pytest

from slurmfleet.ssh.errors import (
    SshChannelRefusedError,
    SshConnectionLostError,
    SshNoShellError,
    SshOutputTooLargeError,
)
from slurmfleet.ssh.lanes import LaneLimits
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.port import LineStream
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from tests.harness.openssh import Sshd, processes, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


def link_to(target: SshTarget) -> SshLink:
    return SshLink(target, clock=ManualClock(), watch=LaneLimits(commands=4, streams=3))


async def drain(lines: LineStream) -> None:
    async for _ in lines:
        pass


async def test_lines_come_until_the_command_ends(sshd: Sshd):
    async with (
        link_to(sshd.target()) as link,
        link.stream("cat; echo last >&2; printf 'no end'; exit 4", stdin=b"a\n\nb\r\n") as lines,
    ):
        read = [line async for line in lines]
        ended = (lines.exit_status, lines.stderr_tail)

    assert read == [b"a", b"", b"b\r", b"no end"]
    assert ended == (4, b"last\n")


async def test_lines_come_while_the_command_runs_and_leaving_stops_it(sshd: Sshd):
    async with link_to(sshd.target()) as link:
        async with link.stream("echo one; exec sleep 613.111") as lines:
            first = await anext(aiter(lines))
            ran = "sleep 613.111" in processes()
        await until(lambda: "sleep 613.111" not in processes())
        after = await link.run("echo fine", limit_s=20)

    assert (first, ran, after.stdout, link.connections_opened) == (b"one", True, b"fine\n", 1)


async def test_a_command_that_ignores_sigterm_is_killed(sshd: Sshd):
    command = "trap '' TERM; echo on; while :; do sleep 613.222; done"

    async with link_to(sshd.target()) as link:
        async with link.stream(command) as lines:
            await anext(aiter(lines))
        await until(lambda: "sleep 613.222" not in processes())


async def test_output_that_nobody_takes_waits_at_the_far_side(sshd: Sshd):
    counted = sshd.folder / "counted"
    counted.touch()
    counted.chmod(0o666)
    command = f"i=0; while :; do i=$((i+1)); echo $i > {counted}; printf '%1048576s\\n' x; done"

    async with (
        link_to(sshd.target()) as link,
        link.stream(command, max_line_bytes=2**21) as lines,
    ):
        await until(lambda: counted.read_text().strip() not in ("", "0"))
        await asyncio.sleep(1)
        written_mib = int(counted.read_text())
        taken = [len(await anext(aiter(lines))) for _ in range(20)]

    assert written_mib < 20
    assert taken == [2**20] * 20


async def test_a_line_without_an_end_is_an_error_and_stops_the_command(sshd: Sshd):
    async with link_to(sshd.target()) as link:
        async with link.stream("tr '\\0' x </dev/zero", max_line_bytes=10_000) as lines:
            with pytest.raises(SshOutputTooLargeError):
                await anext(aiter(lines))
        await until(lambda: "tr \\0 x" not in processes())
        after = await link.run("echo fine", limit_s=20)

    assert after.stdout == b"fine\n"


async def test_streams_leave_all_slots_to_commands(sshd: Sshd):
    async with (
        link_to(sshd.target()) as link,
        link.stream("echo a; exec sleep 60"),
        link.stream("echo b; exec sleep 60"),
        link.stream("echo c; exec sleep 60"),
    ):
        with pytest.raises(SshChannelRefusedError) as caught:
            async with link.stream("echo d"):
                pass
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(link.run("sleep 0.2", limit_s=30)) for _ in range(4)]

    assert [run.result().exit_status for run in runs] == [0] * 4
    assert "3 streams are open already" in caught.value.detail


async def test_with_one_session_polling_goes_on_and_the_stream_gives_way(sshd: Sshd):
    await sshd.restart(max_sessions=1)

    async with link_to(sshd.target()) as link:
        async with link.stream("echo on; exec sleep 613.333") as lines:
            reader = aiter(lines)
            first = await anext(reader)
            polled = await link.run("echo polled", limit_s=30)
            with pytest.raises(SshChannelRefusedError) as broken:
                await anext(reader)
        with pytest.raises(SshChannelRefusedError) as refused:
            async with link.stream("echo again"):
                pass
        again = [(await link.run("echo again", limit_s=30)).stdout for _ in range(5)]

    assert (first, polled.stdout, again) == (b"on", b"polled\n", [b"again\n"] * 5)
    assert broken.value.detail == "commands needed its session"
    assert "the server allows 1 sessions at once" in refused.value.detail
    assert link.connections_opened == 1


async def test_a_busy_single_session_refuses_the_stream(sshd: Sshd):
    await sshd.restart(max_sessions=1)

    async with link_to(sshd.target()) as link, asyncio.TaskGroup() as group:
        polling = group.create_task(link.run("sleep 1; echo polled", limit_s=30))
        await until(lambda: "sleep 1; echo polled" in processes())
        with pytest.raises(SshChannelRefusedError):
            async with link.stream("echo on"):
                pass

    assert polling.result().stdout == b"polled\n"


async def test_a_server_that_freezes_breaks_the_stream(sshd: Sshd):
    target = replace(sshd.target(), keepalive_s=0.5, keepalive_count=2)

    async with link_to(target) as link:
        async with link.stream("while :; do echo x; sleep 0.1; done") as lines:
            await anext(aiter(lines))
            sshd.freeze()
            with pytest.raises(SshConnectionLostError):
                await drain(lines)
        after = await link.run("echo fine", limit_s=20)

    assert (after.stdout, link.connections_opened) == (b"fine\n", 2)


async def test_a_login_without_a_shell_is_told(sshd: Sshd):
    await sshd.restart(more="ForceCommand echo This account is currently not available.")

    async with link_to(sshd.target()) as link:
        with pytest.raises(SshNoShellError) as caught:
            async with link.stream("echo on"):
                pass

    assert caught.value.said == "This account is currently not available."
