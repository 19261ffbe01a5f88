"""What administrators do with a simulated cluster, and how its commands show it."""

from collections.abc import Callable

import pytest

from services.simulator.calls import Answer
from services.simulator.cluster import Cluster

Run = Callable[..., Answer]

RESERVE = (
    "scontrol create reservation reservationname=r starttime=now duration=10 nodes=gpu01 users=root"
)


def words(run: Run, line: str, name: str) -> dict[str, str]:
    shown = next(one for one in run(line).stdout.splitlines() if f"={name} " in one)
    return dict(word.split("=", 1) for word in shown.split() if "=" in word)


def test_a_drained_node_says_so_and_comes_back(run: Run):
    run("scontrol update nodename=gpu01 state=drain reason=fan", user="olga")
    drained = words(run, "scontrol -o show node", "gpu01")["State"]
    in_sinfo = run("sinfo -h -N -o '%N %T %t'").stdout.splitlines()
    run("scontrol update nodename=gpu01 state=resume", user="olga")

    assert drained == "IDLE+DRAIN"
    assert "gpu01 drained drain" in in_sinfo
    assert words(run, "scontrol -o show node", "gpu01")["State"] == "IDLE"


@pytest.mark.parametrize(
    "line",
    [
        "scontrol update nodename=gpu01 state=drain reason=fan",
        RESERVE,
        "scontrol delete reservationname=r",
    ],
)
def test_users_may_not_do_that(run: Run, line: str):
    answer = run(line)

    assert answer.status == 1
    assert "Invalid user id" in answer.stderr


@pytest.mark.parametrize(
    "line",
    [
        "scontrol update nodename=gpu01 state=drain",
        "scontrol update nodename=gpu77 state=resume",
        "scontrol update nodename=gpu01 state=perfect",
        "scontrol create reservation starttime=now duration=10 nodes=gpu01",
        "scontrol create reservation starttime=now duration=10 nodes=gpu77 users=root",
        "scontrol create reservation starttime=later duration=10 nodes=gpu01 users=root",
        "scontrol delete reservationname=nosuch",
        "scontrol delete everything",
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, line: str):
    assert run(line, user="olga").status == 1


def test_a_reserved_node_is_shown_and_given_to_nobody(run: Run, cluster: Cluster):
    run(RESERVE, user="olga")
    cluster.advance(cluster.now + 5)
    job_id = run("sbatch --parsable -p gpu -w gpu01 --gres=gpu:1 --wrap true").stdout.strip()
    cluster.advance(cluster.now + 30)

    node = words(run, "scontrol -o show node", "gpu01")
    reservation = words(run, "scontrol -o show reservation", "r")
    assert (node["State"], node["ReservationName"]) == ("IDLE+RESERVED", "r")
    assert (reservation["Nodes"], reservation["Users"], reservation["State"]) == (
        "gpu01",
        "root",
        "ACTIVE",
    )
    assert "gpu01 reserved resv" in run("sinfo -h -N -o '%N %T %t'").stdout
    assert run(f"squeue -h -j {job_id} -o %T").stdout == "PENDING\n"

    run("scontrol delete reservationname=r", user="olga")
    cluster.advance(cluster.now + 30)
    assert run(f"squeue -h -j {job_id} -o %T").stdout != "PENDING\n"
    assert run("scontrol -o show reservation").stdout == "No reservations in the system\n"


def test_a_reservation_ends_by_itself(run: Run, cluster: Cluster):
    run(RESERVE, user="olga")

    cluster.advance(cluster.now + 601)

    assert "RESERVED" not in run("scontrol -o show node").stdout


def test_a_job_that_would_still_run_when_a_reservation_begins_waits(run: Run, cluster: Cluster):
    run(RESERVE.replace("now", "now+1800").replace("gpu01", "gpu[01-02]"), user="olga")
    long = run("sbatch --parsable -p gpu -t 60 --wrap true").stdout.strip()
    short = run("sbatch --parsable -p gpu -t 10 --wrap true").stdout.strip()
    cluster.advance(cluster.now + 10)

    assert run(f"squeue -h -j {long} -o %T").stdout == "PENDING\n"
    assert run(f"squeue -h -j {short} -o %T").stdout != "PENDING\n"
    assert "RESERVED" not in run("scontrol -o show node").stdout


def test_maintenance_is_shown_as_such(run: Run):
    run(f"{RESERVE} flags=maint,ignore_jobs", user="olga")

    assert words(run, "scontrol -o show node", "gpu01")["State"] == "IDLE+MAINTENANCE+RESERVED"
    assert "gpu01 maint maint" in run("sinfo -h -N -o '%N %T %t'").stdout


def test_a_node_that_is_kept_for_a_waiting_job_is_planned(run: Run, cluster: Cluster):
    run("sbatch -p gpu --gres=gpu:1 -t 60 --comment sim:runtime=3000 --wrap true")
    cluster.advance(cluster.now + 10)
    run("sbatch -p gpu -N 2 --gres=gpu:4 -t 60 --comment sim:runtime=3000 --wrap true", user="ben")
    cluster.advance(cluster.now + 10)

    states = run("sinfo -h -N -p gpu -O 'StateComplete:'").stdout.splitlines()

    assert sorted(states) == ["idle+planned", "mixed+planned"]


def test_used_gpus_are_shown_with_details(run: Run, cluster: Cluster):
    run("sbatch -p gpu -w gpu01 --gres=gpu:2 -t 60 --comment sim:runtime=3000 --wrap true")
    cluster.advance(cluster.now + 10)

    detailed = words(run, "scontrol -a -d -o show node", "gpu01")
    assert detailed["GresUsed"] == "gpu:h100:2(IDX:0-1)"
    assert detailed["AllocTRES"].endswith("gres/gpu=2,gres/gpu:h100=2")
    assert "GresUsed" not in words(run, "scontrol -o show node", "gpu01")
