"""From the sampler's lines, however they came, to readings of a job; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.judge import Absurdity
from services.collector.sampling.providers import GpuSeen, LoadSeen, ProviderAnswer
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.sections import SectionOutcome
from slurmfleet.gpu.errors import GpuTextError
from slurmfleet.gpu.sidecar import NodeSample, own_gpus, parse_sample
from slurmfleet.slurm.records import BadRow

LATEST_EPOCH_S = 253_402_300_799


CLOCK_SLACK = timedelta(seconds=90)
"""By how much the clocks of a cluster's machines may differ among themselves."""

OUR_SLACK_S = 5.0
"""By how much a cluster's clock may differ from ours before moments are moved to ours."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One sample, and when that was by our clock."""

    sample: NodeSample
    seen_at: datetime


@dataclass(slots=True, kw_only=True)
class Lines:
    """What samplers have told since last time."""

    ahead: timedelta = timedelta(0)
    """By how much the cluster's clock is ahead of ours."""

    heard: list[Heard] = field(default_factory=list[Heard])
    bad: list[BadRow] = field(default_factory=list[BadRow])

    def add(self, line: str, *, seen_at: datetime | None = None) -> None:
        """Read one line; one that cannot be read costs only itself.

        Args:
            line: As the sampler wrote it.
            seen_at: When it was written by our clock; None: what the line says.
        """
        if not line.strip():
            return
        try:
            sample = parse_sample(line)
        except GpuTextError as exc:
            self.bad.append(BadRow(line=exc.line, error=str(exc)))
            return
        if 0 < sample.epoch_s <= LATEST_EPOCH_S:
            said = datetime.fromtimestamp(sample.epoch_s, tz=UTC) - self.ahead
            self.heard.append(Heard(sample, seen_at or said))


def ahead_of(ours: datetime, remote_epoch_s: int | None) -> timedelta:
    """Give by how much a cluster's clock is ahead of ours, where that is worth knowing."""
    if remote_epoch_s is None or not 0 < remote_epoch_s <= LATEST_EPOCH_S:
        return timedelta(0)
    ahead_s = remote_epoch_s - ours.timestamp()
    return timedelta(seconds=round(ahead_s)) if abs(ahead_s) > OUR_SLACK_S else timedelta(0)


def read_samples(
    heard: Iterable[Heard],
    jobs: Mapping[int, Sequence[SampledJob]],
    *,
    source: str,
    nothing: Mapping[JobId, str],
    sections: tuple[SectionOutcome, ...] = (),
    bad: Iterable[BadRow] = (),
) -> ProviderAnswer:
    """Give what the samples tell of jobs that run.

    Args:
        heard: In any order.
        jobs: By the number that the sampler knows, SLURM_JOB_ID: all components of a het job
            have the leader's.
        source: For the facts.
        nothing: Why nothing came of a job, where nothing came.
        sections: How the asking went.
        bad: Lines that could not be understood.
    """
    gpus: list[GpuSeen] = []
    loads: list[LoadSeen] = []
    faults: dict[JobId, str] = {}
    rejected: Counter[str] = Counter()
    for one in sorted(heard, key=lambda one: one.seen_at):
        sample, seen_at = one.sample, one.seen_at
        job = next(
            (job for job in jobs.get(sample.raw_job_id, ()) if sample.node in job.nodes), None
        )
        if job is None:
            rejected[Absurdity.NOT_OURS] += 1
            continue
        # Both are the cluster's clock: numbers of jobs are used again, and runs of a job follow.
        if sample.epoch_s < (job.started_at - CLOCK_SLACK).timestamp():
            rejected[Absurdity.BEFORE_START] += 1
            continue
        if sample.load.tells:
            loads.append(_load(job, sample, seen_at))
        own = own_gpus(sample, job.gpus_per_node) if job.gpu_count else ()
        if own is None:
            rejected[Absurdity.NOT_OURS] += 1
            faults[job.job_id] = (
                f"{source}: {sample.node} shows more GPUs than the job has, and not which are its"
            )
            continue
        gpus.extend(
            GpuSeen(job_id=job.job_id, node=sample.node, seen_at=seen_at, reading=gpu)
            for gpu in own
        )
        if job.gpu_count and not own:
            why = sample.faults[0] if sample.faults else "there is no nvidia-smi"
            faults[job.job_id] = f"{source}: no GPU seen on {sample.node}: {why}"
    seen = {one.job_id for one in gpus} | {one.job_id for one in loads}
    told = {job_id: why for job_id, why in nothing.items() if job_id not in seen}
    return ProviderAnswer(
        source=source,
        gpus=tuple(gpus),
        loads=tuple(loads),
        nothing=told | faults,
        sections=sections,
        bad_rows=tuple(bad),
        rejected=rejected,
    )


def _load(job: SampledJob, sample: NodeSample, seen_at: datetime) -> LoadSeen:
    return LoadSeen(
        job_id=job.job_id,
        node=sample.node,
        seen_at=seen_at,
        reading=sample.load,
        cpu_count=job.cpus_per_node,
    )
