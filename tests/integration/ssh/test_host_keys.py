"""Who the server is: nothing runs before that is certain."""

from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from slurmfleet.ssh.errors import (
    HostKeyChangedError,
    HostKeyRejectedError,
    HostKeyUnknownError,
    SshTimeoutError,
    SshUnreachableError,
)
from slurmfleet.ssh.hostkeys import ShownHostKey
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.scan import scan_host_key
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.login_node import LoginNode
from slurmfleet.timing.budget import Budget

pytestmark = pytest.mark.integration


async def say_hello(target: SshTarget) -> bytes:
    async with SshLink(target, clock=ManualClock()) as link:
        return (await link.run("echo hello", limit_s=8)).stdout


def line_of(node: LoginNode, algorithm: str) -> ShownHostKey:
    key = asyncssh.generate_private_key(algorithm)
    public = key.export_public_key("openssh").decode().strip()
    return ShownHostKey(fingerprint=key.get_fingerprint(), line=f"[127.0.0.1]:{node.port} {public}")


async def test_unknown_host_key_is_shown_and_nobody_logs_in(node: LoginNode):
    with pytest.raises(HostKeyUnknownError) as caught:
        await say_hello(node.stranger())

    assert (caught.value.fingerprint, caught.value.key_line) == (
        node.host_key.fingerprint,
        node.host_key.line,
    )
    assert "slurmfleet hosts trust alpha" in str(caught.value)
    assert (node.keys_offered, node.commands) == (0, [])


async def test_pinning_the_line_of_the_error_mends_it(node: LoginNode):
    with pytest.raises(HostKeyUnknownError) as caught:
        await say_hello(node.stranger())

    mended = replace(node.stranger(), pinned_host_keys=(caught.value.key_line,))

    assert await say_hello(mended) == b"hello\n"


async def test_changed_host_key_names_both_fingerprints(node: LoginNode):
    target, before = node.target(), node.host_key
    await node.change_host_key()

    with pytest.raises(HostKeyChangedError) as caught:
        await say_hello(target)

    assert (caught.value.expected, caught.value.fingerprint, caught.value.key_line) == (
        (before.fingerprint,),
        node.host_key.fingerprint,
        node.host_key.line,
    )
    assert (node.keys_offered, node.commands) == (0, [])


async def test_key_of_another_kind_is_a_changed_key_too(node: LoginNode):
    pinned = line_of(node, "ecdsa-sha2-nistp256")

    with pytest.raises(HostKeyChangedError) as caught:
        await say_hello(replace(node.target(), pinned_host_keys=(pinned.line,)))

    assert (caught.value.expected, caught.value.fingerprint) == (
        (pinned.fingerprint,),
        node.host_key.fingerprint,
    )


async def test_host_key_is_checked_again_after_a_restart(node: LoginNode):
    async with SshLink(node.target(), clock=ManualClock()) as link:
        await link.run("true", limit_s=5)
        await node.change_host_key()
        with pytest.raises(HostKeyChangedError):
            await link.run("true", limit_s=5)

    assert node.commands == ["true"]


async def test_several_pins_stand_for_a_pool_of_login_nodes(node: LoginNode):
    lines = (line_of(node, "ssh-ed25519").line, node.host_key.line)

    assert await say_hello(replace(node.target(), pinned_host_keys=lines)) == b"hello\n"


async def test_known_hosts_file_is_believed_where_nothing_is_pinned(
    node: LoginNode, tmp_path: Path
):
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"# a comment\n{node.host_key.line} a comment\n")
    target = replace(node.stranger(), known_hosts_files=(tmp_path / "missing", known_hosts))

    assert await say_hello(target) == b"hello\n"


async def test_pin_overrules_the_known_hosts_file(node: LoginNode, tmp_path: Path):
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"{node.host_key.line}\n")
    pinned = line_of(node, "ssh-ed25519")
    target = replace(
        node.target(), pinned_host_keys=(pinned.line,), known_hosts_files=(known_hosts,)
    )

    with pytest.raises(HostKeyChangedError) as caught:
        await say_hello(target)

    assert caught.value.expected == (pinned.fingerprint,)


async def test_revoked_key_is_rejected_even_if_it_is_also_trusted(node: LoginNode):
    lines = (node.host_key.line, f"@revoked {node.host_key.line}")

    with pytest.raises(HostKeyRejectedError) as caught:
        await say_hello(replace(node.target(), pinned_host_keys=lines))

    assert "revoked" in caught.value.detail
    assert node.keys_offered == 0


async def test_no_ssh_config_turns_verification_off(node: LoginNode, tmp_path: Path):
    config = tmp_path / "config"
    config.write_text(
        "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile none\n"
        "  GlobalKnownHostsFile none\n  VerifyHostKeyDNS yes\n"
    )

    with pytest.raises(HostKeyUnknownError):
        await say_hello(replace(node.stranger(), config_files=(config,)))

    assert node.keys_offered == 0


async def test_default_known_hosts_file_is_not_read_unasked(
    node: LoginNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "known_hosts").write_text(f"{node.host_key.line}\n")
    monkeypatch.setenv("HOME", str(home))

    with pytest.raises(HostKeyUnknownError):
        await say_hello(node.stranger())


async def test_scan_shows_the_key_without_logging_in(node: LoginNode):
    shown = await scan_host_key(node.stranger(), Budget(operation="scan alpha", limit_s=8))

    assert shown == [node.host_key]
    assert (node.keys_offered, node.commands) == (0, [])


async def test_scan_ends_in_time(node: LoginNode):
    node.port, closed = node.port, node.port
    await node.stop()

    with pytest.raises(SshUnreachableError):
        await scan_host_key(
            replace(node.stranger(), port=closed), Budget(operation="scan alpha", limit_s=5)
        )


async def test_scan_names_its_own_budget_when_it_overruns(node: LoginNode):
    with pytest.raises(SshTimeoutError) as caught:
        await scan_host_key(node.stranger(), Budget(operation="scan alpha", limit_s=0.001))

    assert (caught.value.operation, caught.value.limit_s) == ("scan alpha", 0.001)
