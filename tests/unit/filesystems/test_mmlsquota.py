"""`mmlsquota -Y` as IBM's manual and published reports of `mmrepquota -Y` show it."""

import pytest

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.mmlsquota import parse_fileset, parse_mmlsquota
from slurmfleet.filesystems.usage import Report, Side, Usage

KIB = 1024
GONE = "expired"
HEADING = (
    "mmlsquota::HEADER:version:reserved:reserved:filesystemName:quotaType:id:name:blockUsage:"
    "blockQuota:blockLimit:blockInDoubt:blockGrace:filesUsage:filesQuota:filesLimit:filesInDoubt:"
    "filesGrace:remarks:quota:defQuota:fid:filesetname:\n"
)
ATTRIBUTES = """\
file name:            /gpfs/home/alice
metadata replication: 1 max 2
data replication:     1 max 2
immutable:            no
storage pool name:    system
fileset name:         home
snapshot name:
"""


def row(*fields: str) -> str:
    return "mmlsquota::0:1:::" + ":".join(fields) + ":\n"


def half(used: int, soft: int, hard: int, grace: str = "none") -> tuple[str, ...]:
    return str(used), str(soft), str(hard), "0", grace


def test_a_user_a_group_and_a_fileset_are_read_by_the_heading():
    rest = ("e", "on", "off")
    text = HEADING
    text += row("gpfs0", "USR", "2001", "alice", *half(858_080, 31_457_280, 36_700_160),
                *half(35_939, 300_000, 1_000_000), *rest, "2", "home")  # fmt: skip
    text += row("gpfs0", "GRP", "500", "lab%3Aml", *half(9, 0, 0), *half(1, 0, 0), *rest, "", "")
    text += row("gpfs0", "FILESET", "2", "home", *half(40_000_000, 31_457_280, 36_700_160, GONE),
                *half(400_000, 300_000, 1_000_000, "6 days"), *rest, "", "")  # fmt: skip

    assert parse_mmlsquota(text) == Report(
        usages=(
            Usage(
                file_system="gpfs0:home",
                kind=QuotaKind.USER,
                owner="alice",
                space=Side(used=858_080 * KIB, soft_limit=30 * KIB**3, hard_limit=35 * KIB**3),
                files=Side(used=35_939, soft_limit=300_000, hard_limit=1_000_000),
            ),
            Usage(
                file_system="gpfs0",
                kind=QuotaKind.GROUP,
                owner="lab:ml",
                space=Side(used=9 * KIB),
                files=Side(used=1),
            ),
            Usage(
                file_system="gpfs0",
                kind=QuotaKind.FILESET,
                owner="home",
                space=Side(
                    used=40_000_000 * KIB,
                    soft_limit=30 * KIB**3,
                    hard_limit=35 * KIB**3,
                    grace_s=0,
                    is_over=True,
                ),
                files=Side(
                    used=400_000,
                    soft_limit=300_000,
                    hard_limit=1_000_000,
                    grace_s=6 * 86_400,
                    is_over=True,
                ),
            ),
        )
    )


def test_a_reached_hard_limit_is_over_without_grace():
    text = HEADING + row("gpfs0", "USR", "1", "alice", *half(10, 0, 10), *half(1, 0, 0), "e", "on")

    (read,) = parse_mmlsquota(text).usages

    assert (read.space.is_over, read.space.grace_s) == (True, None)


def test_a_quota_that_is_off_limits_nothing():
    text = HEADING + row("gpfs0", "USR", "1", "alice", *half(1, 2, 3), *half(1, 2, 3), "i", "off")

    assert parse_mmlsquota(text) == Report(usages=())


@pytest.mark.parametrize(
    "text",
    [
        row("gpfs0", "USR", "1", "alice", *half(1, 2, 3), *half(1, 2, 3), "i", "on"),
        HEADING + row("gpfs0", "USR", "1", "alice"),
        HEADING + row("gpfs0", "USR", "1", "alice", *half(1, 2, 3, "later"), *half(1, 2, 3)),
    ],
)
def test_a_row_that_makes_no_sense_is_kept_as_bad(text: str):
    report = parse_mmlsquota(text)

    assert (report.usages, len(report.bad)) == ((), 1)


def test_words_between_rows_are_passed_over():
    assert parse_mmlsquota("*** Report for USR quotas on gpfs0\n" + HEADING) == Report(usages=())


@pytest.mark.parametrize(
    ("text", "fileset"), [(ATTRIBUTES, "home"), ("mmlsattr: no\n", ""), ("", "")]
)
def test_the_fileset_of_a_folder_is_read(text: str, fileset: str):
    assert parse_fileset(text) == fileset
