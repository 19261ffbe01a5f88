"""A job's folder, and a collector's desk that reads it here."""

import getpass
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.collector.files.desk import FileDesk
from slurmfleet.contracts.documents import PathBase
from slurmfleet.contracts.files import JobPlace
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.ssh.local import local_link
from slurmfleet.ssh.target import SshTarget
from slurmfleet.timing.clock import SystemClock


class Hurried(SystemClock):
    """A clock by which nothing that is kept is fresh."""

    def __init__(self) -> None:
        self.past_s = 0.0

    def monotonic_s(self) -> float:
        self.past_s += 100.0
        return super().monotonic_s() + self.past_s


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("home/.ssh", "home/work/logs", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "home/.ssh/id_ed25519").write_text("secret")
    (tmp_path / "elsewhere/secret.txt").write_text("secret")
    return tmp_path / "home"


@pytest.fixture
def work(home: Path) -> Path:
    return home / "work"


@pytest.fixture
def job(work: Path) -> JobPlace:
    out = str(work / "slurm-123.out")
    return JobPlace(
        job_id="123",
        raw_id=123,
        user=getpass.getuser(),
        work_dir=str(work),
        stdout_path=out,
        stderr_path=out,
    )


@pytest.fixture
def bases() -> list[PathBase]:
    """Give where the group's logs lie; a test may add to it."""
    return []


@pytest.fixture
async def desk(home: Path, bases: list[PathBase]) -> AsyncIterator[FileDesk]:
    target = SshTarget(cluster=cluster_name("here"), host="localhost")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    async with local_link(target, clock=SystemClock(), environment=environment) as link:

        async def known() -> list[PathBase]:
            return bases

        yield FileDesk(link=link, clock=Hurried(), probe=lambda: None, bases=known)
