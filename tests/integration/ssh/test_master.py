"""Commands through a real OpenSSH master, which somebody else opened."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from slurmfleet.ssh.errors import (
    SshChannelRefusedError,
    SshConfigError,
    SshConnectionLostError,
    SshError,
    SshNoMasterError,
    SshNoShellError,
    SshTimeoutError,
)
from slurmfleet.ssh.master import master_link
from slurmfleet.ssh.program import ProgramLink
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from slurmfleet.timing.clock import SystemClock
from tests.harness.master import Master
from tests.harness.openssh import Sshd, need_login_shell, processes, until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(90),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's client is not installed"),
]


@pytest.fixture
async def master(sshd: Sshd) -> AsyncIterator[Master]:
    master = Master(sshd)
    await master.open()
    try:
        yield master
    finally:
        await master.close()


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@asynccontextmanager
async def link_to(target: SshTarget, clock: ManualClock) -> AsyncIterator[ProgramLink]:
    async with master_link(target, clock=clock) as link:
        yield link


async def error_of(link: ProgramLink, command: str = "true") -> SshError:
    with pytest.raises(SshError) as caught:
        await link.run(command, limit_s=30)
    return caught.value


async def test_commands_scripts_and_streams_cost_no_login(master: Master, clock: ManualClock):
    async with link_to(master.target(), clock) as link:
        every_byte = bytes(range(256)) * 4_096
        ran = await link.run("echo out; echo err >&2; exit 3", limit_s=30)
        copied = await link.run("cat", stdin=every_byte, limit_s=30)
        script = await link.run_script("echo 'a\"b'; exit 4", limit_s=30)
        async with link.stream("echo one; echo two; exit 5") as lines:
            read = [line async for line in lines]
            status = lines.exit_status
        opened = link.connections_opened

    assert (ran.exit_status, ran.stdout, ran.stderr) == (3, b"out\n", b"err\n")
    assert copied.stdout == every_byte
    assert (script.exit_status, script.stdout) == (4, b'a"b\n')
    assert (read, status) == ([b"one", b"two"], 5)
    assert (opened, master.logins(), master.connections()) == (1, 1, 1)


async def test_no_master_is_told_with_the_command_that_opens_one(
    master: Master, clock: ManualClock
):
    await master.close()

    async with link_to(master.target(), clock) as link:
        error = await error_of(link)
        before = master.connections()
        await master.open()
        after = await link.run("echo fine", limit_s=30)

    assert isinstance(error, SshNoMasterError)
    assert error.command == (
        f"ssh -M -S {master.socket} -o ControlPersist=8h -fN -F {master.config} login"
    )
    assert error.command in str(error)
    assert (before, after.stdout) == (1, b"fine\n")


async def test_the_command_that_opens_one_does(master: Master, clock: ManualClock):
    await master.close()

    async with link_to(master.target(), clock) as link:
        error = await error_of(link)
        assert isinstance(error, SshNoMasterError)
        opening = await asyncio.create_subprocess_shell(error.command)
        await opening.wait()
        after = await link.run("echo fine", limit_s=30)
        ending = await asyncio.create_subprocess_exec(
            *("ssh", "-F", str(master.config), "-O", "exit", "login"), stderr=-3
        )
        await ending.wait()

    assert (opening.returncode, after.stdout) == (0, b"fine\n")


async def test_a_master_that_ended_never_leads_to_a_login(master: Master, clock: ManualClock):
    async with link_to(master.target(), clock) as link:
        await link.run("true", limit_s=30)
        assert master.process is not None
        master.process.kill()  # leaves its socket behind, so that only ssh can tell
        await master.process.wait()
        errors = [await error_of(link) for _ in range(2)]
        clock.advance(60)
        errors.append(await error_of(link))

    assert {type(one) for one in errors} == {SshNoMasterError}
    assert master.connections() == 1


async def test_a_master_that_dies_during_a_command_is_a_lost_connection(
    master: Master, clock: ManualClock
):
    async with link_to(master.target(), clock) as link, asyncio.TaskGroup() as group:
        running = group.create_task(error_of(link, "sleep 30"))
        await until(lambda: "sleep 30" in processes())
        assert master.process is not None
        master.process.kill()

    assert isinstance(running.result(), SshConnectionLostError)


async def test_status_255_of_a_command_is_its_own(master: Master, clock: ManualClock):
    async with link_to(master.target(), clock) as link:
        result = await link.run("exit 255", limit_s=30)

    assert result.exit_status == 255


async def test_sessions_that_are_used_up_queue_and_never_become_logins(
    master: Master, clock: ManualClock
):
    await master.close()
    await master.sshd.restart(max_sessions=2)
    await master.open()

    async with (
        link_to(master.target(), clock) as link,
        link.stream("echo on; exec sleep 60") as lines,
    ):
        await anext(aiter(lines))
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(link.run("sleep 0.2; echo x", limit_s=60)) for _ in range(5)]
        with pytest.raises(SshChannelRefusedError):
            async with link.stream("echo on"):
                pass

    assert [run.result().stdout for run in runs] == [b"x\n"] * 5
    assert (master.logins(), master.connections()) == (1, 1)


async def test_overrun_and_leaving_stop_the_far_side(master: Master, clock: ManualClock):
    async with link_to(master.target(), clock) as link:
        with pytest.raises(SshTimeoutError):
            await link.run("sleep 615.111; true", limit_s=2)
        await until(lambda: "sleep 615.111" not in processes())
        async with link.stream("echo on; sleep 615.222; true") as lines:
            await anext(aiter(lines))
        await until(lambda: "sleep 615.222" not in processes())
        with pytest.raises(SshTimeoutError):
            await link.run_script("sleep 615.333", limit_s=2)
        await until(lambda: "sleep 615.333" not in processes())

    assert master.logins() == 1


async def test_a_stopped_master_is_given_up_in_time(master: Master, clock: ManualClock):
    assert master.process is not None
    async with link_to(master.target(), clock) as link:
        await link.run("true", limit_s=30)
        os.kill(master.process.pid, signal.SIGSTOP)
        began_s = SystemClock().monotonic_s()
        with pytest.raises(SshTimeoutError):
            await link.run("true", limit_s=2)
        took_s = SystemClock().monotonic_s() - began_s
        os.kill(master.process.pid, signal.SIGCONT)
        after = await link.run("echo fine", limit_s=30)

    assert took_s < 6
    assert after.stdout == b"fine\n"


@pytest.mark.parametrize("shell", ["/bin/tcsh", "/usr/bin/zsh", "/usr/bin/fish"])
async def test_other_login_shells_work(master: Master, clock: ManualClock, shell: str):
    need_login_shell(shell)
    await master.close()
    master.sshd.give_home()
    master.sshd.dotfile(".cshrc", "echo Welcome\n")
    await master.sshd.restart(login_shell=shell)
    await master.open()

    async with link_to(master.target(), clock) as link:
        ran = await link.run("echo data", limit_s=30)
        script = await link.run_script("echo data", limit_s=30)
        with pytest.raises(SshTimeoutError):
            await link.run("sleep 616.111; true", limit_s=3)
        await until(lambda: "sleep 616.111" not in processes())

    assert (ran.stdout, script.stdout) == (b"data\n", b"data\n")


async def test_a_login_without_a_shell_is_told(master: Master, clock: ManualClock):
    await master.close()
    await master.sshd.restart(more="ForceCommand echo Only rsync here.")
    await master.open()

    async with link_to(master.target(), clock) as link:
        error = await error_of(link)

    assert isinstance(error, SshNoShellError)
    assert error.said == "Only rsync here."


async def test_a_host_without_a_control_path_is_a_matter_of_settings(
    master: Master, clock: ManualClock
):
    text = master.config.read_text()
    master.config.write_text(text.replace(f"  ControlPath {master.socket}\n", ""))

    async with link_to(master.target(), clock) as link:
        error = await error_of(link)
    async with link_to(
        replace(master.target(), control_path=str(master.sshd.folder / "%%/../master")), clock
    ) as link:
        other = await error_of(link)
    async with link_to(replace(master.target(), control_path=str(master.socket)), clock) as link:
        given = await link.run("echo fine", limit_s=30)

    assert isinstance(error, SshConfigError)
    assert isinstance(other, SshNoMasterError)
    assert given.stdout == b"fine\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
async def test_a_socket_of_somebody_else_is_refused(master: Master, clock: ManualClock):
    os.chown(master.socket, 54_322, 54_322)

    async with link_to(master.target(), clock) as link:
        error = await error_of(link)

    assert isinstance(error, SshConfigError)
    assert "belongs to another user" in str(error)


async def test_another_master_is_another_connection(master: Master, clock: ManualClock):
    async with link_to(master.target(), clock) as link:
        await link.run("true", limit_s=30)
        await master.close()
        await master.open()
        clock.advance(10)
        await link.run("true", limit_s=30)
        opened = link.connections_opened

    assert opened == 2


async def test_a_bash_stays_open_on_a_master_too(master: Master, clock: ManualClock):
    async with link_to(master.target(), clock) as link:
        async with asyncio.timeout(30):
            while not link.shell_runs:
                await link.run_script("true", limit_s=20)
                await SystemClock().sleep(0.05)
        result = await link.run_script("echo data; exit 3", limit_s=20)

    assert (result.exit_status, result.stdout) == (3, b"data\n")


async def test_nobody_is_asked_where_the_program_is_missing(
    master: Master, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))

    async with link_to(master.target(), clock) as link:
        error = await error_of(link)

    assert isinstance(error, SshConfigError)
    assert "OpenSSH's client cannot be started" in str(error)
