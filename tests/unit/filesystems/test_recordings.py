"""`df` and `quota` as they print on Debian 12; recorded by tests/harness/record_file_systems.py."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.df import Mount, parse_df
from slurmfleet.filesystems.errors import MalformedUsageError
from slurmfleet.filesystems.quota import parse_quota
from slurmfleet.filesystems.usage import UNTOLD, Report, Side, Usage

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "filesystems"
KIB = 1024
DAY_S = 86_400


def quota(case: str) -> Report:
    folder = RECORDINGS / "quota-4.06" / case
    now_epoch_s = json.loads((folder / "meta.json").read_text())["now_epoch_s"]
    return parse_quota((folder / "stdout").read_text(), now_epoch_s=now_epoch_s)


def df(case: str) -> Mount:
    return parse_df((RECORDINGS / "df-9.1" / case / "stdout").read_text())


SPACE = Side(used=734_003 * KIB, soft_limit=1_073_741 * KIB, hard_limit=1_181_116 * KIB)
FILES = Side(used=4_821, soft_limit=10_000, hard_limit=11_000)
WITHIN = Usage(
    file_system="/dev/loop0", kind=QuotaKind.USER, owner="root", space=SPACE, files=FILES
)
OVER = replace(SPACE, used=1_100_000 * KIB, is_over=True)
FILES_OVER = replace(FILES, used=10_500, is_over=True)
LONG = "/mnt/a-device-with-a-long-name"


@pytest.mark.parametrize(
    ("case", "usages"),
    [
        ("within", [WITHIN]),
        (
            "without-limits",
            [replace(WITHIN, space=Side(used=SPACE.used), files=Side(used=FILES.used))],
        ),
        ("over-soft", [replace(WITHIN, space=replace(OVER, grace_s=6 * DAY_S + 3_600))]),
        (
            "over-soft-passed",
            [
                replace(
                    WITHIN,
                    space=replace(OVER, grace_s=6 * DAY_S + 3_600),
                    files=replace(FILES_OVER, grace_s=0),
                )
            ],
        ),
        (
            "at-hard",
            [
                replace(
                    WITHIN,
                    space=Side(used=1_181_116 * KIB, hard_limit=1_181_116 * KIB, is_over=True),
                )
            ],
        ),
        (
            "groups",
            [
                replace(WITHIN, kind=QuotaKind.GROUP, owner="root"),
                replace(WITHIN, kind=QuotaKind.GROUP, owner="adm"),
            ],
        ),
        (
            "wrapped",
            [
                replace(
                    WITHIN,
                    file_system=LONG,
                    space=replace(OVER, grace_s=6 * DAY_S),
                    files=replace(FILES_OVER, grace_s=0),
                )
            ],
        ),
        (
            "wrapped-files-over",
            [
                replace(
                    WITHIN,
                    file_system=LONG,
                    space=Side(used=7 * KIB),
                    files=replace(FILES_OVER, grace_s=6 * DAY_S),
                )
            ],
        ),
        (
            "human",
            [
                replace(
                    WITHIN,
                    space=Side(
                        used=1_075 * KIB**2,
                        soft_limit=1_049 * KIB**2,
                        hard_limit=1_154 * KIB**2,
                        grace_s=6 * DAY_S,
                        is_over=True,
                    ),
                )
            ],
        ),
        ("none", []),
        ("not-enabled", []),
    ],
)
def test_a_quota_is_read_as_it_was_recorded(case: str, usages: list[Usage]):
    assert quota(case) == Report(usages=tuple(usages))


def test_df_tells_type_mount_point_and_what_users_can_have():
    assert df("ext4") == Mount(
        type="ext4",
        device="/dev/loop0",
        mount_point="/mnt/home",
        usage=Usage(
            file_system="/mnt/home",
            kind=QuotaKind.FILE_SYSTEM,
            space=Side(used=14 * KIB, hard_limit=12_927 * KIB),
            files=Side(used=11, hard_limit=4_096),
        ),
    )


def test_names_with_spaces_are_told_apart():
    mount = df("tmpfs-spaces")

    assert (mount.device, mount.mount_point) == ("a name of a device", "/mnt/with two spaces")


def test_a_file_system_that_counts_nothing_is_not_empty():
    mount = df("proc")

    assert (mount.usage.space, mount.usage.files) == (UNTOLD, UNTOLD)


def test_a_path_that_is_not_there_has_no_row():
    with pytest.raises(MalformedUsageError):
        df("missing")


HEADING = "Type  1K-blocks  Used Avail  Inodes IUsed   IFree Filesystem         Mounted on\n"


@pytest.mark.parametrize(
    "row",
    [
        "",
        "tmpfs 4096 0\n",
        "tmpfs 4096 x 4096 9 1 8 tmpfs /tmp\n",
        "tmpfs 4096 0 4096 9 1 8 tmpfs tmp\n",
        "tmpfs 4096 0 4096 9 1 8 tmpfs /tmp\ntmpfs 4096 0 4096 9 1 8 tmpfs /tmp\n",
    ],
)
def test_other_text_than_one_row_is_refused(row: str):
    with pytest.raises(MalformedUsageError):
        parse_df(HEADING + row)


def test_files_that_are_not_counted_are_not_told():
    mount = parse_df(HEADING + "nfs4 4096 1 4095 - - - nas:/home /home\n")

    assert mount.usage.files == UNTOLD


@pytest.mark.parametrize(
    "line",
    [
        "     /dev/sda1   734003  1073741 1181116       0    many   10000   11000       0",
        "   734003  1073741 1181116       0    4821   10000   11000       0",
        "/dev/a-device-with-a-long-name",
    ],
)
def test_a_line_that_makes_no_sense_costs_only_itself(line: str):
    good = "     /dev/loop0  734003  1073741 1181116       0    4821   10000   11000       0\n"
    text = "Disk quotas for user root (uid 0): \n"

    report = parse_quota(f"{text}{good}{line}\n", now_epoch_s=0)

    assert (report.usages, len(report.bad)) == ((WITHIN,), 1)


def test_a_name_may_look_like_an_amount():
    line = "2024  734003  1073741 1181116       0    4821   10000   11000       0\n"

    (read,) = parse_quota(line, now_epoch_s=0).usages

    assert (read.file_system, read.space) == ("2024", SPACE)
