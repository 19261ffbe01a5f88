"""Quotas as a collector's survey finds them: the same on every kind of cluster."""

import secrets
from collections.abc import AsyncIterator

import pytest

from services.collector.budget import RpcBudget
from services.collector.desk import Desk, Known
from services.collector.looks.asking import ask_probe
from services.collector.surveys.quotas import QuotaSurvey
from services.collector.surveys.survey import Finding
from services.collector.target import ssh_target
from slurmfleet.contracts.codec import decode, encode
from slurmfleet.contracts.quotas import QuotaKind, QuotaSampled
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.ssh.link import SshLink
from slurmfleet.timing.clock import SystemClock
from tests.harness.sites import RealSite, SimulatedSite, Site

NAMES = ("sim-h100", "alpha", "beta")


@pytest.fixture(params=NAMES)
def site(request: pytest.FixtureRequest) -> Site:
    """Give a cluster; no stack watches it."""
    if request.param == NAMES[0]:
        simulated: dict[str, SimulatedSite] = request.getfixturevalue("simulated")
        return simulated[request.param]
    real: dict[str, RealSite] = request.getfixturevalue("real")
    return real[request.param]


@pytest.fixture
async def desk(site: Site) -> AsyncIterator[Desk]:
    clock = SystemClock()
    paths = ["~/" + secrets.token_hex(4), "/", "/no/such/path", "/lustre/lab"]
    config = ClusterConfig.model_validate({**site.config, "mount_paths": paths})
    target = ssh_target(config, known_hosts=(), ssh_config=(), connect_limit_s=30)
    async with SshLink(target, clock=clock) as link:
        probe, _ = await ask_probe(link, limit_s=60)
        yield Desk(
            config,
            link=link,
            budget=RpcBudget(per_minute=60, burst=60, clock=clock),
            known=Known(probe=probe, memory={}),
            clock=clock,
        )


def quotas(finding: Finding, path: str) -> dict[QuotaKind, QuotaSampled]:
    facts = [fact for fact in finding.facts if isinstance(fact, QuotaSampled)]
    return {fact.kind: fact for fact in facts if fact.path == path}


async def test_the_home_is_told_as_df_tells_it(site: Site, desk: Desk):
    home = site.run("printenv HOME").strip()

    finding = await QuotaSurvey().ask(desk)

    assert finding is not None
    told = quotas(finding, home)[QuotaKind.FILE_SYSTEM]
    free_kib = int(site.run('df -k --output=avail "$HOME"').split()[-1])
    assert told.hard_limit_bytes is not None
    assert told.used_bytes is not None
    left_kib = (told.hard_limit_bytes - told.used_bytes) // 1024
    assert abs(left_kib - free_kib) < 0.1 * free_kib
    assert decode(next(encode(finding.facts, source="/t")).body) == finding.facts
    assert desk.rpcs == {}


async def test_a_path_that_is_not_there_is_told_and_costs_no_other(desk: Desk):
    finding = await QuotaSurvey().ask(desk)

    assert finding is not None
    errors = [one.error for one in finding.sections if not one.ok]
    assert any("/no/such/path: No such file" in error for error in errors)
    assert QuotaKind.FILE_SYSTEM in quotas(finding, "/")


async def test_a_lustre_tells_the_user_and_the_project(site: Site, desk: Desk):
    if not site.run("df --output=fstype /lustre/lab 2>/dev/null || true").strip():
        pytest.skip("by design: this cluster has no Lustre")

    finding = await QuotaSurvey().ask(desk)

    assert finding is not None
    told = quotas(finding, "/lustre/lab")
    assert set(told) == set(QuotaKind) - {QuotaKind.FILESET, QuotaKind.UNKNOWN}
    assert told[QuotaKind.USER].owner == desk.probe.user
    assert told[QuotaKind.USER].soft_limit_bytes
    assert told[QuotaKind.PROJECT].owner == site.run("lfs project -d /lustre/lab").split()[0]
