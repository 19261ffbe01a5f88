"""Steps of our own inside jobs of which nothing else tells the GPU use: one per job, for its life.

Each srun call is a step in accounting for ever and counts against the job's MaxStepCount, so a step
is long: the sampler writes a line per node and interval until the job ends. When its stream breaks
it is opened again, later and later, and not for ever. Off unless the registry allows some.

Source: srun(1), "--overlap", "--jobid", "--het-group"; tried on Slurm 22.05.8, 24.11.5 and 26.05.5:
a het job is named by its leader's number and the offset of the component, an array task by its raw
number; a step in a suspended job hangs; one in somebody else's is denied.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.collector.desk import Desk
from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.lines import Heard, Lines, read_samples
from services.collector.sampling.providers import Need, ProviderAnswer
from services.collector.sampling.sidecar import script
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.registry import SampleProvider, SamplingConfig
from slurmfleet.slurm.step_commands import StepPlace, sampler_command
from slurmfleet.ssh.errors import SshChannelRefusedError, SshError
from slurmfleet.ssh.lanes import WATCH_LIMITS
from slurmfleet.telemetry import metrics
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

SOURCE = "step"
LOOK_EVERY_S = 1.0
FIRST_PAUSE_S = 15.0
LONGEST_PAUSE_S = 900.0

REQUESTS_PER_STEP = 3
"""Looking the allocation up, making the step and ending it."""

MOST_STEPS = WATCH_LIMITS.streams
"""Each takes a stream of the watch."""

MOST_OPENINGS = 24
"""Steps per job and run at most: MaxStepCount is 40,000 by default, and the job's, not ours."""

SILENT_INTERVALS = 6
LEAST_SILENCE_S = 90.0
"""A step that says nothing for so long hangs: the job was suspended, or a node is not well."""

LINES_KEPT = 20_000


class LineStream(Protocol):
    """What a long command writes, line by line."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Give lines until it ends."""
        ...

    @property
    def stderr_tail(self) -> bytes:
        """The newest of what it wrote to standard error."""
        ...


class Streams(Protocol):
    """A way to a login node that can keep a command running; as `slurmfleet.ssh` offers it."""

    def stream(
        self, command: str, *, stdin: bytes = b""
    ) -> AbstractAsyncContextManager[LineStream]:
        """Run a command; it is stopped when the body is left."""
        ...


class Verdict(StrEnum):
    """What the end of a step means."""

    OVER = "over"
    """The job has ended."""
    DENIED = "denied"
    """It is not ours to step into."""
    BROKEN = "broken"


_OVER = re.compile(
    r"(?i)has expired|expired or invalid job|invalid job id|already completing|job.{0,20}ended"
    r"|job/step already completed|force terminated|cancelled at"
)
_DENIED = re.compile(r"(?i)access/permission denied|user id is missing|invalid user id|not owner")


def verdict(said: str) -> Verdict:
    """Judge a step's end by srun's words; pure."""
    if _DENIED.search(said):
        return Verdict.DENIED
    return Verdict.OVER if _OVER.search(said) else Verdict.BROKEN


def place_of(job: SampledJob) -> StepPlace:
    """Give where a job's step runs: on all its nodes."""
    leader = job.het_job_id if job.het_job_id is not None else job.raw_id
    return StepPlace(raw_id=leader, node_count=len(job.nodes), het_offset=job.het_offset)


_Run = tuple[JobId, datetime]


@dataclass(slots=True, kw_only=True)
class _Step:
    """What is known of a job's step."""

    job: SampledJob
    openings: int = 0
    paused_until_s: float = 0.0
    is_denied: bool = False
    is_over: bool = False
    task: asyncio.Task[None] | None = None
    heard_s: float = 0.0
    said: str = ""

    @property
    def is_open(self) -> bool:
        return self.task is not None and not self.task.done()


class StepSampler:
    """The last rung: holds steps open for the jobs that it is asked about."""

    name = SampleProvider.STEP
    sees = frozenset({Need.GPU})

    def __init__(self, config: SamplingConfig, *, cluster: ClusterName, clock: Clock) -> None:
        """Hold at most as many steps as the registry allows and the link has streams for."""
        self.interval_s = float(config.step_interval_s)
        self._every_s = config.step_interval_s
        self._most = min(config.steps, MOST_STEPS)
        self._cluster = cluster
        self._clock = clock
        self._wanted: tuple[SampledJob, ...] = ()
        self._steps: dict[_Run, _Step] = {}
        self._heard = Lines()

    @property
    def open_count(self) -> int:
        """How many steps are open."""
        return sum(step.is_open for step in self._steps.values())

    async def sample(self, jobs: Sequence[SampledJob], desk: Desk) -> Sequence[ProviderAnswer]:
        """Give what the steps have said since last time; from now on hold steps for these jobs."""
        self._wanted = tuple(
            sorted(
                (job for job in jobs if job.user == desk.probe.user and job.nodes),
                key=lambda job: (-job.gpu_count, job.started_at),
            )
            if jobs
            else ()
        )
        heard, self._heard = self._heard, Lines()
        answer = read_samples(
            heard.heard,
            {job.raw_id: (job,) for job in jobs},
            source=SOURCE,
            nothing={job.job_id: self._why_not(job, desk) for job in jobs},
            bad=heard.bad,
        )
        return (answer,)

    def _why_not(self, job: SampledJob, desk: Desk) -> str:
        if job.user != desk.probe.user:
            return "step: another user's job"
        if not self._most:
            return "step: steps of our own are off (sampling.steps is 0)"
        step = self._steps.get((job.job_id, job.started_at))
        if step is None:
            return f"step: all {self._most} steps are taken"
        return f"step: {step.said or 'it has said nothing yet'}"

    async def run(self, desk: Desk, streams: Streams) -> None:
        """Hold steps open for the jobs that were last asked about; ends when it is cancelled."""
        if not self._most:
            return
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._tend(group, desk, streams)
                    metrics.SAMPLING_STEPS.labels(cluster=self._cluster).set(self.open_count)
                    await self._clock.sleep(LOOK_EVERY_S)
        finally:
            metrics.SAMPLING_STEPS.labels(cluster=self._cluster).set(0)

    def _tend(self, group: asyncio.TaskGroup, desk: Desk, streams: Streams) -> None:
        """Close what is not needed any more or hangs, and open what is."""
        wanted = {(job.job_id, job.started_at): job for job in self._wanted}
        now_s = self._clock.monotonic_s()
        silence_s = max(SILENT_INTERVALS * self.interval_s, LEAST_SILENCE_S)
        for run, step in tuple(self._steps.items()):
            if step.is_open and step.task is not None:
                if run not in wanted:
                    step.task.cancel()
                elif now_s - step.heard_s > silence_s:
                    step.said = "the step says nothing any more"
                    step.task.cancel()
            elif run not in wanted:
                del self._steps[run]
        for run, job in wanted.items():
            if self.open_count >= self._most:
                return
            step = self._steps.setdefault(run, _Step(job=job))
            gone = step.is_denied or step.is_over or step.openings >= MOST_OPENINGS
            if not (step.is_open or gone or now_s < step.paused_until_s):
                self._open(step, now_s)
                step.task = group.create_task(
                    self._hold(step, desk, streams), name=f"step in {self._cluster} {job.job_id}"
                )

    def _open(self, step: _Step, now_s: float) -> None:
        pause_s = min(FIRST_PAUSE_S * 2.0**step.openings, LONGEST_PAUSE_S)
        step.openings += 1
        step.paused_until_s = now_s + pause_s
        step.heard_s = now_s

    async def _hold(self, step: _Step, desk: Desk, streams: Streams) -> None:
        """Read one step to its end."""
        command = sampler_command(
            place_of(step.job), every_s=self._every_s, environment=desk.probe.environment
        )
        try:
            async with streams.stream(command, stdin=script()) as lines:
                desk.spend("srun", REQUESTS_PER_STEP)
                metrics.SAMPLING_STEPS_OPENED.labels(cluster=self._cluster).inc()
                async for line in lines:
                    step.heard_s = self._clock.monotonic_s()
                    self._hear(step, line)
                said = lines.stderr_tail.decode("utf-8", "replace").strip()
            end = verdict(said)
            step.said = said[-200:] or "its step ended"
        except SshChannelRefusedError as exc:
            step.said = str(exc)
            step.openings -= 1  # the server has no session left: no step was begun
            return
        except SshError as exc:
            end, step.said = Verdict.BROKEN, str(exc)
        step.is_denied = end is Verdict.DENIED
        step.is_over = end is Verdict.OVER
        logger().info(
            "step ended", cluster=self._cluster, verdict=end, openings=step.openings, said=step.said
        )

    def _hear(self, step: _Step, line: bytes) -> None:
        if len(self._heard.heard) + len(self._heard.bad) >= LINES_KEPT:
            return  # nobody takes them: what comes later is not worth the memory
        known = len(self._heard.heard)
        self._heard.add(line.decode("utf-8", "replace"), seen_at=self._clock.now())
        for place, one in enumerate(self._heard.heard[known:], start=known):
            # Inside a het job the number in the sample is the leader's.
            sample = replace(one.sample, raw_job_id=step.job.raw_id)
            self._heard.heard[place] = Heard(sample, one.seen_at)
            step.said = ""
