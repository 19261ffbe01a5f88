"""Steps of our own inside jobs of which nothing else tells the GPU use: one per job, for its life.

All of them are held by a supervisor on the login node, over one stream (`supervised.py`).

Each srun call is a step in accounting for ever and counts against the job's MaxStepCount, so a step
is long: the sampler writes a line per node and interval until the job ends. When its stream breaks
it is opened again, later and later, and not for ever. Off unless the registry allows some.

Source: srun(1), "--overlap", "--jobid", "--het-group"; `step_words.py`.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from services.collector.desk import Desk
from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.lines import Heard, Lines, read_samples
from services.collector.sampling.providers import Need, ProviderAnswer
from services.collector.sampling.step_words import Verdict, place_of, verdict
from services.collector.sampling.supervised import (
    READY,
    End,
    Line,
    Sorter,
    closing,
    launch,
    opening,
)
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.registry import SampleProvider, SamplingConfig
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.step_commands import sampler_command
from slurmfleet.ssh.errors import SshChannelRefusedError, SshError
from slurmfleet.telemetry import metrics
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

SOURCE = "step"
LOOK_EVERY_S = 1.0
FIRST_PAUSE_S = 15.0
LONGEST_PAUSE_S = 900.0

REQUESTS_PER_STEP = 3
"""Looking the allocation up, making the step and ending it."""

OPENED_AT_ONCE = 4
"""Steps opened in one second at most, however many jobs begin to be sampled."""

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

    def send(self, data: bytes) -> None:
        """Write to its standard input."""
        ...

    @property
    def stderr_tail(self) -> bytes:
        """The newest of what it wrote to standard error."""
        ...


class Streams(Protocol):
    """A way to a login node that can keep a command running; as `slurmfleet.ssh` offers it."""

    def stream(
        self, command: str, *, stdin: bytes = b"", keeps_stdin: bool = False
    ) -> AbstractAsyncContextManager[LineStream]:
        """Run a command; it is stopped when the body is left."""
        ...


_Run = tuple[JobId, datetime]


@dataclass(slots=True, kw_only=True)
class _Step:
    """What is known of a job's step."""

    job: SampledJob
    number: int = 0
    """By which the supervisor knows it; 0: it is not open."""

    openings: int = 0
    paused_until_s: float = 0.0
    is_denied: bool = False
    is_over: bool = False
    heard_s: float = 0.0
    said: str = ""

    def is_due(self, now_s: float) -> bool:
        """Whether it may be opened."""
        gone = self.is_denied or self.is_over or self.openings >= MOST_OPENINGS
        return not (self.number or gone or now_s < self.paused_until_s)


class StepSampler:
    """The last rung: holds steps open for the jobs that it is asked about."""

    name = SampleProvider.STEP
    sees = frozenset({Need.GPU})

    def __init__(self, config: SamplingConfig, *, cluster: ClusterName, clock: Clock) -> None:
        """Hold at most as many steps as the registry allows."""
        self.interval_s = float(config.step_interval_s)
        self._every_s = config.step_interval_s
        self._most = config.steps
        self._cluster = cluster
        self._clock = clock
        self._wanted: tuple[SampledJob, ...] = ()
        self._steps: dict[_Run, _Step] = {}
        self._heard = Lines()
        self._numbers = 0
        self._task: asyncio.Task[None] | None = None
        self._stream: LineStream | None = None
        """Of a supervisor that takes orders."""

        self._begun_s = 0.0
        self._failures = 0
        self._paused_until_s = 0.0
        self._said = ""
        """Why there is no supervisor."""

    @property
    def open_count(self) -> int:
        """How many steps are open."""
        return sum(step.number > 0 for step in self._steps.values())

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
        if step is None and self.open_count >= self._most:
            return f"step: all {self._most} steps are taken"
        said = step.said if step is not None else ""
        return f"step: {said or self._said or 'it has said nothing yet'}"

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
        now_s = self._clock.monotonic_s()
        wanted = {(job.job_id, job.started_at): job for job in self._wanted}
        self._close_steps(frozenset(wanted), now_s)
        due: list[_Step] = []
        for run, job in wanted.items():
            if self.open_count + len(due) >= self._most:
                break
            step = self._steps.setdefault(run, _Step(job=job))
            if step.is_due(now_s):
                due.append(step)
        if not due and not self.open_count:
            self._dismiss()
        elif self._stream is not None:
            self._open_steps(due[:OPENED_AT_ONCE], self._stream, desk, now_s)
        elif self._task is not None and not self._task.done():
            if now_s - self._begun_s > LEAST_SILENCE_S:
                self._dismiss()
                self._pause("the supervisor of steps does not begin")
        elif now_s >= self._paused_until_s:
            self._begun_s = now_s
            self._task = group.create_task(self._hold(streams), name=f"steps on {self._cluster}")

    def _close_steps(self, wanted: frozenset[_Run], now_s: float) -> None:
        silence_s = max(SILENT_INTERVALS * self.interval_s, LEAST_SILENCE_S)
        for run, step in tuple(self._steps.items()):
            is_silent = now_s - step.heard_s > silence_s
            if step.number and (run not in wanted or is_silent):
                if run in wanted:
                    step.said = "the step says nothing any more"
                if self._stream is not None:
                    self._stream.send(closing(step.number))
                step.number = 0
            if not step.number and run not in wanted:
                del self._steps[run]

    def _open_steps(
        self, due: Sequence[_Step], stream: LineStream, desk: Desk, now_s: float
    ) -> None:
        """Open steps, as many as the budget allows now."""
        for step in due:
            try:
                order = self._order(step.job, desk)
            except UnsafeArgumentError as exc:
                step.is_denied, step.said = True, str(exc)
                continue
            if not desk.afford("srun", REQUESTS_PER_STEP):
                return
            step.number, step.heard_s = self._numbers, now_s
            step.paused_until_s = now_s + min(FIRST_PAUSE_S * 2.0**step.openings, LONGEST_PAUSE_S)
            step.openings += 1
            stream.send(order)
            metrics.SAMPLING_STEPS_OPENED.labels(cluster=self._cluster).inc()

    def _order(self, job: SampledJob, desk: Desk) -> bytes:
        command = sampler_command(
            place_of(job), every_s=self._every_s, environment=desk.probe.environment
        )
        self._numbers += 1
        return opening(self._numbers, command)

    def _dismiss(self) -> None:
        """Let go of the supervisor, which ends all its steps."""
        self._stream = None
        if self._task is not None:
            self._task.cancel()

    async def _hold(self, streams: Streams) -> None:
        """Hold a supervisor to its end; what is open then has broken."""
        start = launch(f"slurmfleet-{secrets.token_hex(8)}")
        words = "the supervisor of steps was let go"
        try:
            async with streams.stream(start.command, stdin=start.stdin, keeps_stdin=True) as lines:
                await self._listen(lines)
                said = lines.stderr_tail.decode("utf-8", "replace").strip()
            words = f"the supervisor of steps ended: {said[-200:] or 'it said nothing'}"
            self._pause(words)
        except SshError as exc:
            words = str(exc)
            # A server that has no session left may have one soon.
            self._pause(words, is_failure=not isinstance(exc, SshChannelRefusedError))
        finally:
            self._stream, self._task = None, None
            self._break_all(words)

    def _pause(self, words: str, *, is_failure: bool = True) -> None:
        """Leave the login node in peace before another supervisor is tried."""
        self._said = words
        pause_s = min(FIRST_PAUSE_S * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_S)
        self._paused_until_s = self._clock.monotonic_s() + pause_s
        self._failures += is_failure

    def _break_all(self, words: str) -> None:
        for step in self._steps.values():
            if step.number:
                self._finish(step, Verdict.BROKEN, words)

    async def _listen(self, lines: LineStream) -> None:
        sorter = Sorter()
        async for line in lines:
            if self._stream is None and line == READY:
                self._stream, self._failures, self._said = lines, 0, ""
                continue
            told = sorter.take(line)
            step = self._by_number(told.number) if told is not None else None
            if step is None:
                continue
            match told:
                case Line(text=text):
                    self._hear(step, text)
                case End(said=said):
                    self._finish(step, verdict(said), said[-200:] or "its step ended")
                case None:
                    pass

    def _by_number(self, number: int) -> _Step | None:
        """Give the open step with a number; None for one that was closed."""
        if not number:
            return None
        return next((step for step in self._steps.values() if step.number == number), None)

    def _finish(self, step: _Step, end: Verdict, words: str) -> None:
        step.number, step.said = 0, words
        step.is_denied = end is Verdict.DENIED
        step.is_over = end is Verdict.OVER
        logger().info(
            "step ended", cluster=self._cluster, verdict=end, openings=step.openings, said=step.said
        )

    def _hear(self, step: _Step, line: str) -> None:
        step.heard_s = self._clock.monotonic_s()
        if len(self._heard.heard) + len(self._heard.bad) >= LINES_KEPT:
            return  # nobody takes them: what comes later is not worth the memory
        known = len(self._heard.heard)
        self._heard.add(line, seen_at=self._clock.now())
        for place, one in enumerate(self._heard.heard[known:], start=known):
            # Inside a het job the number in the sample is the leader's.
            sample = replace(one.sample, raw_job_id=step.job.raw_id)
            self._heard.heard[place] = Heard(sample, one.seen_at)
            step.said = ""
