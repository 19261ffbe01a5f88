"""A collector acts on jobs through a real shell; Slurm's programs are played by scripts here.

The real ones are asked in tests/slurm/test_actions.py.
"""

import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.collector.acting import JobActor
from services.collector.jobs.tracked import Tracked
from slurmfleet.contracts.actions import ActReport, ActRequest, ActTarget, ActWord, JobAct, Signal
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.errors import SshConnectionLostError
from slurmfleet.ssh.local import local_link
from slurmfleet.ssh.port import Link
from slurmfleet.ssh.target import Endpoint, SshTarget
from slurmfleet.testing.builders import NOON, a_job
from slurmfleet.timing.clock import SystemClock

pytestmark = pytest.mark.integration

ALPHA = ClusterName("alpha")
PROGRAMS = {
    "scontrol": 'echo "scontrol $*" >> log; [ "$1" = ping ] && cat ping; exit 0',
    "scancel": 'echo "scancel $*" >> log; echo "scancel: Terminating job" >&2; exit 0',
    "squeue": 'echo "7|CANCELLED|None|"; echo "8_[2-3]|PENDING|Resources|"',
}


@dataclass
class Cut:
    """A link that breaks at a given conversation, before or after the script has run."""

    link: Link
    breaks_at: int = 0
    runs_first: bool = False
    conversations: int = 0

    async def run_script(self, script: str, **how: Any) -> Any:  # noqa: ANN401 passed on
        self.conversations += 1
        if self.conversations == self.breaks_at:
            if self.runs_first:
                await self.link.run_script(script, **how)
            raise SshConnectionLostError(Endpoint(cluster=ALPHA, host="a"), "it was cut")
        return await self.link.run_script(script, **how)


@dataclass
class Floor:
    """A cluster of scripts, and who acts on it."""

    folder: Path
    link: Cut
    actor: JobActor
    memory: dict[JobId, Tracked]
    spent: dict[str, int] = field(default_factory=dict[str, int])
    looks: list[str] = field(default_factory=list[str])

    def said(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    async def act(self, act: JobAct, *names: str, **more: Any) -> ActReport:  # noqa: ANN401 passed on
        jobs = tuple(ActTarget(job_id=one, submitted_at=NOON) for one in names)
        return await self.actor.act(ActRequest(act=act, jobs=jobs, **more))


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    for name, body in PROGRAMS.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/bash\ncd {tmp_path}\n{body}\n")
        program.chmod(0o755)
    (tmp_path / "ping").write_text("Slurmctld(primary) at alpha is UP\n")
    environment: Mapping[str, str] = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    probe = Probe(
        user="ada", slurm_version="24.11.5", environment=environment, abilities=Abilities()
    )
    target = SshTarget(cluster=ALPHA, host="localhost")
    memory = {JobId(one): tracked(one) for one in ("7", "8", "9+1")}
    async with local_link(target, clock=SystemClock(), environment=environment) as link:
        cut, spent, looks = Cut(link), dict[str, int](), list[str]()
        actor = JobActor(
            ALPHA,
            link=cut,  # type: ignore[arg-type]
            clock=SystemClock(),
            probe=lambda: probe,
            memory=lambda: memory,
            spend=lambda program, count: spent.update({program: spent.get(program, 0) + count}),
            on_acted=lambda: looks.append("look"),
        )
        yield Floor(folder=tmp_path, link=cut, actor=actor, memory=memory, spent=spent, looks=looks)


def tracked(job_id: str) -> Tracked:
    return Tracked(
        job=a_job(job_id, submitted_at=NOON),
        revision=1,
        observed_at=NOON,
        source=Evidence.QUEUE,
        run_submitted_at=NOON,
    )


def words(report: ActReport) -> list[tuple[str, str]]:
    return [(one.job_id, one.word.value) for one in report.outcomes]


async def test_each_job_is_acted_on_once_and_a_look_follows(floor: Floor):
    report = await floor.act(JobAct.CANCEL, "7", "8_2", "9+1")

    assert words(report) == [("7", "done"), ("8_2", "done"), ("9+1", "done")]
    assert report.outcomes[0].state_after == "CANCELLED"
    assert floor.said() == ["scontrol ping", *(f"scancel -v {one}" for one in ("7", "8_2", "9+1"))]
    assert floor.looks == ["look"]
    assert floor.spent == {"scontrol": 1, "scancel": 3, "squeue": 2}


async def test_a_job_that_is_another_one_by_now_is_left_alone(floor: Floor):
    later = NOON + timedelta(days=1)
    floor.memory[JobId("7")] = Tracked(
        job=a_job("7", submitted_at=later),
        revision=1,
        observed_at=later,
        source=Evidence.QUEUE,
        run_submitted_at=later,
    )

    report = await floor.act(JobAct.CANCEL, "7", "8", "4711")

    assert words(report) == [("7", "changed"), ("8", "done"), ("4711", "changed")]
    assert floor.said() == ["scontrol ping", "scancel -v 8"]


async def test_a_controller_that_is_down_is_told_nothing(floor: Floor):
    (floor.folder / "ping").write_text("Slurmctld(primary) at alpha is DOWN\n")

    with pytest.raises(ProblemError) as caught:
        await floor.act(JobAct.HOLD, "7")

    assert caught.value.code is ProblemCode.CLUSTER_UNREACHABLE
    assert floor.said() == ["scontrol ping"]
    assert floor.looks == []


async def test_a_connection_that_is_cut_before_anything_is_a_problem(floor: Floor):
    floor.link.breaks_at = 1

    with pytest.raises(ProblemError):
        await floor.act(JobAct.CANCEL, "7")

    assert floor.said() == []


@pytest.mark.parametrize("runs_first", [True, False])
async def test_a_connection_that_is_cut_on_the_way_leaves_it_unknown(
    floor: Floor, *, runs_first: bool
):
    floor.link.breaks_at, floor.link.runs_first = 2, runs_first

    report = await floor.act(JobAct.CANCEL, "7", "8")

    assert words(report) == [("7", "unknown"), ("8", "unknown")]
    assert ("scancel -v 7" in floor.said()) == runs_first


async def test_a_signal_comes_first_and_the_end_after_its_grace(floor: Floor):
    alone = await floor.act(JobAct.CANCEL, "7", signal=Signal.USR1)
    both = await floor.act(JobAct.CANCEL, "7", signal=Signal.TERM, grace_s=0.1)

    assert (words(alone), words(both)) == ([("7", "signalled")], [("7", "done")])
    assert [one for one in floor.said() if "ping" not in one] == [
        "scancel -v --full --signal=USR1 7",
        "scancel -v --full --signal=TERM 7",
        "scancel -v 7",
    ]


async def test_what_slurm_refuses_is_told_in_its_words(floor: Floor):
    program = floor.folder / "scancel"
    program.write_text(
        "#!/bin/bash\necho 'scancel: error: Kill job error on job id 7: Access/permission denied'"
        " >&2\nexit 210\n"
    )

    (outcome,) = (await floor.act(JobAct.CANCEL, "7")).outcomes

    assert outcome.word is ActWord.DENIED
    assert outcome.detail == "Kill job error on job id 7: Access/permission denied"
