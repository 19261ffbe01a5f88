"""Small disks of a stack's own, which can be full for a while.

A full disk is a tmpfs that shrinks to what lies on it: whatever writes more hears "no space left on
device", as from any full disk, and a ballast file of the same effect would cost real memory.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MIB = 1024 * 1024
PLACES = {"store": ("", 4_096), "bus": ("nats", 1_024), "collector": ("collector", 256)}
"""By what is written there: the folder below the data directory, and its size in MiB.

The store's is the data directory itself; logs lie there as well.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One mounted disk."""

    path: Path
    size_mib: int

    def fill(self) -> None:
        """Leave no space on it."""
        used = shutil.disk_usage(self.path).used
        # The page that rounds up is the last that can be had.
        _mount("-o", f"remount,size={used}", "tmpfs", str(self.path))

    def free(self) -> None:
        """Give the space back."""
        _mount("-o", f"remount,size={self.size_mib}m", "tmpfs", str(self.path))


def why_no_disks() -> str:
    """Say why no disk can be mounted here; empty where it can."""
    if os.geteuid() != 0:
        return "a disk of its own needs root"
    if shutil.which("mount") is None:
        return "there is no mount(8)"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"],
        capture_output=True,
        check=False,
        text=True,
    )
    return f"mount is refused: {tried.stderr.strip()}" if tried.returncode else ""


@contextmanager
def own_disks(data_dir: Path) -> Iterator[dict[str, Disk]]:
    """Mount the disks while the body runs; none where that is not allowed."""
    if why_no_disks():
        yield {}
        return
    mounted: dict[str, Disk] = {}
    try:
        for name, (folder, size_mib) in PLACES.items():
            path = data_dir / folder
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            _mount("-t", "tmpfs", "-o", f"size={size_mib}m,mode=0700", "tmpfs", str(path))
            mounted[name] = Disk(path=path, size_mib=size_mib)
        yield mounted
    finally:
        _unmount([disk.path for disk in reversed(mounted.values())])


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _unmount(paths: Sequence[Path]) -> None:
    for path in paths:
        subprocess.run(["umount", "--lazy", str(path)], check=False, capture_output=True)
