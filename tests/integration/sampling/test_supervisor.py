"""Many steps on one stream, with a made-up srun, real shells and a real SSH server."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from services.collector.sampling.step import StepSampler
from services.collector.sampling.supervised import READY, Line, Sorter, closing, launch, opening
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import SamplingConfig
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.lanes import Lane
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.local import local_link
from slurmfleet.ssh.port import LineStream, Link
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock
from slurmfleet.timing.clock import SystemClock
from tests.harness.openssh import Sshd
from tests.harness.sampling import a_desk, a_sampled_job
from tests.integration.ssh.conftest import folder, ssh_keys, sshd, sshd_program

__all__ = ["folder", "ssh_keys", "sshd", "sshd_program"]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh"], ["mksh"]]
MARK = "slurmfleet-fake-srun"
SRUN = """#!/bin/bash
# Jobs: 1xx sample for ever, 2xx die soon, 3xx are not ours, 4xx say nothing and hear no SIGTERM.
for word; do case $word in --jobid=*) job=${word#*=} ;; esac; done
exec -a MARK-$job bash BODY "$job"
"""
BODY = """\
job=$1
script=$(cat)                      # srun gives its standard input to every task
[ ${#script} -gt 1000 ] || { echo "srun: error: no script" >&2; exit 1; }
line() {
    printf 'sf1\\t%s\\tjob=%s\\tnode=hgx01\\tgpu=0, GPU-%s, 81, 100, 200, 58.00, 51, NVIDIA H100' \\
        "$(date +%s)" "$job" "$job"
    # Lines far longer than what a pipe takes at once, each of one letter.
    head -c "${WIDE:-40}" /dev/zero | tr '\\0' "${job: -1}"
    printf '\\tend\\n'
}
case $job in
2*) line; echo "srun: error: Node failure on hgx01" >&2; exit 1 ;;
3*) echo "srun: error: Unable to create step for job $job: Access/permission denied" >&2; exit 1 ;;
4*) trap '' TERM; while :; do sleep 1; done ;;
esac
trap 'kill $!; echo "srun: Force Terminated StepId=$job.0" >&2; exit 143' TERM
while :; do line; sleep 0.1 & wait; done
"""


def left(token: str = MARK) -> list[str]:
    """List what of the steps and their supervisor runs."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit():
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
                if token in words or MARK in words:
                    found.append(words.replace("\0", " ")[:80])
    return found


@pytest.fixture
def cluster(folder: Path) -> Path:
    """Give a folder with an srun."""
    body, srun = folder / "body", folder / "srun"
    body.write_text(BODY)
    srun.write_text(SRUN.replace("MARK", MARK).replace("BODY", str(body)))
    for path in (body, srun):
        path.chmod(0o755)
    return folder


def srun(cluster: Path, job: int, **variables: str) -> str:
    words = " ".join(f"{name}={value}" for name, value in variables.items())
    path = f"{cluster}:/usr/local/bin:/usr/bin:/bin"
    return f"env PATH={path} {words} srun --jobid={job} --overlap sh -s -- stdout 1"


class Steps:
    """What a supervisor tells, step by step."""

    def __init__(self) -> None:
        self.lines: dict[int, list[str]] = {}
        self.ends: dict[int, str] = {}
        self.is_ready = False
        self._sorter = Sorter()

    def hear(self, line: bytes) -> None:
        self.is_ready |= line == READY
        told = self._sorter.take(line)
        if isinstance(told, Line):
            self.lines.setdefault(told.number, []).append(told.text)
        elif told is not None:
            self.ends[told.number] = told.said

    def count(self, number: int) -> int:
        return len(self.lines.get(number, ()))

    async def listen(self, lines: LineStream) -> None:
        async for line in lines:
            self.hear(line)


def mixed(steps: Steps) -> list[str]:
    """Give lines that hold anything of another step's."""
    return [
        line[:200]
        for number, lines in steps.lines.items()
        if number
        for line in lines
        if not line.startswith("sf1\t")
        or not line.endswith("\tend")
        or f"job=10{number}\t" not in line
        or set(line.partition("H100")[2].removesuffix("\tend")) != {str(number)}
    ]


def shells() -> Sequence[object]:
    return [
        pytest.param(
            shell,
            id=shell[0],
            marks=pytest.mark.skipif(
                shutil.which(shell[0]) is None,
                reason=f"by design: {shell[0]} is one of several shells, and not here",
            ),
        )
        for shell in SHELLS
    ]


@pytest.mark.parametrize("shell", shells())
async def test_every_shell_keeps_lines_apart_and_leaves_nothing_behind(
    shell: list[str], cluster: Path
) -> None:
    programs = cluster / "shell"
    programs.mkdir()
    words = " ".join([str(shutil.which(shell[0])), *shell[1:]])
    (programs / "sh").write_text(f'#!/bin/bash\nexec {words} "$@"\n')
    (programs / "sh").chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    target = SshTarget(cluster=ClusterName("alpha"), host="login")
    token = f"slurmfleet-in-{shell[0]}"
    async with local_link(target, clock=ManualClock(), environment=environment) as link:
        async with supervising(link, token) as (lines, steps):
            for number in range(1, 7):
                lines.send(opening(number, srun(cluster, 100 + number, WIDE="20000")))
            lines.send(opening(7, srun(cluster, 401)) + opening(8, srun(cluster, 301)))
            await settled(lambda: min(steps.count(one) for one in range(1, 7)) > 5)
            apart = mixed(steps)
            del steps.lines[1]  # a SIGTERM may cut its last line short
            lines.send(closing(1) + closing(7))
            await settled(lambda: {1, 8} <= steps.ends.keys())
            await settled(lambda: not any("401" in one for one in left()))
            before = steps.count(2)
            await settled(lambda: steps.count(2) > before + 2)
            steps.lines.pop(1, None)
        await settled(lambda: left(token) == [])

    assert steps.is_ready
    assert (apart, mixed(steps)) == ([], [])
    assert "Access/permission denied" in steps.ends[8]
    assert "Force Terminated StepId=101.0" in steps.ends[1]


@pytest.fixture(params=["asyncssh", "local"])
async def link(request: pytest.FixtureRequest, sshd: Sshd) -> AsyncIterator[Link]:
    async with AsyncExitStack() as stack:
        if request.param == "asyncssh":
            way = SshLink(sshd.target(), clock=ManualClock())
        else:
            target = SshTarget(cluster=ClusterName("alpha"), host="login")
            way = local_link(target, clock=ManualClock())
        yield await stack.enter_async_context(way)


@asynccontextmanager
async def supervising(link: Link, token: str) -> AsyncGenerator[tuple[LineStream, Steps]]:
    start, steps = launch(token), Steps()
    async with (
        link.stream(start.command, stdin=start.stdin, keeps_stdin=True) as lines,
        asyncio.TaskGroup() as group,
    ):
        listening = group.create_task(steps.listen(lines))
        yield lines, steps
        listening.cancel()


async def settled(condition: Callable[[], bool], within_s: float = 30) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await SystemClock().sleep(0.1)


async def test_leaving_the_stream_ends_all_steps_also_one_that_hears_nothing(
    link: Link, cluster: Path
) -> None:
    token = "slurmfleet-left"  # noqa: S105 no secret
    async with supervising(link, token) as (lines, steps):
        for number, job in enumerate((101, 102, 103, 401), start=1):
            lines.send(opening(number, srun(cluster, job)))
        await settled(lambda: min(map(steps.count, (1, 2, 3))) > 2)
        running = len(left(token))
    await settled(lambda: left(token) == [])

    assert running > 8


def cut(sshd: Sshd) -> None:
    """Kill what serves connections, and nothing that it has started."""
    for pid in sshd.connections():
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"):
                os.kill(pid, signal.SIGKILL)


async def test_eight_jobs_share_a_stream_and_a_cut_leaves_nothing_behind(
    sshd: Sshd, cluster: Path
) -> None:
    """One dies, one is denied, one is silent; then the connection is cut."""
    jobs = (101, 102, 103, 104, 105, 201, 301, 401)
    desk = a_desk(clock=SystemClock())
    desk.known.probe = Probe(
        user="alice",
        slurm_version="24.11.5",
        environment={"PATH": f"{cluster}:/usr/local/bin:/usr/bin:/bin"},
    )
    config = SamplingConfig.model_validate({"steps": 8, "step_interval_s": 1})
    sampler = StepSampler(config, cluster=ClusterName("alpha"), clock=SystemClock())
    sampled = [a_sampled_job(str(job), nodes=("hgx01",), gpu_count=1) for job in jobs]
    heard: set[str] = set()
    async with (
        SshLink(sshd.target(), clock=SystemClock()) as link,
        asyncio.TaskGroup() as group,
    ):
        holding = group.create_task(sampler.run(desk, link))
        async with asyncio.timeout(40):
            while len(heard) < 6 or sampler.open_count != 6:
                (answer,) = await sampler.sample(sampled, desk)
                heard |= {str(one.job_id) for one in answer.gpus}
                await SystemClock().sleep(0.3)
        (answer,) = await sampler.sample(sampled, desk)
        streams, running = link.load(Lane.WATCH).streams, len(left("slurmfleet-steps"))
        cut(sshd)
        await settled(lambda: sampler.open_count == 0)
        await settled(lambda: left("slurmfleet-steps") == [])
        (lost,) = await sampler.sample(sampled, desk)
        holding.cancel()

    assert heard == {"101", "102", "103", "104", "105", "201"}
    assert (streams, running > 8) == (1, True)
    assert answer.bad_rows == ()
    assert "Node failure" in answer.nothing[sampled[5].job_id]
    assert "denied" in answer.nothing[sampled[6].job_id]
    assert "said nothing yet" in answer.nothing[sampled[7].job_id]
    assert "connection was lost" in lost.nothing[sampled[7].job_id]
