"""Shares, limits and use of a simulated cluster, read as those of a real one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.simulator.cluster import Cluster
from services.simulator.commands import Faults, Health
from services.simulator.model import ClusterSpec
from services.simulator.workload import draw_fate
from slurmfleet.slurm.associations import parse_associations
from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.config import parse_config
from slurmfleet.slurm.qos import parse_qos
from slurmfleet.slurm.share_commands import (
    account_associations_section,
    config_section,
    qos_section,
    shares_section,
    today_section,
    usage_section,
    user_associations_section,
)
from slurmfleet.slurm.sreport import parse_usage
from slurmfleet.slurm.sshare import parse_shares
from tests.unit.simulator.conftest import NOW, Run

HOUR_S = 3600


@pytest.fixture
def spec(spec: ClusterSpec) -> ClusterSpec:
    return replace(spec, account_gpu_limits=(("speech", 3),))


@pytest.fixture
def cluster(spec: ClusterSpec) -> Cluster:
    return Cluster(spec, seed=1, now=NOW, draw=draw_fate)


def ask(run: Run, section: Section) -> str:
    line = " ".join(f"'{word}'" for word in section.argv)
    answer = run(line, SLURM_TIME_FORMAT="%s")
    assert answer.status == 0, answer.stderr
    return answer.stdout


def test_shares_of_the_users_that_were_asked_for(cluster: Cluster, run: Run):
    run("sbatch -p gpu -G 1 -c 4 -t 60 --wrap true --comment sim:runtime=3000")
    cluster.advance(NOW + 600)

    shares = parse_shares(ask(run, shares_section(["ada", "nobody"])))
    rows = {(one.account, one.user): one for one in shares.rows}

    assert shares.bad == ()
    assert {user for _, user in rows} == {"", "ada"}
    assert rows["nlp", ""].parent_account == "root"
    assert rows["vision", ""].level_fs == float("inf")
    assert rows["nlp", "ada"].raw_usage_s == pytest.approx(2400, abs=120)
    assert rows["nlp", "ada"].tres_run_minutes["gres/gpu"] == pytest.approx(50, abs=1)


def test_associations_and_qos_with_their_limits(run: Run):
    assert parse_config(ask(run, config_section())).cluster_name == "tiny"
    accounts = parse_associations(ask(run, account_associations_section("tiny")))
    users = parse_associations(ask(run, user_associations_section("tiny", ["ada"])))
    qualities = parse_qos(ask(run, qos_section()))

    assert {one.account: dict(one.group_tres) for one in accounts.rows} == {
        "root": {},
        "nlp": {},
        "speech": {"gres/gpu": 3},
        "vision": {},
    }
    assert {(one.account, one.user) for one in users.rows} == {
        (account, "ada") for account in ("nlp", "speech", "vision")
    }
    assert {one.name: one.max_tres_per_user for one in qualities.rows}["small"] == {"gres/gpu": 2}
    assert parse_associations(ask(run, account_associations_section("other"))).rows == ()


def test_account_holds_its_jobs_to_its_limit(cluster: Cluster, run: Run):
    for _ in range(2):
        run("sbatch -p gpu -A speech -G 2 --wrap true --comment sim:runtime=600")
    cluster.advance(NOW + 60)

    lines = run("squeue -h -o '%T %r'").stdout.splitlines()

    assert sorted(lines) == ["PENDING AssocGrpGRES", "RUNNING None"]


def test_use_is_that_of_whole_hours(cluster: Cluster, run: Run):
    run("sbatch -p gpu -G 2 -t 120 --wrap true --comment sim:runtime=7000")
    began = datetime.fromtimestamp(NOW, tz=UTC)
    cluster.advance(NOW - NOW % HOUR_S + 2 * HOUR_S + 60)

    today = datetime.fromtimestamp(cluster.now, tz=UTC).date()
    assert ask(run, today_section()).strip() == today.isoformat()
    report = parse_usage(ask(run, usage_section(today, ["nlp"], days_ago=0)))
    (own,) = (one for one in report.rows if one.user == "ada")
    (whole,) = (one for one in report.rows if not one.user)

    ran = report.until_at - began
    assert report.until_at == began.replace(minute=0, second=0) + timedelta(hours=2)
    assert own.tres_seconds["gres/gpu"] == pytest.approx(2 * ran.total_seconds(), abs=240)
    assert whole.tres_seconds == own.tres_seconds


@pytest.mark.parametrize(
    "program", ["sacctmgr show qos", "sreport cluster AccountUtilizationByUser"]
)
def test_accounting_that_is_down_is_said_by_all_who_ask_it(run: Run, program: str):
    answer = run(program, faults=Faults(accounting=Health.DOWN))

    assert (answer.status, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"{program.split(maxsplit=1)[0]}: error: ")


@pytest.mark.parametrize(
    "line", ["sacctmgr show qos format=Name,Nonsense", "sshare -o Account,Nonsense"]
)
def test_unknown_field_is_refused(run: Run, line: str):
    assert (run(line).status, run(line).stdout) == (1, "")
