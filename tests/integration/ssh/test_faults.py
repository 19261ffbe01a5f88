"""What a site's server may do to us, on OpenSSH's own."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from slurmfleet.ssh.errors import (
    SshAuthDeniedError,
    SshBusyError,
    SshError,
    SshTimeoutError,
)
from slurmfleet.ssh.link import SshLink
from slurmfleet.testing.clock import ManualClock
from tests.harness.openssh import Sshd, free_port, keygen, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

ONE_AT_THE_DOOR = "MaxStartups 1:100:1\nLoginGraceTime 60"


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


async def error_of(link: SshLink) -> SshError:
    with pytest.raises(SshError) as caught:
        await link.run("true", limit_s=20)
    return caught.value


async def test_a_full_door_is_left_in_peace_and_tried_again(sshd: Sshd, clock: ManualClock):
    await sshd.restart(more=ONE_AT_THE_DOOR)

    async with SshLink(sshd.target(), clock=clock) as link:
        with socket.create_connection(("127.0.0.1", sshd.port)):
            await until(lambda: "Connection from" in sshd.log())
            errors = [await error_of(link) for _ in range(20)]
            asked = sshd.log().count("drop connection")
            clock.advance(2)
            await error_of(link)
            clock.advance(2)  # the second pause is longer
            await error_of(link)
            asked_later = sshd.log().count("drop connection")
        await until(lambda: not sshd.connections())
        clock.advance(60)
        result = await link.run("echo fine", limit_s=20)

    assert {type(one) for one in errors} == {SshBusyError}
    assert all(one.retryable for one in errors)
    assert (asked, asked_later) == (1, 2)
    assert (result.stdout, link.is_denied) == (b"fine\n", False)


async def test_a_person_need_not_wait_for_the_peace_to_end(sshd: Sshd, clock: ManualClock):
    await sshd.restart(more=ONE_AT_THE_DOOR)

    async with SshLink(sshd.target(), clock=clock) as link:
        with socket.create_connection(("127.0.0.1", sshd.port)):
            await until(lambda: "Connection from" in sshd.log())
            await error_of(link)
        await until(lambda: not sshd.connections())
        link.reset_latch()
        result = await link.run("echo fine", limit_s=20)

    assert result.stdout == b"fine\n"


async def test_a_denied_login_is_remembered_by_scripts_and_streams_too(
    sshd: Sshd, clock: ManualClock
):
    wrong = sshd.folder / "wrong"
    keygen("-t", "ed25519", "-f", str(wrong))
    target = replace(sshd.target(), key_files=(wrong,))

    async with SshLink(target, clock=clock) as link:
        with pytest.raises(SshAuthDeniedError):
            await link.run_script("true", limit_s=20)
        with pytest.raises(SshAuthDeniedError) as latched:
            async with link.stream("echo on"):
                pass

    assert latched.value.latched
    assert sshd.log().count("Connection from") == 1


async def test_a_script_on_a_server_that_froze_ends_in_time(sshd: Sshd, clock: ManualClock):
    target = replace(sshd.target(), keepalive_s=60)

    async with SshLink(target, clock=clock) as link:
        await link.run_script("true", limit_s=20)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(_overrun(link))
            await until(lambda: len(sshd.connections()) > 2)
            sshd.freeze()

    assert isinstance(running.result(), SshTimeoutError)


async def _overrun(link: SshLink) -> SshError:
    with pytest.raises(SshError) as caught:
        await link.run_script("sleep 30", limit_s=3)
    return caught.value


async def test_a_certificate_of_the_user_opens_the_door(sshd: Sshd, clock: ManualClock):
    authority, key = sshd.folder / "user_ca", sshd.folder / "signed"
    keygen("-t", "ed25519", "-f", str(authority))
    keygen("-t", "ed25519", "-f", str(key))
    user = sshd.target().user or ""
    keygen("-s", str(authority), "-I", "test", "-n", user, "-V", "-5m:+5m", f"{key}.pub")
    await sshd.restart(more=f"TrustedUserCAKeys {authority}.pub")

    async with SshLink(replace(sshd.target(), key_files=(key,)), clock=clock) as link:
        result = await link.run("echo fine", limit_s=20)

    assert result.stdout == b"fine\n"
    assert "ED25519-CERT" in sshd.log()


@asynccontextmanager
async def agent_holding(folder: Path, key: Path) -> AsyncIterator[Path]:
    sock = folder / "agent"
    agent = await asyncio.create_subprocess_exec(
        *("ssh-agent", "-D", "-a", str(sock)), stdout=subprocess.DEVNULL
    )
    try:
        await until(sock.exists)
        added = await asyncio.create_subprocess_exec(
            *("ssh-add", "-q", str(key)), env={"SSH_AUTH_SOCK": str(sock), "PATH": "/usr/bin:/bin"}
        )
        assert await added.wait() == 0
        yield sock
    finally:
        agent.terminate()
        await agent.wait()


async def test_the_agent_opens_the_door(sshd: Sshd, clock: ManualClock):
    if shutil.which("ssh-agent") is None:
        pytest.skip("ssh-agent is not installed")
    async with agent_holding(sshd.folder, sshd.folder / "client_key") as agent:
        target = replace(sshd.target(), key_files=(), use_agent=True, agent_socket=agent)
        async with SshLink(target, clock=clock) as link:
            result = await link.run("echo fine", limit_s=20)

    assert result.stdout == b"fine\n"


async def test_a_jump_host_carries_scripts_and_streams(sshd: Sshd, clock: ManualClock):
    gate = Sshd(program=sshd.program, folder=sshd.folder / "gate", port=free_port())
    gate.folder.mkdir()
    for name in ("host_ed25519", "host_ecdsa", "host_rsa", "client_key"):
        for end in ("", ".pub"):
            shutil.copy(sshd.folder / f"{name}{end}", gate.folder)
    target = replace(
        sshd.target(sshd.host_line("ed25519"), gate.host_line("ed25519")),
        jump=f"{sshd.target().user}@127.0.0.1:{gate.port}",
    )
    await gate.start()
    try:
        async with SshLink(target, clock=clock) as link:
            script = await link.run_script("echo fine", limit_s=20)
            async with link.stream("echo one; echo two") as lines:
                read = [line async for line in lines]
    finally:
        await gate.stop()

    assert (script.stdout, read) == (b"fine\n", [b"one", b"two"])
    assert gate.log().count("Accepted publickey") == 1
