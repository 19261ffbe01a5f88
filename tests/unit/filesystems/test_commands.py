"""What is put on command lines of file systems' programs."""

from collections.abc import Callable

import pytest

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.commands import (
    df_command,
    lfs_project_command,
    lfs_quota_command,
    mmlsattr_command,
    mmlsquota_command,
    quota_command,
)
from slurmfleet.filesystems.errors import UnsafeWordError


def test_commands_are_argument_lists():
    columns = "fstype,size,used,avail,itotal,iused,iavail,source,target"
    asked = [
        df_command("/my data"),
        lfs_quota_command(QuotaKind.PROJECT, "200020", "/lustre"),
        lfs_project_command("/lustre"),
        mmlsquota_command(QuotaKind.FILESET, "home", "/dev/gpfs0"),
        mmlsattr_command("/gpfs"),
        quota_command(QuotaKind.GROUP, "/home"),
    ]

    assert asked == [
        ("df", "-k", f"--output={columns}", "--", "/my data"),
        ("lfs", "quota", "-p", "200020", "/lustre"),
        ("lfs", "project", "-d", "/lustre"),
        ("mmlsquota", "-Y", "-j", "home", "gpfs0"),
        ("mmlsattr", "-L", "/gpfs"),
        ("quota", "-wpvA", "-g", "-f", "/home"),
    ]


@pytest.mark.parametrize("path", ["", "home", "-h", "/a\nb", "/a\0b", "/" + "a" * 5_000])
@pytest.mark.parametrize("command", [df_command, lfs_project_command, mmlsattr_command])
def test_what_is_no_absolute_path_is_refused(command: Callable[[str], object], path: str):
    with pytest.raises(UnsafeWordError):
        command(path)


@pytest.mark.parametrize("owner", ["", "-a", "a\nb", "a" * 5_000])
def test_what_is_no_owner_is_refused(owner: str):
    with pytest.raises(UnsafeWordError):
        lfs_quota_command(QuotaKind.USER, owner, "/lustre")
