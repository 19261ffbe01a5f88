"""Simulated jobs of the demo write logs that grow, and end as their job does."""

from collections.abc import Callable
from pathlib import Path

from services.simulator.calls import Answer
from services.simulator.cluster import Cluster
from services.simulator.joblogs import LINE_EVERY_S, JobLogs

NOW = 1_790_000_000
Run = Callable[..., Answer]


def submitted(cluster: Cluster, run: Run, root: Path, *, plan: str, out: str = "%x-%j.out") -> Path:
    run(f"sbatch -p cpu -J train -D {root} -o {out} --comment {plan} --wrap true")
    return root / f"train-{max(cluster.jobs)}.out"


def test_a_log_grows_with_its_job_and_tells_its_end(cluster: Cluster, run: Run, tmp_path: Path):
    logs = JobLogs(cluster, tmp_path)
    log = submitted(cluster, run, tmp_path, plan="sim:runtime=100,exit=1")
    logs.write()
    was_there = log.exists()

    told = []
    for passed_s in (20, 40, 200):
        cluster.advance(NOW + passed_s)
        logs.write()
        logs.write()
        told.append(log.read_text().splitlines())

    assert not was_there
    assert [len(one) for one in told] == sorted({len(one) for one in told})
    assert told[0] == told[1][: len(told[0])] == told[2][: len(told[0])]
    assert sum(line.startswith("step") for line in told[1]) <= 40 / LINE_EVERY_S
    assert "RuntimeError" in told[2][-2]
    assert told[2][-1].endswith("Exited with exit code 1")


def test_only_what_lies_below_the_homes_is_written(cluster: Cluster, run: Run, tmp_path: Path):
    homes = tmp_path / "homes"
    logs = JobLogs(cluster, homes)
    submitted(cluster, run, homes, plan="sim:runtime=100", out="../out-%j")
    submitted(cluster, run, tmp_path, plan="sim:runtime=100")

    cluster.advance(NOW + 20)
    logs.write()

    assert list(tmp_path.rglob("*")) == []


def test_of_many_logs_the_oldest_go(cluster: Cluster, run: Run, tmp_path: Path):
    logs = JobLogs(cluster, tmp_path, most_files=1)
    first = submitted(cluster, run, tmp_path, plan="sim:runtime=100")
    cluster.advance(NOW + 20)
    logs.write()
    second = submitted(cluster, run, tmp_path, plan="sim:runtime=100")
    cluster.advance(NOW + 40)
    logs.write()

    assert (first.exists(), second.exists()) == (False, True)
