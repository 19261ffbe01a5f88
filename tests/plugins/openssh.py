"""OpenSSH's own server and keys, for suites that need a real login node."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.harness.openssh import HOST_KEY_KINDS, Sshd, free_port, keygen


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


@pytest.fixture(scope="session")
def ssh_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the host keys and the client's key once: RSA takes its time."""
    made = tmp_path_factory.mktemp("ssh_keys")
    for kind in HOST_KEY_KINDS:
        keygen("-t", kind, "-f", str(made / f"host_{kind}"))
    keygen("-t", "ed25519", "-f", str(made / "client_key"))
    return made


@pytest.fixture
async def sshd(sshd_program: str, folder: Path, ssh_keys: Path) -> AsyncIterator[Sshd]:
    """Give a running server that lets one user in."""
    copy_files(ssh_keys, folder)
    server = Sshd(program=sshd_program, folder=folder, port=free_port())
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


def copy_files(source: Path, folder: Path) -> None:
    """Copy files and leave the folder's own mode alone."""
    for path in source.iterdir():
        shutil.copy(path, folder)
