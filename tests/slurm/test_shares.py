"""Shares, limits and use: what the surveys tell is what Slurm's own programs tell by hand.

Runs on simulated and real clusters alike, each as a user whose account has a limit on GPUs.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from services.collector.surveys.limits import LimitSurvey
from services.collector.surveys.sharebook import ShareBook
from services.collector.surveys.shares import ShareSurvey
from services.collector.surveys.survey import Finding
from services.collector.surveys.usage import UsageSurvey
from slurmfleet.contracts.shares import QosSampled, ShareSampled, UsageSampled
from tests.harness.desks import look, open_desk
from tests.harness.sites import RealSite, Site

SIMULATED = "sim-h100"
LIMITED = {
    SIMULATED: ("", "speech", 64),
    "alpha": ("carol", "bio", 6),
    "beta": ("carol", "proj2", 3),
    "gamma": ("carol", "language", 3),
}
"""By site: the user (empty: the site's own), an account of hers, and its limit on GPUs."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A user on a site, in an account that may hold so many GPUs at once."""

    site: Site
    user: str
    account: str
    limit: int
    submitted: list[str] = field(default_factory=list[str])

    def running_gpus(self) -> int:
        """Count by hand what the account's jobs hold."""
        told = self.site.run(f"squeue -h -a -t R,S -A {self.account} -O tres-alloc:200")
        return sum(int(one) for one in re.findall(r"gres/gpu=(\d+)", told))

    def wait_for(self, gpus: int) -> None:
        deadline = time.monotonic() + 60
        while self.running_gpus() < gpus and time.monotonic() < deadline:
            time.sleep(0.5)

    def submit(self, gpus: int) -> None:
        partition = self.site.gpu_partition
        job_id = self.site.run(
            f"sbatch --parsable -p {partition} -A {self.account} -G {gpus} -c 1 --mem=100M -t 10"
            " --comment sim:runtime=600,exit=0 --wrap 'sleep 600'"
        ).strip()
        self.submitted.append(job_id)


@pytest.fixture(params=LIMITED)
def member(request: pytest.FixtureRequest) -> Iterator[Member]:
    name: str = request.param
    user, account, limit = LIMITED[name]
    kind = "simulated" if name == SIMULATED else "real"
    site: Site = request.getfixturevalue(kind)[name]
    if isinstance(site, RealSite):
        site = RealSite(name=site.name, about=site.about, user=user)
    own = user or str(site.config["user"])
    member = Member(site=site, user=own, account=account, limit=limit)
    yield member
    if member.submitted:
        site.run(f"scancel {' '.join(member.submitted)}")


async def ask(member: Member) -> tuple[Finding, Finding, Finding]:
    """Ask everything once, limits first."""
    book = ShareBook()
    async with open_desk(member.site) as desk:
        await look(desk)
        limits = await LimitSurvey(book).ask(desk)
        shares = await ShareSurvey(book).ask(desk)
        usage = await UsageSurvey(book, days_back=1).ask(desk)
        rpcs = dict(desk.rpcs)
    assert limits is not None
    assert shares is not None
    assert usage is not None
    assert rpcs == {"scontrol": 3, "sacctmgr": 3, "sshare": 1, "sreport": 2}
    assert [one.error for one in (limits, shares, usage)] == ["", "", ""]
    assert [one.bad_rows for one in (limits, shares, usage)] == [(), (), ()]
    return limits, shares, usage


def of(finding: Finding, account: str, user: str = "") -> ShareSampled:
    return next(
        one
        for one in finding.facts
        if isinstance(one, ShareSampled) and (one.account, one.user) == (account, user)
    )


async def test_head_room_falls_by_what_runs_and_waits_not(member: Member):
    before = member.running_gpus()
    member.submit(2)
    member.wait_for(before + 2)
    member.submit(member.limit)

    limits, shares, _ = await ask(member)

    held = before + 2
    for fact in (of(limits, member.account), of(shares, member.account)):
        assert (fact.gpus_running, fact.gpu_head_room) == (held, member.limit - held)
        assert fact.head_room_told
        assert f"account {member.account}: GrpTRES gres/gpu" in fact.head_room_bounded_by
        assert fact.gpus_pending == member.limit
        (room,) = fact.rooms
        (gpus,) = (one for one in room.limits if one.tres == "gres/gpu")
        assert (gpus.owner, gpus.used, gpus.allowed) == (
            f"account {member.account}",
            held,
            member.limit,
        )
    assert of(limits, member.account).group_tres["gres/gpu"] == member.limit
    assert of(shares, member.account, member.user).gpu_head_room == member.limit - held
    _compare_with_the_controller(member, of(shares, member.account))


def _compare_with_the_controller(member: Member, fact: ShareSampled) -> None:
    """A real controller tells what it counts itself."""
    if not isinstance(member.site, RealSite):
        return
    told = member.site.run(
        f"scontrol -o show assoc_mgr flags=assoc accounts={member.account} users={member.user}"
    )
    counted = re.search(rf"Account={member.account} UserName= .*?gres/gpu=(\d+)\((\d+)\)", told)

    assert counted is not None
    assert (int(counted[1]), int(counted[2])) == (member.limit, fact.gpus_running)


async def test_fair_share_is_that_of_sshare(member: Member):
    by_hand = {
        (account.strip(), user): (shares, level)
        for account, user, shares, level in (
            line.split("|")
            for line in member.site.run(
                "sshare -n -P -o Account,User,RawShares,LevelFS"
            ).splitlines()
            if line.count("|") == 3
        )
    }
    _, shares, _ = await ask(member)

    told = {(one.account, one.user): one for one in shares.facts if isinstance(one, ShareSampled)}
    assert set(told) == set(by_hand)
    for key, (raw_shares, level) in by_hand.items():
        assert told[key].raw_shares == (int(raw_shares) if raw_shares.isdigit() else None)
        assert (told[key].level_fs is None) == (level == "")
    assert of(shares, member.account, member.user).fair_share is not None


async def test_every_qos_is_told_with_its_limits(member: Member):
    by_hand = dict(
        line.split("|")
        for line in member.site.run("sacctmgr -n -P show qos format=Name,MaxTRESPU").splitlines()
        if line.count("|") == 1
    )
    limits, _, _ = await ask(member)

    told = {one.name: one for one in limits.facts if isinstance(one, QosSampled)}
    assert set(told) == set(by_hand)
    assert {
        name: f"gres/gpu={one.max_tres_per_user['gres/gpu']}" if one.max_tres_per_user else ""
        for name, one in told.items()
    } == by_hand


async def test_use_is_of_whole_days_and_never_of_the_future(member: Member):
    limits, _, usage = await ask(member)
    accounts = {one.account for one in limits.facts if isinstance(one, ShareSampled)}

    assert [one.ok for one in usage.sections] == [True, True]
    for fact in usage.facts:
        assert isinstance(fact, UsageSampled)
        assert fact.since_at < fact.until_at <= fact.observed_at
        # Earlier tests may have left use in any of the user's accounts.
        assert fact.account in accounts
        assert fact.user in ("", member.user)
