"""Samples from Slurm's own accounting of running steps, a few jobs at a time.

Each job costs the controller two or three requests and each node of it another, so jobs take turns:
so many a minute, and none more often than it is worth.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.collector.desk import Desk
from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.outcomes import outcome_of
from services.collector.sampling.providers import GpuSeen, LoadSeen, Need, ProviderAnswer
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.registry import SampleProvider, SamplingConfig
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.gpu.readings import GpuReading, LoadReading
from slurmfleet.slurm.sstat import StepsAnswer, StepUse, parse_steps, summed, tells_gpus
from slurmfleet.slurm.step_commands import STEPS_LIMIT_S, steps_section

SOURCE = "sstat"
JOBS_PER_CALL = 50
_MINUTE_S = 60.0
_ROUND_TRIP_S = 30.0
_UNTOLD = "sstat: Slurm tells nothing about its steps"
_NO_STEPS = "sstat: it runs no step of its own"
_NO_GPU_USE = "sstat: this site does not count GPU use (AccountingStorageTRES)"


class Turns:
    """Whose turn it is: the one that has waited longest, within a rate."""

    def __init__(self, *, interval_s: float, per_minute: float) -> None:
        """Begin with a full minute's worth."""
        self.interval_s = interval_s
        self.per_minute = per_minute
        self._level = max(1.0, per_minute) if per_minute else 0.0
        self._measured_s: float | None = None
        self._asked_s: dict[JobId, float] = {}

    def take(self, jobs: Sequence[SampledJob], now_s: float) -> tuple[SampledJob, ...]:
        """Give the jobs to ask about now, and note it."""
        since_s = now_s if self._measured_s is None else self._measured_s
        grown = (now_s - since_s) * self.per_minute / _MINUTE_S
        self._level = min(max(1.0, self.per_minute), self._level + grown)
        self._measured_s = now_s
        live = {job.job_id for job in jobs}
        self._asked_s = {one: asked for one, asked in self._asked_s.items() if one in live}
        due = [
            job
            for job in jobs
            if now_s - self._asked_s.get(job.job_id, -self.interval_s) >= self.interval_s * 0.9
        ]
        due.sort(key=lambda job: self._asked_s.get(job.job_id, float("-inf")))
        chosen = tuple(due[: min(int(self._level), JOBS_PER_CALL)])
        self._level -= len(chosen)
        self._asked_s.update((job.job_id, now_s) for job in chosen)
        return chosen

    def interval_for(self, count: int) -> float:
        """Give how often each of so many jobs has its turn."""
        return max(self.interval_s, _MINUTE_S * count / self.per_minute) if self.per_minute else 0.0


class SstatProvider:
    """Asks sstat."""

    name = SampleProvider.SSTAT
    sees = frozenset({Need.GPU, Need.LOAD})

    def __init__(self, config: SamplingConfig) -> None:
        """Ask as often as the configuration allows."""
        self._turns = Turns(
            interval_s=config.sstat_interval_s, per_minute=config.sstat_jobs_per_minute
        )
        self._count = 1

    @property
    def interval_s(self) -> float:
        """How often each job has its turn."""
        return self._turns.interval_for(self._count)

    async def sample(self, jobs: Sequence[SampledJob], desk: Desk) -> Sequence[ProviderAnswer]:
        """Ask about those whose turn it is; the others rest."""
        self._count = max(1, len(jobs))
        chosen = self._turns.take(jobs, desk.clock.monotonic_s())
        waiting = frozenset(job.job_id for job in jobs) - {job.job_id for job in chosen}
        if not chosen:
            return (ProviderAnswer(source=SOURCE, resting=waiting),)
        version = desk.probe.slurm_version
        section = steps_section((job.raw_id for job in chosen), version=version)
        answer = await desk.ask(lambda _: (section,), limit_s=STEPS_LIMIT_S + _ROUND_TRIP_S)
        output = answer.frames.sections.get(section.name)
        steps = parse_steps(output.stdout, output.stderr) if output else parse_steps("")
        outcome = _outcome(outcome_of(SectionName.STEPS, output, rows=len(steps.steps)), steps)
        if not outcome.ok and not steps.steps:
            return (ProviderAnswer(source=SOURCE, resting=waiting, sections=(outcome,)),)
        return (
            read_steps(
                chosen,
                steps,
                version=version,
                seen_at=answer.observed_at,
                resting=waiting,
                outcome=outcome,
            ),
        )


def _outcome(outcome: SectionOutcome, steps: StepsAnswer) -> SectionOutcome:
    """With the controller down sstat ends with status 0 and says the same as of an unknown job."""
    if not outcome.ok or steps.steps or steps.without_steps or not steps.untold:
        return outcome
    return SectionOutcome(
        name=outcome.name,
        ok=False,
        exit_status=outcome.exit_status,
        error="sstat could tell of no job: the controller may be silent, or they are over.",
    )


def read_steps(
    jobs: Sequence[SampledJob],
    steps: StepsAnswer,
    *,
    version: str,
    seen_at: datetime,
    resting: frozenset[JobId] = frozenset(),
    outcome: SectionOutcome | None = None,
) -> ProviderAnswer:
    """Give what the steps of each job tell; pure.

    Args:
        jobs: That were asked about.
        steps: What came.
        version: Slurm's.
        seen_at: When.
        resting: Jobs that were not asked about.
        outcome: Of the section.
    """
    gpus: list[GpuSeen] = []
    loads: list[LoadSeen] = []
    nothing: dict[JobId, str] = {}
    for job in jobs:
        own = [step for step in steps.steps if step.raw_job_id == job.raw_id]
        if not own:
            quiet = job.raw_id in steps.without_steps
            nothing[job.job_id] = _NO_STEPS if quiet else _UNTOLD
            continue
        loads.append(_load(job, own, seen_at))
        gpu = _gpu(job, own, version, seen_at)
        if gpu is not None:
            gpus.append(gpu)
        elif job.gpu_count:
            nothing[job.job_id] = _NO_GPU_USE
    return ProviderAnswer(
        source=SOURCE,
        gpus=tuple(gpus),
        loads=tuple(loads),
        resting=resting,
        nothing=nothing,
        sections=(outcome,) if outcome else (),
        bad_rows=steps.bad,
    )


def _load(job: SampledJob, steps: Sequence[StepUse], seen_at: datetime) -> LoadSeen:
    """Add up the steps that run; those that have ended are not told of, nor is what they used."""
    parts: Mapping[str, float] = {
        step.step: step.cpu_time_s for step in steps if step.cpu_time_s is not None
    }
    working = [step for step in steps if step.step != "extern"]
    alone = working[0] if len(working) == 1 and working[0].task_count == 1 else None
    return LoadSeen(
        job_id=job.job_id,
        node="",
        seen_at=seen_at,
        reading=LoadReading(
            memory_used_mib=summed(step.memory_used_mib for step in steps),
            # Of several tasks nobody knows when each was largest.
            memory_peak_mib=alone.largest_task_mib if alone else None,
        ),
        cpu_count=job.cpu_count,
        parts=parts,
    )


def _gpu(
    job: SampledJob, steps: Sequence[StepUse], version: str, seen_at: datetime
) -> GpuSeen | None:
    if not job.gpu_count or not tells_gpus(version, job.gpu_count):
        return None
    utilization = summed(step.gpu_utilization_sum_pct for step in steps)
    memory = summed(step.gpu_memory_sum_mib for step in steps)
    if utilization is None and memory is None:
        return None
    return GpuSeen(
        job_id=job.job_id,
        node="",
        seen_at=seen_at,
        reading=GpuReading(
            utilization_pct=None if utilization is None else utilization / job.gpu_count,
            memory_used_mib=None if memory is None else memory / job.gpu_count,
        ),
        gpu_count=job.gpu_count,
    )
