"""The same link against OpenSSH's own server."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh
import pytest

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import (
    HostKeyChangedError,
    HostKeyRejectedError,
    HostKeyUnknownError,
    SshAuthDeniedError,
    SshChannelRefusedError,
    SshConnectionLostError,
    SshTimeoutError,
)
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.scan import scan_host_key
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from slurmfleet.timing.budget import Budget
from slurmfleet.timing.clock import SystemClock

pytestmark = [pytest.mark.integration, pytest.mark.timeout(30)]

HOST_KEY_KINDS = ("ed25519", "ecdsa", "rsa")

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_ed25519
HostKey {folder}/host_ecdsa
HostKey {folder}/host_rsa
{more}
PidFile none
AuthorizedKeysFile {folder}/client_key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxSessions {max_sessions}
MaxAuthTries 2
LogLevel VERBOSE
"""


# A root sshd can let a user in that the machine does not know: it sees a user list of its own.
# (OpenSSH does not separate privileges for root and then ignores signals to commands, which no
# real login node does.)
OWN_USER = "sshtest"
OWN_USER_ENTRY = f"{OWN_USER}:*:54321:54321::/:/bin/sh\n"
WITH_OWN_USER = 'mount --bind "$0" /etc/passwd && exec "$@"'


@dataclass(kw_only=True)
class Sshd:
    """One server that lets one user in, on a port of its own."""

    program: str
    folder: Path
    port: int
    max_sessions: int = 10
    more: str = ""
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        config = self.folder / "sshd_config"
        config.write_text(
            CONFIG.format(
                port=self.port, folder=self.folder, max_sessions=self.max_sessions, more=self.more
            )
        )
        with self.log_file.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._wrapper(), self.program, "-D", "-e", "-f", str(config), stderr=log
            )
        await until(lambda: "Server listening" in self.log())

    async def stop(self) -> None:
        """Stop the server and every connection of it, frozen or not."""
        if self.process is not None:
            for pid in (*self.connections(), self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Stop all that serves a connection now; new connections are served."""
        for pid in self.connections():
            os.kill(pid, signal.SIGSTOP)

    def _wrapper(self) -> list[str]:
        if os.getuid() != 0:
            return []
        users = self.folder / "passwd"
        users.write_text(Path("/etc/passwd").read_text() + OWN_USER_ENTRY)
        return ["unshare", "--mount", "sh", "-c", WITH_OWN_USER, str(users)]

    def connections(self) -> list[int]:
        """List the processes that serve connections, and the commands they run."""
        assert self.process is not None
        return descendants(self.process.pid)

    @property
    def log_file(self) -> Path:
        return self.folder / "log"

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def host_line(self, kind: str) -> str:
        algorithm, data = (self.folder / f"host_{kind}.pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {algorithm} {data}"

    def target(self, *pinned: str) -> SshTarget:
        return SshTarget(
            cluster=ClusterName("alpha"),
            host="127.0.0.1",
            port=self.port,
            user=pwd.getpwuid(os.getuid()).pw_name if os.getuid() else OWN_USER,
            key_files=(self.folder / "client_key",),
            use_agent=False,
            pinned_host_keys=pinned or (self.host_line("ed25519"),),
        )


@pytest.fixture
def sshd_program(request: pytest.FixtureRequest) -> str:
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
    sentence = "" if program else "OpenSSH's server is not installed (Debian: openssh-server)"
    if program and os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # else a root sshd does not start
        if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
            sentence = "root may not make a mount namespace here, which its sshd needs"
    if sentence and request.config.getoption("--require-services", default=False):
        pytest.fail(sentence)
    if sentence or program is None:
        pytest.skip(sentence)
    return program


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that the user of the server may read; pytest's are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture
async def sshd(sshd_program: str, folder: Path) -> AsyncIterator[Sshd]:
    for kind in HOST_KEY_KINDS:
        keygen("-t", kind, "-f", str(folder / f"host_{kind}"))
    keygen("-t", "ed25519", "-f", str(folder / "client_key"))
    server = Sshd(program=sshd_program, folder=folder, port=free_port())
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


def descendants(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return []
    return [one for child in map(int, listed) for one in (child, *descendants(child))]


def keygen(*arguments: str) -> str:
    call = ["ssh-keygen", "-q", *(["-N", ""] if "-t" in arguments else []), *arguments]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout


def processes() -> str:
    return subprocess.run(["ps", "-eo", "args="], check=True, capture_output=True, text=True).stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await SystemClock().sleep(0.02)


def link_to(target: SshTarget, *, max_channels: int = 4) -> SshLink:
    return SshLink(target, clock=ManualClock(), max_channels=max_channels)


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


async def test_more_commands_than_max_sessions_are_refused_one_by_one(sshd: Sshd):
    await sshd.stop()
    sshd.max_sessions = 3
    await sshd.start()

    async with link_to(sshd.target(), max_channels=5) as link:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_outcome(link.run("sleep 1", limit_s=20))) for _ in range(5)]
        refusals = [one for one in (task.result() for task in tasks) if isinstance(one, Exception)]

    assert [type(one) for one in refusals] == [SshChannelRefusedError] * 2
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
