"""Through a jump host: two real servers, both verified."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from slurmfleet.ssh.errors import (
    HostKeyUnknownError,
    SshAuthDeniedError,
    SshUnreachableError,
)
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.scan import scan_host_key
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.login_node import LoginNode
from slurmfleet.timing.budget import Budget
from slurmfleet.timing.clock import SystemClock

pytestmark = pytest.mark.integration


@pytest.fixture
async def bastion(tmp_path: Path) -> AsyncIterator[LoginNode]:
    folder = tmp_path / "bastion"
    folder.mkdir()
    async with LoginNode(folder) as node:
        yield node


def through(bastion: LoginNode, node: LoginNode) -> SshTarget:
    return replace(
        node.target(),
        key_files=(node.client_key_file, bastion.client_key_file),
        jump=f"alice@127.0.0.1:{bastion.port}",
        pinned_host_keys=(node.host_key.line, bastion.host_key.line),
    )


async def say_hello(target: SshTarget) -> bytes:
    async with SshLink(target, clock=ManualClock()) as link:
        return (await link.run("echo hello", limit_s=8)).stdout


async def test_jump_host_carries_the_connection(bastion: LoginNode, node: LoginNode):
    answer = await say_hello(through(bastion, node))

    assert (answer, node.commands) == (b"hello\n", ["echo hello"])
    assert (bastion.jumps, bastion.commands) == ([f"127.0.0.1:{node.port}"], [])


async def test_leaving_the_link_hangs_up_on_the_jump_host(bastion: LoginNode, node: LoginNode):
    async with SshLink(through(bastion, node), clock=ManualClock()) as link:
        await link.run("true", limit_s=8)
        during = (len(bastion.connections), len(node.connections))

    async with asyncio.timeout(5):
        while bastion.connections or node.connections:
            await SystemClock().sleep(0.01)
    assert during == (1, 1)


async def test_lost_jump_host_is_a_lost_connection_and_the_next_run_works(
    bastion: LoginNode, node: LoginNode
):
    async with SshLink(through(bastion, node), clock=ManualClock()) as link:
        await link.run("true", limit_s=5)
        await bastion.stop()
        await bastion.start()
        result = await link.run("echo again", limit_s=8)

    assert (result.stdout, link.connections_opened) == (b"again\n", 2)


async def test_jump_host_is_verified_like_any_other(bastion: LoginNode, node: LoginNode):
    target = replace(through(bastion, node), pinned_host_keys=(node.host_key.line,))

    with pytest.raises(HostKeyUnknownError) as caught:
        await say_hello(target)

    assert (caught.value.key_line, caught.value.endpoint.port) == (
        bastion.host_key.line,
        bastion.port,
    )
    assert (bastion.keys_offered, node.connections_accepted) == (0, 0)


async def test_jump_of_ssh_config_is_verified_too(
    bastion: LoginNode, node: LoginNode, tmp_path: Path
):
    config = tmp_path / "config"
    config.write_text(
        f"Host bastion\n  HostName 127.0.0.1\n  Port {bastion.port}\n  User alice\n"
        "  UserKnownHostsFile none\nMatch originalhost login\n"
        "  HostName 127.0.0.1\n  ProxyJump bastion\n"
    )
    trusted = replace(through(bastion, node), host="login", jump=None, config_files=(config,))
    untrusted = replace(trusted, pinned_host_keys=(node.host_key.line,))

    with pytest.raises(HostKeyUnknownError):
        await say_hello(untrusted)
    offered_before_trust = bastion.keys_offered
    answer = await say_hello(trusted)

    assert (offered_before_trust, answer) == (0, b"hello\n")
    assert bastion.jumps == [f"127.0.0.1:{node.port}"]


async def test_jump_for_every_host_does_not_jump_to_itself(
    bastion: LoginNode, node: LoginNode, tmp_path: Path
):
    config = tmp_path / "config"
    config.write_text(f"Host *\n  ProxyJump alice@127.0.0.1:{bastion.port}\n")
    target = replace(through(bastion, node), jump=None, config_files=(config,))

    answer = await say_hello(target)

    assert (answer, bastion.jumps) == (b"hello\n", [f"127.0.0.1:{node.port}"])


async def test_lost_node_hangs_up_on_the_jump_host(bastion: LoginNode, node: LoginNode):
    async with SshLink(through(bastion, node), clock=ManualClock()) as link:
        await link.run("true", limit_s=8)
        await node.drop_connections()
        async with asyncio.timeout(5):
            while bastion.connections:
                await SystemClock().sleep(0.01)
        result = await link.run("echo again", limit_s=8)

    assert (result.stdout, bastion.connections_accepted) == (b"again\n", 2)


async def test_denial_at_the_jump_host_latches(bastion: LoginNode, node: LoginNode):
    bastion.refuses_logins = True

    async with SshLink(through(bastion, node), clock=ManualClock()) as link:
        with pytest.raises(SshAuthDeniedError):
            await link.run("true", limit_s=5)
        with pytest.raises(SshAuthDeniedError) as caught:
            await link.run("true", limit_s=5)

    assert (caught.value.endpoint.port, caught.value.latched) == (bastion.port, True)
    assert (bastion.connections_accepted, node.connections_accepted) == (1, 0)


async def test_jump_host_that_forbids_forwarding_makes_the_node_unreachable(
    bastion: LoginNode, node: LoginNode
):
    bastion.allows_jumps = False

    with pytest.raises(SshUnreachableError) as caught:
        await say_hello(through(bastion, node))

    assert caught.value.endpoint.port == node.port


async def test_scan_reaches_through_the_jump_host(bastion: LoginNode, node: LoginNode):
    target = replace(through(bastion, node), pinned_host_keys=(bastion.host_key.line,))

    shown = await scan_host_key(target, Budget(operation="scan alpha", limit_s=8))

    assert shown == [node.host_key]
    assert node.keys_offered == 0
