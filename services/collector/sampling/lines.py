"""From the sampler's lines, however they came, to readings of a job; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.judge import Absurdity
from services.collector.sampling.providers import GpuSeen, LoadSeen, ProviderAnswer
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.sections import SectionOutcome
from slurmfleet.gpu.errors import GpuTextError
from slurmfleet.gpu.sidecar import NodeSample, own_gpus, parse_sample
from slurmfleet.slurm.records import BadRow

LATEST_EPOCH_S = 253_402_300_799


@dataclass(slots=True, kw_only=True)
class Lines:
    """What samplers have told since last time."""

    samples: list[NodeSample] = field(default_factory=list[NodeSample])
    bad: list[BadRow] = field(default_factory=list[BadRow])

    def add(self, line: str) -> NodeSample | None:
        """Read one line; None where it is none, which costs only itself."""
        if not line.strip():
            return None
        try:
            sample = parse_sample(line)
        except GpuTextError as exc:
            self.bad.append(BadRow(line=exc.line, error=str(exc)))
            return None
        if not 0 < sample.epoch_s <= LATEST_EPOCH_S:
            return None
        self.samples.append(sample)
        return sample


def read_samples(
    samples: Iterable[NodeSample],
    jobs: Mapping[int, Sequence[SampledJob]],
    *,
    source: str,
    nothing: Mapping[JobId, str],
    sections: tuple[SectionOutcome, ...] = (),
    bad: Iterable[BadRow] = (),
) -> ProviderAnswer:
    """Give what the samples tell of jobs that run.

    Args:
        samples: In any order.
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
    for sample in sorted(samples, key=lambda one: one.epoch_s):
        job = next(
            (one for one in jobs.get(sample.raw_job_id, ()) if sample.node in one.nodes), None
        )
        if job is None:
            rejected[Absurdity.NOT_OURS] += 1
            continue
        seen_at = datetime.fromtimestamp(sample.epoch_s, tz=UTC)
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
