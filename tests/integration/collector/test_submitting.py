"""A job is submitted once, wherever the connection, the login node or sbatch dies on the way.

A real shell runs the script; Slurm's programs are played by scripts that write down what they took.
The real ones are asked in tests/slurm/test_submit.py.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.collector.submitting import Submitter
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.submission import MOST_SCRIPT_BYTES, SubmitReport, SubmitRequest
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.errors import SshConnectionLostError
from slurmfleet.ssh.local import local_link
from slurmfleet.ssh.port import Link
from slurmfleet.ssh.target import Endpoint, SshTarget
from slurmfleet.timing.clock import SystemClock

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

ALPHA = ClusterName("alpha")
TOKEN = "a-token-of-mine"  # noqa: S105 it names a submission
SBATCH = r"""
mode=$(cat mode 2>/dev/null)
end() { kill -9 -- -$(ps -o pgid= $$ | tr -d ' '); }
[ "$mode" = "dies before" ] && end
if [ "$mode" = "refuses" ]; then
  echo "sbatch: error: invalid partition specified: $1" >&2; exit 1
fi
if [ "$mode" = "times out before" ]; then
  echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv" >&2; exit 1
fi
for one in "$@"; do case $one in --comment=*) comment=${one#--comment=} ;; esac; done
number=$(( $(cat taken 2>/dev/null | wc -l) + 100 ))
cat > "script-$number"
printf '%s\n' "$@" > "options-$number"
printf '%s|%s\n' "$number" "$comment" >> taken
[ "$mode" = "dies after" ] && end
if [ "$mode" = "times out after" ]; then
  echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv" >&2; exit 1
fi
[ "$mode" = "slow" ] && sleep 1
[ "$mode" = "warns" ] && echo "sbatch: Job will wait for ever" >&2
echo "$number;alpha"
"""
PROGRAMS = {"sbatch": SBATCH, "squeue": "cat taken 2>/dev/null; exit 0"}


@dataclass
class Cut:
    """A link that breaks, before or after the script has run."""

    link: Link
    breaks: str = ""

    async def run_script(self, script: str, **how: Any) -> Any:  # noqa: ANN401 passed on
        if self.breaks == "after":
            await self.link.run_script(script, **how)
        if self.breaks:
            raise SshConnectionLostError(Endpoint(cluster=ALPHA, host="a"), "it was cut")
        return await self.link.run_script(script, **how)


@dataclass
class Floor:
    """A login node and who submits there."""

    folder: Path
    link: Cut
    submitter: Submitter

    def mode(self, word: str) -> None:
        (self.folder / "mode").write_text(word)

    @property
    def taken(self) -> list[str]:
        file = self.folder / "taken"
        return file.read_text().splitlines() if file.exists() else []

    def age(self) -> None:
        """Let the last attempt be older than what may still be on its way."""
        begun = self.folder / ".slurmfleet/submissions" / f"{TOKEN}.begun"
        os.utime(begun, (begun.stat().st_atime, begun.stat().st_mtime - 120))

    async def submit(self, **changes: Any) -> SubmitReport:  # noqa: ANN401 passed on
        told = {"token": TOKEN, "script": "#!/bin/sh\ntrue\n", **changes}
        return await self.submitter.submit(SubmitRequest(**told))

    async def refused(self, **changes: Any) -> ProblemError:  # noqa: ANN401 passed on
        with pytest.raises(ProblemError) as caught:
            await self.submit(**changes)
        return caught.value


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/bash\ncd {tmp_path}\n{body}\n")
        (programs / name).chmod(0o755)
    environment: Mapping[str, str] = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }
    probe = Probe(
        user="ada", slurm_version="24.11.5", environment=environment, abilities=Abilities()
    )
    target = SshTarget(cluster=ALPHA, host="localhost")
    async with local_link(target, clock=SystemClock(), environment=environment) as link:
        cut = Cut(link)
        submitter = Submitter(
            link=cut,  # type: ignore[arg-type]
            probe=lambda: probe,
            spend=lambda _program, _count: None,
            on_acted=lambda: None,
        )
        yield Floor(folder=tmp_path, link=cut, submitter=submitter)


async def test_script_and_options_arrive_as_they_were_given(floor: Floor):
    script = "#!/bin/sh\n# é 漢 'quoted' \"$(id)\" `id` \\\nprintf 'no newline at the end'"
    options: dict[str, str | bool] = {
        "job-name": "a 'b' \"c\" $(id) ; rm -rf ~ é",
        "comment": "mine | yours",
        "hold": True,
    }

    report = await floor.submit(script=script, options=options)

    assert (report.job_id, report.was_known) == ("100", False)
    assert (floor.folder / "script-100").read_text() == script
    assert (floor.folder / "options-100").read_text().splitlines() == [
        "--parsable",
        "--job-name=a 'b' \"c\" $(id) ; rm -rf ~ é",
        f"--comment=mine | yours sf:{TOKEN}",
        "--hold",
    ]


async def test_the_largest_script_arrives(floor: Floor):
    head = "#!/bin/sh\n"
    script = head + "x" * (MOST_SCRIPT_BYTES - len(head))

    await floor.submit(script=script)

    assert (floor.folder / "script-100").read_text() == script


@pytest.mark.parametrize("breaks", ["before", "after"])
async def test_a_connection_that_is_cut_costs_no_second_job(floor: Floor, breaks: str):
    floor.link.breaks = breaks
    problem = await floor.refused()
    floor.link.breaks = ""

    report = await floor.submit()

    assert problem.code is ProblemCode.CLUSTER_UNREACHABLE
    assert "same token" in problem.remedy
    assert report.was_known == (breaks == "after")
    assert len(floor.taken) == 1


@pytest.mark.parametrize("dies", ["dies after", "times out after"])
async def test_a_job_that_was_taken_without_an_answer_is_found(floor: Floor, dies: str):
    floor.mode(dies)
    problem = await floor.refused()
    floor.mode("")

    report = await floor.submit()

    assert problem.code is ProblemCode.CLUSTER_UNREACHABLE
    assert (report.job_id, report.was_known) == ("100", True)
    assert len(floor.taken) == 1


@pytest.mark.parametrize("dies", ["dies before", "times out before"])
async def test_an_attempt_that_took_nothing_is_made_again_once_it_is_settled(
    floor: Floor, dies: str
):
    floor.mode(dies)
    await floor.refused()
    floor.mode("")
    early = await floor.refused()
    floor.age()

    report = await floor.submit()

    assert early.code is ProblemCode.CLUSTER_BUSY
    assert (report.job_id, report.was_known) == ("100", False)
    assert len(floor.taken) == 1


async def test_many_at_once_make_one_job(floor: Floor):
    floor.mode("slow")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(floor.submit()) for _ in range(3)]
    numbers = {task.result().job_id for task in tasks}

    assert numbers == {"100"}
    assert len(floor.taken) == 1


async def test_the_mark_of_a_longer_token_is_not_ours(floor: Floor):
    await floor.submit(token=f"x{TOKEN}")
    await floor.submit(token=f"{TOKEN}x")
    floor.mode("dies before")
    await floor.refused()
    floor.mode("")
    floor.age()

    report = await floor.submit()

    assert (report.job_id, report.was_known) == ("102", False)


async def test_another_submission_under_the_token_is_refused(floor: Floor):
    await floor.submit()

    problem = await floor.refused(script="#!/bin/sh\nfalse\n")

    assert problem.code is ProblemCode.INVALID_PARAMETER
    assert len(floor.taken) == 1


async def test_what_sbatch_refuses_is_told_and_forgotten(floor: Floor):
    floor.mode("refuses")
    problem = await floor.refused()
    floor.mode("warns")

    report = await floor.submit(script="#!/bin/sh\nmended\n")

    assert (problem.code, "invalid partition" in problem.detail) == (
        *(ProblemCode.NOT_POSSIBLE, True),
    )
    assert report.warnings == "sbatch: Job will wait for ever"


async def test_a_token_for_other_users_jobs_submits_nothing(floor: Floor):
    problem = await floor.refused(only_as=("bob",))
    report = await floor.submit(only_as=("ada", "bob"))

    assert problem.code is ProblemCode.FORBIDDEN
    assert (report.was_known, len(floor.taken)) == (False, 1)


async def test_a_home_that_takes_no_file_submits_nothing(floor: Floor):
    (floor.folder / ".slurmfleet").write_text("no folder")

    problem = await floor.refused()

    assert (problem.code, floor.taken) == (ProblemCode.NOT_POSSIBLE, [])


async def test_notes_of_long_ago_are_removed(floor: Floor):
    await floor.submit(token="an-old-token")  # noqa: S106 it names a submission
    place = floor.folder / ".slurmfleet/submissions"
    for one in place.iterdir():
        os.utime(one, (0, 0))

    await floor.submit()

    assert {one.name.partition(".")[0] for one in place.iterdir()} == {TOKEN}
    assert place.stat().st_mode & 0o077 == 0
