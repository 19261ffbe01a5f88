"""The commands that file systems are asked, as argument lists; the only place where they are built.

None of them asks anything of Slurm. Each is given to `patience.patiently` before it is run.

Source: df(1), lfs-quota(1), lfs-project(1), quota(1); mmlsquota and mmlsattr command, IBM Storage
Scale 5.0 to 6.0.
"""

import re

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.df import COLUMNS
from slurmfleet.filesystems.errors import UnsafeWordError

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = 4_096
_LFS_FLAGS = {QuotaKind.USER: "-u", QuotaKind.GROUP: "-g", QuotaKind.PROJECT: "-p"}
_GPFS_FLAGS = {QuotaKind.USER: "-u", QuotaKind.GROUP: "-g", QuotaKind.FILESET: "-j"}
_QUOTA_FLAGS = {QuotaKind.USER: "-u", QuotaKind.GROUP: "-g"}


def df_command(path: str) -> tuple[str, ...]:
    """Ask which file system a path is on and what is left there; sizes in KiB."""
    return "df", "-k", f"--output={','.join(COLUMNS)}", "--", checked_path(path)


def lfs_quota_command(kind: QuotaKind, owner: str, path: str) -> tuple[str, ...]:
    """Ask Lustre for the quota of a user, a group or a project; sizes in KiB."""
    return "lfs", "quota", _LFS_FLAGS[kind], checked_owner(owner), checked_path(path)


def lfs_project_command(path: str) -> tuple[str, ...]:
    """Ask Lustre of which project a folder is."""
    return "lfs", "project", "-d", checked_path(path)


def mmlsquota_command(kind: QuotaKind, owner: str, device: str) -> tuple[str, ...]:
    """Ask GPFS for the quota of a user, a group or a fileset; sizes in KiB."""
    named = checked_owner(device.removeprefix("/dev/"))
    return "mmlsquota", "-Y", _GPFS_FLAGS[kind], checked_owner(owner), named


def mmlsattr_command(path: str) -> tuple[str, ...]:
    """Ask GPFS of which fileset a folder is."""
    return "mmlsattr", "-L", checked_path(path)


def quota_command(kind: QuotaKind, mount_point: str) -> tuple[str, ...]:
    """Ask for the quota of whoever asks, or of all groups they are in; sizes in KiB.

    -v shows use without limits too; -A asks each of several mounts of one NFS server.
    """
    return "quota", "-wpvA", _QUOTA_FLAGS[kind], "-f", checked_path(mount_point)


def checked_path(path: str) -> str:
    """Give the path back.

    Raises:
        UnsafeWordError: It is not absolute, too long, or holds control characters.
    """
    if not path.startswith("/") or len(path) > _LONGEST or _CONTROLS.search(path):
        raise UnsafeWordError("an absolute path", path)
    return path


def checked_owner(name: str) -> str:
    """Give the name of a user, group, project, fileset or device back.

    Raises:
        UnsafeWordError: It is empty, an option, or holds control characters.
    """
    if not name or name.startswith("-") or len(name) > _LONGEST or _CONTROLS.search(name):
        raise UnsafeWordError("the name of an owner or a device", name)
    return name
