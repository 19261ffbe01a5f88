"""A login node with folders, and the desk that mounts them with the real sshfs."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.collector.mounts.desk import MountDesk
from services.collector.mounts.system import Machine
from services.collector.mounts.table import read_table
from services.collector.settings import CollectorSettings, environment_of_others
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.timing.clock import SystemClock
from tests.harness.openssh import Sshd
from tests.plugins.openssh import folder, ssh_keys, sshd, sshd_program

__all__ = ["folder", "ssh_keys", "sshd", "sshd_program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A login node, folders on it, and where they are mounted."""

    sshd: Sshd
    far: Path
    near: Path
    settings: CollectorSettings

    def config(self, *paths: str, **more: object) -> ClusterConfig:
        target = self.sshd.target()
        told: dict[str, object] = {
            "name": "alpha",
            "host": target.host,
            "port": target.port,
            "user": target.user,
            "key_files": list(map(str, target.key_files)),
            "host_keys": target.pinned_host_keys,
            "mount_paths": paths or (str(self.far),),
        }
        return ClusterConfig.model_validate({**told, **more})

    def desk(
        self, *paths: str, environment: Mapping[str, str] | None = None, **more: object
    ) -> MountDesk:
        return MountDesk(
            self.config(*paths, **more),
            self.settings,
            clock=SystemClock(),
            machine=Machine(environment_of_others() if environment is None else environment),
            login=lambda: "ada",
        )

    def mounted(self) -> list[Path]:
        return [point for point in read_table() if self.near in point.parents]


@pytest.fixture
async def site(sshd: Sshd, folder: Path, tmp_path: Path) -> AsyncIterator[Site]:
    if shutil.which("sshfs") is None:
        pytest.skip("sshfs is not installed: make testbed")
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as exc:
        pytest.skip(f"by design: the kernel gives no FUSE here ({exc.strerror})")
    far = folder / "far"
    far.mkdir()
    far.chmod(0o755)
    await sshd.restart(more="Subsystem sftp internal-sftp")
    settings = CollectorSettings(
        state_dir=tmp_path / "state", mount_dir=tmp_path / "mounts", known_hosts=(), ssh_config=()
    )
    made = Site(sshd=sshd, far=far, near=tmp_path / "mounts", settings=settings)
    yield made
    for point in made.mounted():
        await (await asyncio.create_subprocess_exec("fusermount3", "-uz", "--", point)).wait()
