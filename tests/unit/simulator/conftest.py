"""A small cluster that tests move by hand."""

import shlex
from collections.abc import Callable

import pytest

from services.simulator.calls import Answer, Call
from services.simulator.cluster import Cluster
from services.simulator.commands import Faults, execute
from services.simulator.model import ClusterSpec, NodeSpec, Partition, Qos
from services.simulator.presets import demo_users
from services.simulator.workload import draw_fate

NOW = 1_790_000_000

Run = Callable[..., Answer]


@pytest.fixture
def spec() -> ClusterSpec:
    """Two GPU nodes and a CPU node, one user's limit, and one QOS that gives way."""
    gpu = tuple(
        NodeSpec(name=f"gpu{n:02d}", cpus=16, memory_mib=65_536, gpus=4, gpu_type="h100")
        for n in (1, 2)
    )
    cpu = NodeSpec(name="cpu01", cpus=32, memory_mib=65_536)
    return ClusterSpec(
        name="tiny",
        nodes=(*gpu, cpu),
        partitions=(
            Partition(name="gpu", nodes=("gpu01", "gpu02"), max_time_s=7200, is_default=True),
            Partition(name="cpu", nodes=("cpu01",)),
        ),
        qos=(
            Qos(name="normal"),
            Qos(name="capped", max_jobs_per_user=1),
            Qos(name="small", max_gpus_per_user=2),
            Qos(name="standby"),
            Qos(name="high", priority=1000, preempts=("standby",)),
        ),
        users=demo_users(("ada", "ben", "olga")),
        operators=("olga",),
        first_job_id=10,
    )


@pytest.fixture
def cluster(spec: ClusterSpec) -> Cluster:
    return Cluster(spec, seed=1, now=NOW, draw=draw_fate)


@pytest.fixture
def run(cluster: Cluster) -> Run:
    """Runs a command line of a user on the cluster."""

    def run_line(
        line: str,
        *,
        user: str = "ada",
        faults: Faults | None = None,
        script: str | None = None,
        **env: str,
    ) -> Answer:
        program, *argv = shlex.split(line)
        call = Call(
            program=program,
            argv=tuple(argv),
            user=user,
            env=env,
            work_dir=f"/home/{user}",
            script=script,
        )
        return execute(cluster, call, faults or Faults())

    return run_line
