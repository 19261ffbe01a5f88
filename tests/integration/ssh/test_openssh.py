"""The same link against OpenSSH's own server."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import asyncssh
import pytest

from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import (
    HostKeyChangedError,
    HostKeyRejectedError,
    HostKeyUnknownError,
    SshAuthDeniedError,
    SshConnectionLostError,
    SshTimeoutError,
)
from slurmfleet.ssh.lanes import LaneLimits
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.scan import scan_host_key
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from slurmfleet.timing.budget import Budget
from slurmfleet.timing.clock import SystemClock
from tests.harness.openssh import HOST_KEY_KINDS, Sshd, keygen, processes, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


def link_to(target: SshTarget, *, max_channels: int = 4) -> SshLink:
    watch = LaneLimits(commands=max_channels, streams=3)
    return SshLink(target, clock=ManualClock(), watch=watch)


async def test_status_outputs_and_input_arrive_whole(sshd: Sshd):
    every_byte = bytes(range(256)) * 16_384

    async with link_to(sshd.target()) as link:
        failed = await link.run("echo out; echo err >&2; exit 3", limit_s=10)
        killed = await link.run("kill -TERM $$", limit_s=10)
        copied = await link.run("cat", stdin=every_byte, limit_s=10)

    assert failed == CommandResult(
        exit_status=3, exit_signal=None, stdout=b"out\n", stderr=b"err\n", duration_s=0.0
    )
    assert (killed.exit_status, killed.exit_signal) == (None, "TERM")
    assert copied.stdout == every_byte


async def test_twenty_commands_at_once_cost_one_login(sshd: Sshd):
    async with link_to(sshd.target(), max_channels=5) as link, asyncio.TaskGroup() as group:
        tasks = [group.create_task(link.run(f"echo {number}", limit_s=20)) for number in range(20)]

    assert [task.result().stdout for task in tasks] == [b"%d\n" % number for number in range(20)]
    assert sshd.log().count("Accepted publickey") == 1


async def test_wrong_key_costs_one_failed_login(sshd: Sshd):
    wrong = sshd.folder / "wrong"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(wrong)

    async with link_to(replace(sshd.target(), key_files=(wrong,))) as link:
        for _ in range(3):
            with pytest.raises(SshAuthDeniedError):
                await link.run("true", limit_s=10)

    assert sshd.log().count("Connection from") == 1
    assert sshd.log().count("Failed publickey") == 1


async def test_too_many_keys_are_a_denial_too(sshd: Sshd):
    wrong = tuple(sshd.folder / f"wrong{number}" for number in range(3))
    for path in wrong:
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(path)

    async with link_to(replace(sshd.target(), key_files=wrong)) as link:
        with pytest.raises(SshAuthDeniedError) as caught:
            await link.run("true", limit_s=10)

    assert "Too many authentication failures" in caught.value.detail


async def test_commands_queue_where_the_server_allows_fewer_at_once(sshd: Sshd):
    await sshd.restart(max_sessions=3)

    async with link_to(sshd.target(), max_channels=5) as link, asyncio.TaskGroup() as group:
        runs = [group.create_task(link.run("sleep 0.3; echo x", limit_s=30)) for _ in range(12)]

    assert [run.result().stdout for run in runs] == [b"x\n"] * 12
    assert link.connections_opened == 1


async def test_overrun_kills_the_process_and_keeps_the_connection(sshd: Sshd):
    async with link_to(sshd.target()) as link:
        with pytest.raises(SshTimeoutError):
            await link.run("exec sleep 612.345", limit_s=1.5)
        await until(lambda: "sleep 612.345" not in processes())
        after = await link.run("echo fine", limit_s=10)

    assert (after.stdout, link.connections_opened) == (b"fine\n", 1)


async def test_frozen_server_is_noticed_by_keepalive(sshd: Sshd):
    target = replace(sshd.target(), keepalive_s=0.2, keepalive_count=2)

    async with link_to(target) as link:
        await link.run("true", limit_s=10)
        sshd.freeze()
        with pytest.raises(SshConnectionLostError):
            await link.run("true", limit_s=10)
        after = await link.run("echo fine", limit_s=10)

    assert (after.stdout, link.connections_opened) == (b"fine\n", 2)


async def test_server_that_opens_no_channel_counts_as_lost(sshd: Sshd):
    target = replace(sshd.target(), connect_timeout_s=1.5, keepalive_s=60)

    async with link_to(target) as link:
        await link.run("true", limit_s=10)
        sshd.freeze()
        with pytest.raises(SshConnectionLostError) as caught:
            await link.run("true", limit_s=10)
        after = await link.run("echo fine", limit_s=10)

    assert caught.value.detail == "it opens no channel any more"
    assert (after.stdout, link.connections_opened) == (b"fine\n", 2)


async def test_leaving_a_frozen_server_takes_no_more_than_two_seconds(sshd: Sshd):
    async with link_to(replace(sshd.target(), keepalive_s=60)) as link:
        await link.run("true", limit_s=10)
        sshd.freeze()
        left_s = SystemClock().monotonic_s()

    assert SystemClock().monotonic_s() - left_s < 3
    assert not link.is_connected


async def test_link_survives_a_restart_of_the_server(sshd: Sshd):
    async with link_to(sshd.target()) as link:
        await link.run("true", limit_s=10)
        await sshd.stop()
        await until(lambda: not link.is_connected)
        await sshd.start()
        after = await link.run("echo fine", limit_s=10)

    assert (after.stdout, link.connections_opened) == (b"fine\n", 2)


@pytest.mark.parametrize("kind", HOST_KEY_KINDS)
async def test_any_one_pinned_kind_of_host_key_is_enough(sshd: Sshd, kind: str):
    async with link_to(sshd.target(sshd.host_line(kind))) as link:
        result = await link.run("echo fine", limit_s=10)

    assert result.stdout == b"fine\n"


async def test_scan_shows_what_ssh_keygen_shows(sshd: Sshd):
    shown = await scan_host_key(sshd.target(), Budget(operation="scan alpha", limit_s=10))

    files = [sshd.folder / f"host_{kind}.pub" for kind in HOST_KEY_KINDS]
    fingerprints = [keygen("-l", "-f", str(path)).split()[1] for path in files]
    assert [(one.fingerprint, one.line) for one in shown] == list(
        zip(fingerprints, [sshd.host_line(kind) for kind in HOST_KEY_KINDS], strict=True)
    )


async def test_unknown_and_changed_host_keys_are_told_apart(sshd: Sshd):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode()
    unknown = replace(sshd.target(), pinned_host_keys=())
    changed = sshd.target(f"[127.0.0.1]:{sshd.port} {other}")

    kinds = [type(await _outcome(_run_once(one))) for one in (unknown, changed)]

    assert kinds == [HostKeyUnknownError, HostKeyChangedError]
    assert "publickey" not in sshd.log()


async def test_host_certificate_of_a_pinned_authority_is_enough(sshd: Sshd):
    authority = sshd.folder / "authority"
    keygen("-t", "ed25519", "-f", str(authority))
    host_key = sshd.folder / "host_ed25519.pub"
    for_us = ("-s", str(authority), "-I", "login", "-h", "-n", "127.0.0.1")
    keygen(*for_us, str(host_key))
    await sshd.stop()
    sshd.more = f"HostCertificate {sshd.folder}/host_ed25519-cert.pub"
    await sshd.start()
    public = " ".join(authority.with_suffix(".pub").read_text().split()[:2])
    pin = f"@cert-authority [127.0.0.1]:{sshd.port} {public}"

    trusted = await _run_once(sshd.target(pin))
    revoked = await _outcome(_run_once(sshd.target(pin, f"@revoked {sshd.host_line('ed25519')}")))

    assert trusted.stdout == b"fine\n"
    assert type(revoked) is HostKeyRejectedError


async def _run_once(target: SshTarget) -> CommandResult:
    async with link_to(target) as link:
        return await link.run("echo fine", limit_s=10)


async def _outcome(run: Awaitable[CommandResult]) -> CommandResult | Exception:
    try:
        return await run
    except Exception as exc:  # noqa: BLE001 - the test looks at it
        return exc
