"""The simulated Lustre, as the collector's own parsers read it."""

from collections.abc import Callable

import pytest

from services.simulator.calls import Answer
from services.simulator.cluster import Cluster
from services.simulator.storage import FILES_LIMIT, MOUNT, TIB_KIB
from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.commands import df_command, lfs_project_command, lfs_quota_command
from slurmfleet.filesystems.df import parse_df
from slurmfleet.filesystems.lfs import parse_lfs_project, parse_lfs_quota
from slurmfleet.filesystems.usage import Side

Run = Callable[..., Answer]
KIB = 1024


def test_a_users_quota_is_told(run: Run):
    line = " ".join(lfs_quota_command(QuotaKind.USER, "ada", "/lustre/a-long/project/folder"))

    (usage,) = parse_lfs_quota(run(line).stdout).usages

    assert (usage.kind, usage.owner) == (QuotaKind.USER, "ada")
    assert usage.space.soft_limit == 10 * TIB_KIB * KIB
    assert usage.files == Side(used=usage.files.used, hard_limit=FILES_LIMIT)


def test_what_is_used_grows_while_jobs_run(run: Run, cluster: Cluster):
    line = " ".join(lfs_quota_command(QuotaKind.USER, "ada", MOUNT))
    run("sbatch -p cpu --comment sim:runtime=600,exit=0 --wrap true")

    before = parse_lfs_quota(run(line).stdout).usages[0].space.used or 0
    cluster.advance(cluster.now + 300)
    after = parse_lfs_quota(run(line).stdout).usages[0].space.used or 0

    assert after > before


def test_the_project_and_the_mount_of_a_path_are_told(run: Run):
    mount = parse_df(run(" ".join(df_command("/lustre/lab"))).stdout)

    assert (mount.type, mount.mount_point) == ("lustre", MOUNT)
    assert mount.usage.space.used
    assert parse_lfs_project(run(" ".join(lfs_project_command("/lustre/lab"))).stdout) == 4711


@pytest.mark.parametrize(
    "line",
    ["lfs quota -u ada /home/ada", "lfs quota -u nobody-here /lustre", "lfs setquota /lustre"],
)
def test_what_lfs_cannot_tell_is_refused(run: Run, line: str):
    answer = run(line)

    assert answer.status != 0
    assert answer.stdout == ""
