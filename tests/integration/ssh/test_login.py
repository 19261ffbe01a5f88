"""Who we are: keys, the agent, and what happens when the server says no."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from slurmfleet.ssh.errors import SshAuthDeniedError, SshConfigError, SshKeyFileError
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.login_node import LoginNode
from slurmfleet.timing.clock import SystemClock

pytestmark = pytest.mark.integration


async def say_hello(target: SshTarget) -> bytes:
    async with SshLink(target, clock=ManualClock()) as link:
        return (await link.run("echo hello", limit_s=8)).stdout


PASSPHRASE = "correct horse"  # noqa: S105 - of keys that live as long as one test


def write_key(path: Path) -> None:
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(path)


def write_locked_key(path: Path) -> asyncssh.SSHKey:
    """Let ssh-keygen write a key with a passphrase; give its public half."""
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("ssh-keygen is not installed")
    # PEM: asyncssh opens the newer format only where the optional bcrypt is installed.
    form = ["-m", "PEM", "-t", "ecdsa"] if path.suffix == ".pem" else ["-t", "ed25519"]
    subprocess.run([program, "-q", *form, "-N", PASSPHRASE, "-f", str(path)], check=True)
    return asyncssh.read_public_key(f"{path}.pub")


async def connected_agent(socket: Path) -> asyncssh.SSHAgentClient:
    """Connect as soon as it listens, which is a moment after its socket appears."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await asyncssh.connect_agent(str(socket))
            except OSError:
                await SystemClock().sleep(0.01)


@asynccontextmanager
async def agent_with(folder: Path, *keys: asyncssh.SSHKey) -> AsyncIterator[Path]:
    """Run a real ssh-agent that holds these keys."""
    program = shutil.which("ssh-agent")
    if program is None:
        pytest.skip("ssh-agent is not installed")
    socket = folder / "agent"
    process = await asyncio.create_subprocess_exec(
        program, "-D", "-a", str(socket), stdout=subprocess.DEVNULL
    )
    try:
        async with await connected_agent(socket) as agent:
            await agent.add_keys(list(keys))
        yield socket
    finally:
        process.terminate()
        await process.wait()


async def test_wrong_key_is_tried_once_and_then_never(node: LoginNode, tmp_path: Path):
    write_key(tmp_path / "wrong")
    target = replace(node.target(), key_files=(tmp_path / "wrong",))

    async with SshLink(target, clock=ManualClock()) as link:
        with pytest.raises(SshAuthDeniedError) as first:
            await link.run("true", limit_s=5)
        with pytest.raises(SshAuthDeniedError) as second:
            await link.run("true", limit_s=5)
        is_denied = link.is_denied

    assert (node.connections_accepted, node.keys_offered) == (1, 1)
    assert (first.value.latched, second.value.latched, is_denied) == (False, True, True)
    assert second.value.retryable is False
    assert "slurmfleet cluster test alpha" in str(second.value)


async def test_many_callers_cost_one_denied_login(node: LoginNode):
    node.refuses_logins = True

    async with (
        SshLink(node.target(), clock=ManualClock()) as link,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(20):
            group.create_task(_denied(link))

    assert (node.connections_accepted, node.keys_offered) == (1, 1)


async def test_reset_latch_allows_one_more_attempt(node: LoginNode):
    node.refuses_logins = True

    async with SshLink(node.target(), clock=ManualClock()) as link:
        await _denied(link)
        node.refuses_logins = False
        await _denied(link)
        link.reset_latch()
        result = await link.run("echo welcome", limit_s=5)

    assert (result.stdout, node.connections_accepted) == (b"welcome\n", 2)


async def test_unknown_user_is_denied(node: LoginNode):
    async with SshLink(replace(node.target(), user="mallory"), clock=ManualClock()) as link:
        with pytest.raises(SshAuthDeniedError) as caught:
            await link.run("true", limit_s=5)

    assert caught.value.endpoint.user == "mallory"


async def test_missing_key_file_costs_no_login(node: LoginNode, tmp_path: Path):
    missing = tmp_path / "missing"

    with pytest.raises(SshKeyFileError) as caught:
        await say_hello(replace(node.target(), key_files=(missing,)))

    assert (caught.value.path, caught.value.detail) == (
        missing,
        f"{missing}: No such file or directory",
    )
    assert node.connections_accepted == 0


async def test_file_that_is_no_private_key_costs_no_login(node: LoginNode, tmp_path: Path):
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("not a key\n")

    with pytest.raises(SshKeyFileError) as caught:
        await say_hello(replace(node.target(), key_files=(rubbish,)))

    assert (caught.value.path, node.connections_accepted) == (rubbish, 0)
    assert "not a key" not in str(caught.value)


@pytest.mark.parametrize("name", ["locked", "locked.pem"])
async def test_locked_key_without_agent_costs_no_login(node: LoginNode, tmp_path: Path, name: str):
    locked = tmp_path / name
    node.trust_client_key(write_locked_key(locked))

    with pytest.raises(SshKeyFileError) as caught:
        await say_hello(replace(node.target(), key_files=(locked,)))

    assert (caught.value.path, node.connections_accepted) == (locked, 0)
    assert "ssh-add" in str(caught.value)


async def test_locked_key_and_an_agent_that_is_not_there_cost_no_login(
    node: LoginNode, tmp_path: Path
):
    locked = tmp_path / "locked"
    write_locked_key(locked)
    target = replace(
        node.target(), key_files=(locked,), use_agent=True, agent_socket=tmp_path / "no-agent"
    )

    with pytest.raises(SshKeyFileError):
        await say_hello(target)

    assert node.connections_accepted == 0


async def test_locked_key_that_the_agent_lacks_costs_no_login(node: LoginNode, tmp_path: Path):
    locked = tmp_path / "locked"
    write_locked_key(locked)

    async with agent_with(tmp_path, asyncssh.generate_private_key("ssh-ed25519")) as socket:
        target = replace(node.target(), key_files=(locked,), use_agent=True, agent_socket=socket)
        with pytest.raises(SshKeyFileError):
            await say_hello(target)

    assert node.connections_accepted == 0


async def test_agent_lends_the_locked_key_and_no_other(node: LoginNode, tmp_path: Path):
    locked = tmp_path / "locked.pem"
    public_key = write_locked_key(locked)
    key = asyncssh.read_private_key(locked, PASSPHRASE)
    others = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(8)]
    node.trust_client_key(public_key)

    async with agent_with(tmp_path, *others, key) as socket:
        target = replace(node.target(), key_files=(locked,), use_agent=True, agent_socket=socket)
        answer = await say_hello(target)

    # A key is shown twice when it is right: once to ask, once to sign.
    assert (answer, node.keys_offered) == (b"hello\n", 2)


async def test_agent_alone_is_enough(node: LoginNode, tmp_path: Path):
    key = asyncssh.generate_private_key("ssh-ed25519")
    node.trust_client_key(key)

    async with agent_with(tmp_path, key) as socket:
        target = replace(node.target(), key_files=(), use_agent=True, agent_socket=socket)
        answer = await say_hello(target)

    assert answer == b"hello\n"


async def test_ssh_config_names_host_port_user_and_key(node: LoginNode, tmp_path: Path):
    config = tmp_path / "config"
    config.write_text(
        f"Host login\n  HostName 127.0.0.1\n  Port {node.port}\n  User alice\n"
        f"  IdentityFile {node.client_key_file}\n"
    )
    target = SshTarget(
        cluster=node.target().cluster,
        host="login",
        use_agent=False,
        pinned_host_keys=(node.host_key.line,),
        config_files=(config, tmp_path / "missing"),
    )

    assert await say_hello(target) == b"hello\n"


async def test_ssh_config_is_not_read_unasked(
    node: LoginNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host *\n  HostName 192.0.2.1\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert await say_hello(node.target()) == b"hello\n"


async def test_unreadable_ssh_config_is_a_configuration_error(node: LoginNode, tmp_path: Path):
    config = tmp_path / "config"
    config.write_text("Host *\n  Port twenty-two\n")

    with pytest.raises(SshConfigError):
        await say_hello(replace(node.target(), config_files=(config,)))

    assert node.connections_accepted == 0


async def test_broken_pin_is_a_configuration_error(node: LoginNode):
    target = replace(node.target(), pinned_host_keys=("[127.0.0.1]:22 ssh-ed25519 rubbish",))

    with pytest.raises(SshConfigError) as caught:
        await say_hello(target)

    assert "holds no key" in caught.value.detail
    assert node.connections_accepted == 0


async def _denied(link: SshLink) -> None:
    with pytest.raises(SshAuthDeniedError):
        await link.run("true", limit_s=5)
