"""Heterogeneous jobs: several components that live as one job."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.simulator.calls import Answer
from services.simulator.cluster import Cluster
from services.simulator.model import State

NOW = 1_790_000_000
RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm" / "24.11.5"
LINE = "sbatch -t 60 -J het -p cpu -n1 : -p gpu -n1 --gres=gpu:1 --wrap true"
PARTIAL = "Unable to modify only some components of a heterogeneous job"

Run = Callable[..., Answer]


def board(run: Run, fields: str = "JobArrayID JobID State") -> list[str]:
    columns = ",".join(f"{field}:|" for field in fields.split())
    return run(f"squeue -h -t all -O '{columns}'").stdout.splitlines()


def accounted(run: Run, jobs: str) -> str:
    return run(f"sacct -X -n -P -j {jobs} -o JobID,JobIDRaw,State").stdout


def states(cluster: Cluster) -> dict[str, State]:
    return {job.label: job.state for job in cluster.jobs.values()}


def recorded_het(case: str, names: tuple[str, ...], ids: tuple[str, ...]) -> list[dict[str, str]]:
    """Read the recorded components, with ids counted from the first one's."""
    text = (RECORDINGS / case / "stdout").read_text(encoding="utf-8", errors="replace")
    rows = [line.removesuffix("\x1e").split("\x1f") for line in text.split("\n")]
    return [
        numbered(dict(zip(names, row, strict=False)), ids)
        for row in rows
        if row[0].partition("+")[1] and len(row) >= len(names)
    ]


def recorded_names(case: str) -> tuple[str, ...]:
    """Read which fields were asked from the command that was recorded."""
    columns = (RECORDINGS / case / "command.txt").read_text().partition("-O $'")[2]
    return tuple(column.partition(":")[0] for column in columns.rstrip("'\n").split(","))


def numbered(row: dict[str, str], ids: tuple[str, ...]) -> dict[str, str]:
    first = row[names_id(row)].partition("+")[0]
    shown: dict[str, str] = {}
    for name in ids:
        head, plus, offset = row[name].partition("+")
        shown[name] = f"#{int(head) - int(first)}{plus}{offset}" if head.isdigit() else head
    return shown


def names_id(row: dict[str, str]) -> str:
    return "JobArrayID" if "JobArrayID" in row else "JobID"


def test_components_start_together_and_are_written_as_recorded(cluster: Cluster, run: Run):
    run(LINE)
    cluster.advance(NOW + 10)

    ids = ("JobArrayID", "JobID", "ArrayJobID", "HetJobID", "ArrayTaskID", "State")
    names = (*ids, "HetJobOffset", "Name")
    format_ = ",".join(f"{name}:\x1f" for name in names)
    lines = run(f"squeue -h -O '{format_}'").stdout.splitlines()
    rows: list[dict[str, str]] = [
        dict(zip(names, line.split("\x1f"), strict=False)) for line in lines
    ]

    recorded = recorded_het("queue-live", recorded_names("queue-live"), ids)
    assert [numbered(row, ids) for row in rows] == recorded
    assert [row["HetJobOffset"] for row in rows] == ["0", "1"]
    assert [row["Name"] for row in rows] == ["het", "het"]


def test_accounting_writes_components_that_ran_as_recorded(cluster: Cluster, run: Run):
    run(LINE)
    cluster.advance(NOW + 10)

    ids = ("JobID", "JobIDRaw", "State")
    names = ("JobID", "JobIDRaw", "User", "Account", "Partition", "QOS", "State")
    rows = [line.split("|") for line in accounted(run, "10").splitlines()]

    assert [numbered(dict(zip(ids, row, strict=True)), ids) for row in rows] == recorded_het(
        "accounting", names, ids
    )


def test_components_that_never_ran_are_accounted_under_their_numbers(run: Run, cluster: Cluster):
    run(LINE.replace("-t 60", "--hold"))
    run("scancel 10")
    cluster.advance(NOW + 1)

    assert accounted(run, "10") == "10|10|CANCELLED by 2001\n11|11|CANCELLED by 2001\n"
    assert board(run) == ["10+0|10|CANCELLED|", "10+1|11|CANCELLED|"]


def test_a_component_is_found_by_its_offset_and_its_number(cluster: Cluster, run: Run):
    run(LINE)
    cluster.advance(NOW + 10)

    found = {text: run(f"squeue -h -j {text} -O JobID:").stdout for text in ("10", "10+1", "11")}

    assert found == {"10": "10\n11\n", "10+1": "11\n", "11": "11\n"}
    assert accounted(run, "10+1") == "10+1|11|RUNNING\n"


def test_no_component_starts_before_all_can(cluster: Cluster, run: Run):
    run("sbatch -t 10 -w gpu01 --gres gpu:4 --comment sim:runtime=100 --wrap true")
    run("sbatch -t 10 -w gpu02 --gres gpu:4 --comment sim:runtime=100 --wrap true")
    cluster.advance(NOW + 10)

    run("sbatch -t 10 -p cpu --comment sim:runtime=50 : -p gpu --gres gpu:1 --wrap true")
    cluster.advance(NOW + 50)
    early = board(run, "JobArrayID State Reason")
    cluster.advance(NOW + 130)

    waiting = [line for line in early if "PENDING" in line]
    assert waiting == ["12+0|PENDING|Resources|", "12+1|PENDING|Resources|"]
    assert {job.started_at for job in cluster.jobs.values() if job.het_id} == {NOW + 110}


def test_components_do_not_share_a_node(cluster: Cluster, run: Run):
    run("sbatch --gres gpu:1 -p gpu : -p gpu --gres gpu:1 --wrap true")
    cluster.advance(NOW + 10)

    assert [job.nodes for job in cluster.jobs.values()] == [("gpu01",), ("gpu02",)]


def test_all_components_end_with_the_program_of_the_first(cluster: Cluster, run: Run):
    run(LINE.replace("-J het", "--comment sim:runtime=30,exit=3"))

    cluster.advance(NOW + 60)

    ends = {(job.state, job.ended_at, job.accounting_exit) for job in cluster.jobs.values()}
    assert ends == {(State.FAILED, NOW + 35, (3, 0))}


def test_cancelling_the_first_component_cancels_all(cluster: Cluster, run: Run):
    run(LINE)
    cluster.advance(NOW + 10)

    run("scancel 10")

    assert states(cluster) == {"10+0": State.CANCELLED, "10+1": State.CANCELLED}


def test_another_component_can_be_cancelled_alone_once_it_runs(cluster: Cluster, run: Run):
    run(LINE)
    refused = run("scancel 10+1").stderr
    cluster.advance(NOW + 10)

    run("scancel 10+1")

    assert refused == f"scancel: error: Kill job error on job id 10+1: {PARTIAL}\n"
    assert states(cluster) == {"10+0": State.RUNNING, "10+1": State.CANCELLED}


@pytest.mark.parametrize("how", ["node failure", "requeue"])
def test_all_components_go_back_into_the_queue_together(cluster: Cluster, run: Run, how: str):
    run(LINE)
    cluster.advance(NOW + 10)

    if how == "requeue":
        run("scontrol requeue 10")
    else:
        cluster.fail_node("gpu01", for_s=10)
    before = states(cluster)
    cluster.advance(NOW + 200)

    assert before == {"10+0": State.PENDING, "10+1": State.PENDING}
    assert states(cluster) == {"10+0": State.RUNNING, "10+1": State.RUNNING}


def test_components_are_held_released_and_suspended_together(cluster: Cluster, run: Run):
    run(LINE)
    run("scontrol hold 10")
    held = {job.reason for job in cluster.jobs.values()}
    run("scontrol release 10")
    cluster.advance(NOW + 10)

    run("scontrol suspend 10", user="olga")

    assert held == {"JobHeldUser"}
    assert states(cluster) == {"10+0": State.SUSPENDED, "10+1": State.SUSPENDED}
    assert run("scontrol hold 11").stderr == f"{PARTIAL} for job 11\n"


def test_a_script_divides_its_components_too(cluster: Cluster, run: Run):
    script = "#!/bin/sh\n#SBATCH -J pair -p cpu\n#SBATCH hetjob\n#SBATCH -p gpu -G 1\ntrue\n"

    run("sbatch job.sh", script=script)

    requests = [job.request for job in cluster.jobs.values()]
    assert [(request.name, request.partition, request.shape.gpus) for request in requests] == [
        ("pair", "cpu", 0),
        ("pair", "gpu", 1),
    ]


def test_a_job_waits_for_every_component_of_another(cluster: Cluster, run: Run):
    run(LINE.replace("-J het", "--comment sim:runtime=30"))
    run("sbatch -d afterok:10 --comment sim:runtime=1 --wrap true")
    cluster.advance(NOW + 20)
    before = cluster.jobs[12].state

    cluster.advance(NOW + 60)

    assert (before, cluster.jobs[12].state) == (State.PENDING, State.COMPLETED)


def test_scontrol_names_the_whole_job(cluster: Cluster, run: Run):
    run(LINE)
    cluster.advance(NOW + 10)

    assert run("scontrol show job 10+1").stdout.startswith(
        "JobId=11 HetJobId=10 HetJobOffset=1 JobName=het\n   HetJobIdSet=10-11\n"
    )
