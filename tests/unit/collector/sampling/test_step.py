"""Steps of our own: when one is opened, closed, opened again, or never again."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from services.collector.budget import RpcBudget
from services.collector.sampling.step import OPENED_AT_ONCE, StepSampler
from services.collector.sampling.step_words import Verdict, place_of, verdict
from services.collector.sampling.supervised import READY
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import SamplingConfig
from slurmfleet.slurm.step_commands import StepPlace
from slurmfleet.ssh.errors import SshChannelRefusedError, SshConnectionLostError
from slurmfleet.ssh.target import Endpoint
from slurmfleet.testing.clock import ManualClock
from tests.harness.sampling import a_desk, a_running_job, a_sampled_job

ALPHA = ClusterName("alpha")


@dataclass
class Supervisor:
    """A supervisor of steps whose words a test writes."""

    orders: list[str] = field(default_factory=list[str])
    lines: asyncio.Queue[bytes | Exception | None] = field(default_factory=asyncio.Queue)
    stderr_tail: bytes = b""
    is_closed: bool = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (line := await self.lines.get()) is not None:
            if isinstance(line, Exception):
                raise line
            yield line

    def send(self, data: bytes) -> None:
        self.orders += data.decode().splitlines()

    def says(self, number: int, text: bytes) -> None:
        self.lines.put_nowait(b"%d =%s" % (number, text))

    def ends(self, number: int, words: str) -> None:
        self.lines.put_nowait(f"{number} !{words}".encode())

    def dies(self, end: Exception | None = None) -> None:
        self.lines.put_nowait(end)

    @property
    def opened(self) -> list[str]:
        return [one.split(" ", 2)[2] for one in self.orders if one.startswith("open ")]

    @property
    def closed(self) -> list[int]:
        return [int(one.split(" ")[1]) for one in self.orders if one.startswith("close ")]


@dataclass
class Streams:
    opened: list[Supervisor] = field(default_factory=list[Supervisor])
    begins: bool = True

    @asynccontextmanager
    async def stream(
        self, command: str, *, stdin: bytes = b"", keeps_stdin: bool = False
    ) -> AsyncGenerator[Supervisor]:
        assert command.startswith("exec sh -c 's=$(head -c ")
        assert stdin.startswith(b"# slurmfleet's supervisor")
        assert keeps_stdin
        supervisor = Supervisor()
        self.opened.append(supervisor)
        if self.begins:
            supervisor.lines.put_nowait(READY)
        try:
            yield supervisor
        finally:
            supervisor.is_closed = True


LOST = SshConnectionLostError(Endpoint(cluster=ALPHA, host="h"), "gone")


class Bench:
    """A sampler that runs, over streams and a clock that the test moves."""

    def __init__(self, *, rpcs_per_minute: float = 0, **sampling: object) -> None:
        config = SamplingConfig.model_validate({"steps": 2, "step_interval_s": 10, **sampling})
        self.clock = ManualClock()
        self.streams = Streams()
        self.desk = a_desk(a_running_job(), clock=self.clock)
        self.desk._budget = RpcBudget(per_minute=rpcs_per_minute, burst=12, clock=self.clock)
        self.sampler = StepSampler(config, cluster=ALPHA, clock=self.clock)

    @property
    def supervisor(self) -> Supervisor:
        return self.streams.opened[-1]

    async def want(self, *job_ids: str):
        jobs = [a_sampled_job(job_id) for job_id in job_ids]
        (answer,) = await self.sampler.sample(jobs, self.desk)
        return answer

    async def later(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            for _ in range(12):
                await asyncio.sleep(0)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Bench"]:
        task = asyncio.get_running_loop().create_task(self.sampler.run(self.desk, self.streams))
        await self.later(1)
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def line(job: int = 41) -> bytes:
    gpu = "gpu=0, GPU-a, 81, 100, 200, 58.00, 51, NVIDIA H100"
    return f"sf1\t1767268800\tjob={job}\tnode=hgx01\t{gpu}\tend".encode()


async def test_one_step_is_held_per_job_and_its_lines_are_told_once():
    async with Bench().running() as bench:
        await bench.want("41")
        await bench.later(3)
        bench.supervisor.says(1, line())
        await bench.later(1)
        told, again = await bench.want("41"), await bench.want("41")
        await bench.later(30)

    assert [(one.job_id, one.reading.utilization_pct) for one in told.gpus] == [("41", 81)]
    assert again.gpus == ()
    assert len(bench.streams.opened) == 1
    assert len(bench.supervisor.opened) == 1
    assert "--jobid=41" in bench.supervisor.opened[0]
    assert "-N2 --ntasks-per-node=1" in bench.supervisor.opened[0]
    assert bench.desk.rpcs == {"srun": 3}


async def test_many_steps_share_one_stream_and_few_begin_at_once():
    jobs = [str(number) for number in range(41, 61)]
    async with Bench(steps=32).running() as bench:
        await bench.want(*jobs)
        await bench.later(2)
        first = len(bench.supervisor.opened)
        await bench.later(10)
        for number, job in enumerate(jobs, start=1):
            bench.supervisor.says(number, line(int(job)))
        await bench.later(1)
        told = await bench.want(*jobs)

    assert first == OPENED_AT_ONCE
    assert (len(bench.streams.opened), len(bench.supervisor.opened)) == (1, 20)
    assert {one.job_id for one in told.gpus} == set(jobs)


async def test_no_more_steps_are_open_than_the_registry_allows():
    async with Bench(steps=2).running() as bench:
        await bench.want("41", "42", "43")
        await bench.later(5)
        answer = await bench.want("41", "42", "43")

    assert len(bench.supervisor.opened) == 2
    assert "all 2 steps are taken" in answer.nothing[a_sampled_job("43").job_id]


async def test_steps_are_opened_as_the_budget_allows():
    async with Bench(steps=8, rpcs_per_minute=6).running() as bench:
        await bench.want(*(str(number) for number in range(41, 49)))
        await bench.later(5)
        at_once = len(bench.supervisor.opened)
        await bench.later(65)
        after_a_minute = len(bench.supervisor.opened)

    assert at_once == 4, "twelve requests in the bucket, three each"
    assert after_a_minute == 6, "six more a minute"


async def test_a_step_is_closed_when_its_job_needs_it_no_more_and_the_others_live_on():
    async with Bench().running() as bench:
        await bench.want("41", "42")
        await bench.later(3)
        await bench.want("42")
        await bench.later(2)
        closed, is_closed = bench.supervisor.closed, bench.supervisor.is_closed
        await bench.want()
        await bench.later(2)

        assert (closed, is_closed) == ([1], False)
        assert bench.supervisor.is_closed, "the last one leaves the stream"
        assert bench.sampler.open_count == 0


async def test_a_step_that_breaks_is_opened_again_later_and_later_and_not_for_ever():
    async with Bench().running() as bench:
        await bench.want("41")
        counts: list[int] = []
        for _ in range(4):
            await bench.later(60)
            bench.supervisor.ends(sum(counts) + 99, "a number that was never given")
            for number in range(1, 30):
                bench.supervisor.ends(number, "srun: error: Task launch failed")
            await bench.later(2)
            counts.append(sum(len(one.opened) for one in bench.streams.opened))

    assert counts[0] >= 1
    assert counts[-1] < 6


async def test_one_step_that_breaks_leaves_the_others_alone():
    async with Bench().running() as bench:
        await bench.want("41", "42")
        await bench.later(3)
        bench.supervisor.ends(1, "srun: error: Task launch failed")
        bench.supervisor.says(2, line(42))
        await bench.later(1)
        answer = await bench.want("41", "42")

    assert [one.job_id for one in answer.gpus] == ["42"]
    assert "Task launch failed" in answer.nothing[a_sampled_job("41").job_id]
    assert len(bench.streams.opened) == 1


async def test_a_lost_stream_breaks_all_its_steps_which_are_opened_again():
    async with Bench().running() as bench:
        await bench.want("41", "42")
        await bench.later(3)
        bench.supervisor.dies(LOST)
        await bench.later(2)
        answer, open_count = await bench.want("41", "42"), bench.sampler.open_count
        await bench.later(20)

        assert open_count == 0
        assert all("gone" in answer.nothing[a_sampled_job(one).job_id] for one in ("41", "42"))
        assert [len(one.opened) for one in bench.streams.opened] == [2, 2]


async def test_a_supervisor_that_cannot_start_costs_no_opening_and_is_tried_more_and_more_rarely():
    bench = Bench()
    bench.streams.begins = False
    async with bench.running():
        await bench.want("41")
        for _ in range(300):
            await bench.later(1)
            if bench.streams.opened:
                bench.supervisor.stderr_tail = b"sh: setsid: not found"
                bench.supervisor.dies()
        answer = await bench.want("41")

    assert len(bench.streams.opened) == 5
    assert bench.desk.rpcs == {}
    assert answer.nothing[a_sampled_job().job_id].endswith("ended: sh: setsid: not found")


async def test_a_supervisor_that_never_begins_is_let_go():
    bench = Bench()
    bench.streams.begins = False
    async with bench.running():
        await bench.want("41")
        await bench.later(95)

        assert bench.streams.opened[0].is_closed
        answer = await bench.want("41")

    assert "does not begin" in answer.nothing[a_sampled_job().job_id]


@pytest.mark.parametrize(
    "words",
    [
        "srun: Check SLURM_JOB_ID environment variable. Expired or invalid job 41",
        "srun: error: Unable to confirm allocation for job 41: Invalid job id specified",
        "srun: Force Terminated StepId=41.0",
        "slurmstepd: error: *** STEP 41.0 ON hgx01 CANCELLED AT 2026-11-25T23:00:00 ***",
        "srun: error: Unable to create step for job 41: Job/step already completing or completed",
        "srun: error: Unable to confirm allocation for job 41: Access/permission denied",
    ],
)
async def test_a_step_of_a_job_that_is_over_or_anothers_is_not_opened_again(words: str):
    async with Bench().running() as bench:
        await bench.want("41")
        await bench.later(2)
        bench.supervisor.ends(1, words)
        await bench.later(120)
        answer = await bench.want("41")

    assert sum(len(one.opened) for one in bench.streams.opened) == 1
    assert words[-60:] in answer.nothing[a_sampled_job().job_id]


async def test_a_step_that_says_nothing_is_closed():
    async with Bench().running() as bench:
        await bench.want("41", "42")
        for _ in range(10):
            await bench.later(10)
            bench.supervisor.says(2, line(42))

        assert bench.supervisor.closed[:1] == [1]
        assert 2 not in bench.supervisor.closed


async def test_jobs_of_other_users_get_no_step():
    async with Bench().running() as bench:
        (answer,) = await bench.sampler.sample([a_sampled_job(user="bob")], bench.desk)
        await bench.later(3)

    assert bench.streams.opened == []
    assert "another user's job" in answer.nothing[a_sampled_job().job_id]


async def test_without_steps_nothing_runs():
    bench = Bench(steps=0)

    await bench.sampler.run(bench.desk, bench.streams)

    answer = await bench.want("41")
    assert "sampling.steps is 0" in answer.nothing[a_sampled_job().job_id]


def test_a_component_is_named_by_its_leader_and_a_task_by_its_raw_number():
    het = a_sampled_job("47+1", raw_id=48, het_job_id=47, het_offset=1, nodes=("a",))
    task = a_sampled_job("15_3", raw_id=19)

    assert place_of(het) == StepPlace(raw_id=47, node_count=1, het_offset=1)
    assert place_of(task) == StepPlace(raw_id=19, node_count=2)


def test_what_is_not_known_is_a_break():
    assert verdict("srun: error: Task launch failed: Communication connection failure") == (
        Verdict.BROKEN
    )
    assert verdict("") == Verdict.BROKEN


class NoSession(Streams):
    """A server that has no session left."""

    @asynccontextmanager
    async def stream(
        self, command: str, *, stdin: bytes = b"", keeps_stdin: bool = False
    ) -> AsyncGenerator[Supervisor]:
        del command, stdin, keeps_stdin
        self.opened.append(Supervisor())
        raise SshChannelRefusedError(Endpoint(cluster=ALPHA, host="h"), "no session")
        yield


async def test_a_server_without_a_session_left_costs_no_opening():
    bench = Bench()
    bench.streams = NoSession()

    async with bench.running():
        await bench.want("41")
        await bench.later(40)

    assert len(bench.streams.opened) == 3
    assert bench.desk.rpcs == {}
