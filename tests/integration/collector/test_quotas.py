"""The survey of quotas over real SSH, with file systems' programs as stand-ins that we write."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.collector.budget import RpcBudget
from services.collector.desk import Desk, Known
from services.collector.surveys.quota_visit import Limits
from services.collector.surveys.quotas import QuotaSurvey
from services.collector.surveys.survey import Finding
from slurmfleet.contracts.quotas import QuotaKind, QuotaSampled
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.link import SshLink
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.login_node import LoginNode
from slurmfleet.timing.clock import SystemClock
from tests.harness.hanging import hanging

pytestmark = [pytest.mark.integration, pytest.mark.timeout(30)]

KIB = 1024
MOUNTS = """
for path; do :; done
case $path in
/lustre*) row="lustre 100 60 40 9 1 8 mgs@tcp:/big /lustre" ;;
/gpfs*) row="gpfs 100 60 40 9 1 8 /dev/gpfs0 /gpfs" ;;
/stubborn) trap '' TERM; sleep 60 & wait; wait ;;
/gone) echo "df: /gone: No such file or directory" >&2; exit 1 ;;
*) row="ext4 100 60 40 9 1 8 /dev/sda1 /" ;;
esac
echo "Type 1K-blocks Used Avail Inodes IUsed IFree Filesystem Mounted on"; echo "$row"
"""
TITLE = 'echo "Disk quotas for $kind $3 (${kind%${kind#?}}id 7):"'
LFS = f"""
echo "$*" >> "$ASKED"
[ "$1" = project ] && {{ echo "  4711 P $3"; exit 0; }}
case $2 in -u) kind=usr ;; -g) kind=grp ;; -p) kind=prj ;; esac
{TITLE}
echo "     Filesystem  kbytes   quota   limit   grace   files   quota   limit   grace"
echo "$4"; echo "      9*       8      10  6d23h       1       0       0       -"
"""
MMLSQUOTA = """
echo "$*" >> "$ASKED"
case $2 in -u) type=USR ;; -g) type=GRP ;; -j) type=FILESET ;; esac
names=filesystemName:quotaType:id:name:blockUsage:blockQuota:blockLimit:blockInDoubt:blockGrace
names=$names:filesUsage:filesQuota:filesLimit:filesInDoubt:filesGrace:remarks:quota:defQuota
echo "mmlsquota::HEADER:version:reserved:reserved:$names:fid:filesetname:"
echo "mmlsquota::0:1:::$4:$type:7:$3:9:0:10:0:none:1:0:0:0:none:e:on:off:::"
"""
PROGRAMS = {
    "df": MOUNTS,
    "lfs": LFS,
    "mmlsattr": 'echo "$*" >> "$ASKED"; echo "fileset name:         home"',
    "mmlsquota": MMLSQUOTA,
    "quota": 'echo "$*" >> "$ASKED"; echo "quota: $4 has no quota enabled." >&2; exit 1',
    "id": "echo staff",
}


@dataclass(kw_only=True)
class Site:
    """A login node with stand-ins for file systems' programs, and a desk there."""

    node: LoginNode
    link: SshLink
    folder: Path
    clock: ManualClock

    def desk(self, *paths: str, home: str = "") -> Desk:
        environment = {"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin"}
        probe = Probe(user="alice", slurm_version="24.11.5", environment=environment)
        self.write("printenv", f"echo {home or '/home/alice'}")
        config = {"name": "alpha", "host": "127.0.0.1", "mount_paths": paths}
        return Desk(
            ClusterConfig.model_validate(config),
            link=self.link,
            budget=RpcBudget(per_minute=1, burst=0, clock=self.clock),
            known=Known(probe=probe, memory={}),
            clock=self.clock,
        )

    def write(self, program: str, text: str) -> None:
        path = self.folder / "bin" / program
        path.write_text(f"#!/bin/bash\nASKED={self.folder / 'asked'}\n{text}\n")
        path.chmod(0o755)

    def remove(self, *programs: str) -> None:
        for program in programs:
            (self.folder / "bin" / program).unlink()

    @property
    def asked(self) -> list[str]:
        path = self.folder / "asked"
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return lines


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    (tmp_path / "bin").mkdir()
    clock = ManualClock()
    async with (
        LoginNode(tmp_path) as node,
        SshLink(node.target(), clock=SystemClock()) as link,
    ):
        site = Site(node=node, link=link, folder=tmp_path, clock=clock)
        for program, text in PROGRAMS.items():
            site.write(program, text)
        yield site


def a_survey() -> QuotaSurvey:
    return QuotaSurvey(limits=Limits(df_s=2, quota_s=5))


async def asked(survey: QuotaSurvey, desk: Desk) -> Finding:
    finding = await survey.ask(desk)
    assert finding is not None
    return finding


def kinds(finding: Finding, path: str) -> Mapping[QuotaKind, str]:
    return {
        fact.kind: fact.owner
        for fact in finding.facts
        if isinstance(fact, QuotaSampled) and fact.path == path
    }


async def test_lustre_is_asked_for_user_group_and_the_project_of_the_path(site: Site):
    finding = await asked(a_survey(), site.desk("/lustre/lab"))

    assert kinds(finding, "/lustre/lab") == {
        QuotaKind.FILE_SYSTEM: "",
        QuotaKind.USER: "alice",
        QuotaKind.GROUP: "staff",
        QuotaKind.PROJECT: "4711",
    }
    assert finding.error == ""
    assert finding.facts[-1] == QuotaSampled(
        cluster=site.desk().config.name,
        observed_at=site.clock.now(),
        source="lfs",
        path="/lustre/lab",
        file_system="/lustre",
        kind=QuotaKind.PROJECT,
        owner="4711",
        used_bytes=9 * KIB,
        soft_limit_bytes=8 * KIB,
        hard_limit_bytes=10 * KIB,
        bytes_grace_s=6 * 86_400 + 23 * 3_600,
        is_over_bytes=True,
        files=1,
    )
    assert finding.source == "df+lfs"


async def test_gpfs_is_asked_for_user_group_and_the_fileset_of_the_path(site: Site):
    finding = await asked(a_survey(), site.desk("/gpfs/home"))

    assert kinds(finding, "/gpfs/home") == {
        QuotaKind.FILE_SYSTEM: "",
        QuotaKind.USER: "alice",
        QuotaKind.GROUP: "staff",
        QuotaKind.FILESET: "home",
    }
    assert [one for one in site.asked if one.startswith("-Y")] == [
        "-Y -u alice gpfs0",
        "-Y -g staff gpfs0",
        "-Y -j home gpfs0",
    ]


async def test_a_file_system_without_quotas_is_asked_about_them_once_a_day(site: Site):
    survey, desk = a_survey(), site.desk()

    findings = [await asked(survey, desk) for _ in range(3)]
    first = site.asked
    site.clock.advance(86_400)
    await survey.ask(desk)

    assert [one.error for one in findings] == ["", "", ""]
    assert [kinds(one, "/home/alice") for one in findings] == [{QuotaKind.FILE_SYSTEM: ""}] * 3
    assert first == site.asked == ["-wpvA -u -f /", "-wpvA -g -f /"]


async def test_a_site_without_the_program_quota_has_none_to_tell(site: Site):
    site.remove("quota")

    finding = await asked(a_survey(), site.desk())

    # The machine's own `quota` may be there; it keeps none of the stand-in's mount either.
    assert kinds(finding, "/home/alice").keys() == {QuotaKind.FILE_SYSTEM}


async def test_a_lustre_without_lfs_is_a_failure_and_its_space_is_told(site: Site):
    site.remove("lfs")

    finding = await asked(a_survey(), site.desk("/lustre"))

    assert kinds(finding, "/lustre") == {QuotaKind.FILE_SYSTEM: ""}
    assert "not found" in finding.error


async def test_a_refused_quota_is_no_evidence(site: Site):
    site.write("lfs", 'echo "Permission denied." >&2; exit 1')

    finding = await asked(a_survey(), site.desk("/lustre"))

    assert kinds(finding, "/lustre") == {QuotaKind.FILE_SYSTEM: ""}
    assert finding.error == "Permission denied."


async def test_rows_of_a_program_that_failed_for_a_part_are_kept(site: Site):
    site.write("lfs", LFS + 'echo "quotactl ost3 failed." >&2; exit 5')

    finding = await asked(a_survey(), site.desk("/lustre"))

    assert QuotaKind.USER in kinds(finding, "/lustre")
    assert finding.error == "quotactl ost3 failed."


async def test_a_path_that_is_not_there_costs_only_itself(site: Site):
    finding = await asked(a_survey(), site.desk("/gone", "relative", "/lustre"))

    assert [one.error for one in finding.sections if not one.ok] == [
        "'relative' is not an absolute path",
        "/gone: df: /gone: No such file or directory",
    ]
    assert kinds(finding, "/gone") == {}
    assert QuotaKind.USER in kinds(finding, "/lustre")


async def test_paths_are_asked_once_and_the_home_may_be_a_tilde(site: Site):
    finding = await asked(a_survey(), site.desk("~", "~/", "~/work", "/home/alice/", "/"))

    assert list(
        dict.fromkeys(fact.path for fact in finding.facts if isinstance(fact, QuotaSampled))
    ) == [
        "/home/alice",
        "/home/alice/work",
        "/",
    ]


async def test_a_path_that_hangs_rests_and_others_are_asked_first(site: Site):
    survey, desk = a_survey(), site.desk("/stubborn", "/lustre")
    first = await asked(survey, desk)
    second = await asked(survey, desk)
    site.clock.advance(1_801)
    third = await asked(survey, desk)

    assert [one.error for one in (first, second, third)] == [
        "/stubborn: The command did not end within its limit and was stopped.",
        "/stubborn did not answer; it is asked again in 30 min",
        "/stubborn: The command did not end within its limit and was stopped.",
    ]
    assert [one.ok for one in third.sections][-1] is False
    assert [QuotaKind.USER in kinds(one, "/lustre") for one in (first, second, third)] == [True] * 3


async def test_a_path_that_answers_again_is_asked_as_often_as_before(site: Site):
    survey, desk = a_survey(), site.desk("/stubborn")
    await survey.ask(desk)
    site.write("df", MOUNTS.replace("/stubborn)", "/never)"))
    site.clock.advance(1_800)

    findings = [await asked(survey, desk) for _ in range(2)]

    assert [one.error for one in findings] == ["", ""]


async def test_a_file_system_that_really_hangs_ends_and_leaves_no_session(
    site: Site, tmp_path: Path
):
    site.remove("df")

    with hanging(tmp_path / "hung") as place:
        finding = await asked(a_survey(), site.desk(str(place), home=str(tmp_path)))
        sessions = len(site.node.sessions)

    assert kinds(finding, str(place)) == {}
    assert finding.error.startswith(f"{place}: ")
    assert QuotaKind.FILE_SYSTEM in kinds(finding, str(tmp_path))
    assert sessions <= 1, "the shell that is kept for looks, and no other"


async def test_nothing_is_asked_of_slurm(site: Site):
    desk = site.desk("/lustre", "/gpfs")

    await a_survey().ask(desk)

    assert desk.rpcs == {}
