"""On the login node itself: commands are processes of this machine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.errors import (
    SshConfigError,
    SshConnectionLostError,
    SshError,
    SshOutputTooLargeError,
    SshTimeoutError,
)
from slurmfleet.ssh.local import local_link
from slurmfleet.ssh.program import ProgramLink
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from tests.harness.openssh import processes, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "SITE": "alpha"}


@pytest.fixture
async def link() -> AsyncIterator[ProgramLink]:
    target = SshTarget(cluster=ClusterName("alpha"), host="login")
    async with local_link(target, clock=ManualClock(), environment=ENVIRONMENT) as link:
        yield link


async def test_status_outputs_and_input_arrive_whole(link: ProgramLink):
    every_byte = bytes(range(256)) * 16_384

    failed = await link.run("echo out; echo err >&2; exit 3", limit_s=20)
    killed = await link.run("kill -TERM $$", limit_s=20)
    copied = await link.run("cat", stdin=every_byte, limit_s=20)

    assert (failed.exit_status, failed.stdout, failed.stderr) == (3, b"out\n", b"err\n")
    assert (killed.exit_status, killed.exit_signal) == (None, "TERM")
    assert copied.stdout == every_byte


async def test_commands_see_the_environment_given_and_no_more(link: ProgramLink):
    result = await link.run("env", limit_s=20)
    script = await link.run_script("echo $SITE", limit_s=20)

    names = {line.partition("=")[0] for line in result.stdout.decode().splitlines()}
    assert names <= {"PATH", "SITE", "PWD", "OLDPWD", "SHLVL", "_"}
    assert script.stdout == b"alpha\n"


async def test_overrun_kills_all_that_the_command_started(link: ProgramLink):
    with pytest.raises(SshTimeoutError):
        await link.run("sleep 617.111 & sleep 617.111 & trap '' TERM; wait", limit_s=1)
    await until(lambda: "sleep 617.111" not in processes())
    with pytest.raises(SshTimeoutError):
        await link.run_script("sleep 617.222 & (sleep 617.222; true)", limit_s=1)
    await until(lambda: "sleep 617.222" not in processes())
    after = await link.run("echo fine", limit_s=20)

    assert after.stdout == b"fine\n"


async def test_a_cancelled_caller_kills_the_command(link: ProgramLink):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(link.run("sleep 617.333; true", limit_s=60))
        await until(lambda: "sleep 617.333" in processes())
        task.cancel()
    await until(lambda: "sleep 617.333" not in processes())

    assert task.cancelled()


async def test_too_much_output_stops_the_command(link: ProgramLink):
    with pytest.raises(SshOutputTooLargeError):
        await link.run("yes out", limit_s=20, max_output_bytes=100_000)
    await until(lambda: "yes out" not in processes())


async def test_streams_end_with_sigterm_when_they_are_left(link: ProgramLink, tmp_path: Path):
    trace = tmp_path / "trace"
    command = f"trap 'echo term > {trace}; exit' TERM; echo on; while :; do sleep 0.1; done"

    async with link.stream(command) as lines:
        first = await anext(aiter(lines))

    assert (first, trace.read_text()) == (b"on", "term\n")


async def test_a_nul_is_refused(link: ProgramLink):
    with pytest.raises(SshConfigError):
        await link.run_script("echo \0", limit_s=20)


async def test_leaving_the_link_ends_what_still_runs():
    target = SshTarget(cluster=ClusterName("alpha"), host="login")
    async with asyncio.TaskGroup() as group:
        async with local_link(target, clock=ManualClock()) as link:
            running = group.create_task(_error_of(link, "sleep 617.444; true"))
            await until(lambda: "sleep 617.444" in processes())
        late = await _error_of(link, "true")

    assert [type(one) for one in (running.result(), late)] == [SshConnectionLostError] * 2
    assert "sleep 617.444" not in processes()


async def _error_of(link: ProgramLink, command: str) -> SshError:
    with pytest.raises(SshError) as caught:
        await link.run(command, limit_s=60)
    return caught.value
