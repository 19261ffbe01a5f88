"""Simulated clusters that listen on this machine, and ways to log in."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest

from services.simulator.control import ControlClient
from services.simulator.service import Simulator, Site
from services.simulator.settings import SimulatorSettings
from slurmfleet.timing.clock import SystemClock

CLUSTER = "demo-h100"

Connect = Callable[..., Awaitable[asyncssh.SSHClientConnection]]


@pytest.fixture
def settings(tmp_path: Path) -> SimulatorSettings:
    """Time stands still, and programs lose patience a hundred times faster than Slurm's."""
    return SimulatorSettings(
        data_dir=tmp_path / "data", clusters=CLUSTER, time_scale=0, failure_scale=0.01
    )


@pytest.fixture
async def simulator(settings: SimulatorSettings) -> AsyncGenerator[Simulator]:
    async with Simulator(settings, SystemClock()) as running:
        yield running


@pytest.fixture
def site(simulator: Simulator) -> Site:
    return simulator.sites[CLUSTER]


@pytest.fixture
def control(simulator: Simulator) -> ControlClient:
    return ControlClient(simulator.control)


@pytest.fixture
async def connect(site: Site) -> AsyncGenerator[Connect]:
    """Logs in with the announced key and the host key pinned; closes what it opened."""
    opened: list[asyncssh.SSHClientConnection] = []

    async def log_in(
        user: str = "ada", key_file: Path | None = None, login_timeout: float = 5
    ) -> asyncssh.SSHClientConnection:
        connection = await asyncssh.connect(
            site.login.host,
            site.login.port,
            username=user,
            client_keys=[key_file or site.login.client_key_file],
            known_hosts=asyncssh.import_known_hosts(site.login.known_hosts_line + "\n"),
            agent_path=None,
            config=None,
            login_timeout=login_timeout,
        )
        opened.append(connection)
        return connection

    yield log_in
    for connection in opened:
        connection.close()
        await connection.wait_closed()


@pytest.fixture
def openssh(site: Site, tmp_path: Path) -> Callable[[str], Awaitable[tuple[int, str, str]]]:
    """Runs a command line with the OpenSSH client."""
    if shutil.which("ssh") is None:
        pytest.skip("the OpenSSH client is not installed; apt-get install openssh-client")
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"{site.login.known_hosts_line}\n", encoding="utf-8")

    async def run(line: str) -> tuple[int, str, str]:
        child = await asyncio.create_subprocess_exec(
            *("ssh", "-F", "none", "-o", f"UserKnownHostsFile={known_hosts}"),
            *("-o", "GlobalKnownHostsFile=/dev/null", "-o", "BatchMode=yes"),
            *("-o", "IdentitiesOnly=yes", "-i", str(site.login.client_key_file)),
            *("-p", str(site.login.port), f"ada@{site.login.host}", line),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await child.communicate()
        return child.returncode or 0, stdout.decode(), stderr.decode()

    return run
