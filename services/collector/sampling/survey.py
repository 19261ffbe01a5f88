"""The survey of running jobs: asks the ladder's rungs in turn and tells what they showed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.collector.desk import Desk
from services.collector.round_trip import IncompleteAnswerError
from services.collector.sampling.choice import Coverage, Ladder, Want, needs_of
from services.collector.sampling.facts import FactMaker
from services.collector.sampling.gaps import GapWatch
from services.collector.sampling.jobs import SampledJob, running_jobs
from services.collector.sampling.judge import Judge
from services.collector.sampling.providers import Need, Provider, ProviderAnswer
from services.collector.surveys.survey import Finding
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.registry import ClusterConfig, SampleProvider
from slurmfleet.contracts.sample import Sample, Topic
from slurmfleet.contracts.sections import SectionOutcome
from slurmfleet.contracts.use import GpuSampled
from slurmfleet.slurm.records import BadRow
from slurmfleet.ssh.errors import SshError
from slurmfleet.telemetry import metrics
from slurmfleet.telemetry.logs import logger

LOGIN_NODE_PROVIDERS = frozenset({SampleProvider.SSTAT, SampleProvider.SIDECAR})


@dataclass(slots=True, kw_only=True)
class _Asking:
    """What has come of one asking so far."""

    now: datetime
    now_s: float
    jobs: tuple[SampledJob, ...]
    coverage: Coverage = field(default_factory=Coverage)
    judge: Judge = field(default_factory=Judge)
    facts: list[Sample] = field(default_factory=list[Sample])
    sections: list[SectionOutcome] = field(default_factory=list[SectionOutcome])
    bad_rows: list[BadRow] = field(default_factory=list[BadRow])
    sampled: dict[JobId, datetime] = field(default_factory=dict[JobId, datetime])
    reasons: dict[JobId, list[str]] = field(default_factory=dict[JobId, list[str]])
    sources: list[str] = field(default_factory=list[str])
    has_answer: bool = False
    """Whether any source could be asked."""

    @property
    def by_id(self) -> dict[JobId, SampledJob]:
        """The jobs by id."""
        return {job.job_id: job for job in self.jobs}


class SamplingSurvey:
    """Samples the running tracked jobs of one cluster."""

    topic = Topic.SAMPLES

    def __init__(self, config: ClusterConfig, providers: Sequence[Provider]) -> None:
        """Ask these providers, the best one first."""
        self.interval_s = config.sampling.interval_s
        self._cluster = config.name
        self._providers = tuple(providers)
        self._ladder = Ladder([one.name for one in providers])
        self._facts = FactMaker(config.name)
        self._gaps = GapWatch(cluster=config.name)
        self._met: dict[SampleProvider, set[Want]] = {one.name: set() for one in providers}
        self._by: dict[JobId, SampleProvider] = {}

    async def ask(self, desk: Desk) -> Finding | None:
        """Sample once; None when no tracked job runs, or nothing may be asked.

        Raises:
            SshError: The login node cannot be reached, and nothing else told anything.
            IncompleteAnswerError: It ran nothing, and nothing else told anything.
        """
        jobs = running_jobs(desk.known.memory)
        live = frozenset(job.job_id for job in jobs)
        self._forget(live)
        if not self._providers or not jobs:
            for provider in self._providers:
                await _dismiss(provider, desk)
            return None
        asking = _Asking(now=desk.clock.now(), now_s=desk.clock.monotonic_s(), jobs=jobs)
        self._facts.begin(live, asking.now)
        failure: SshError | IncompleteAnswerError | None = None
        for provider in self._providers:
            if failure is not None and provider.name in LOGIN_NODE_PROVIDERS:
                continue  # it would wait for the same login node once more
            try:
                await self._ask_one(provider, desk, asking)
            except (SshError, IncompleteAnswerError) as exc:
                self._note_failure(provider, str(exc), asking)
                failure = exc
        if failure is not None and not asking.facts:
            self._tell_gaps(asking)
            if not asking.facts:
                raise failure
        self._tell_gaps(asking)
        return self._finding(asking)

    def _forget(self, live: frozenset[JobId]) -> None:
        self._ladder.forget(live)
        for met in self._met.values():
            met.intersection_update({want for want in met if want[0] in live})
        self._by = {job_id: by for job_id, by in self._by.items() if job_id in live}

    async def _ask_one(self, provider: Provider, desk: Desk, asking: _Asking) -> None:
        rung = provider.name
        chosen = self._ladder.jobs_for(
            rung, asking.jobs, asking.coverage, sees=provider.sees, now_s=asking.now_s
        )
        if not chosen:
            if not self._ladder.is_paused(rung, asking.now_s):
                await _dismiss(provider, desk)
            return
        answers = await provider.sample(chosen, desk)
        asking.sections += [section for one in answers for section in one.sections]
        asking.bad_rows += [row for one in answers for row in one.bad_rows]
        if answers and all(one.failed for one in answers):
            self._note_failure(provider, answers[0].error, asking)
            return
        asking.has_answer = True
        shown: set[Want] = set()
        resting: set[JobId] = set()
        for answer in answers:
            shown |= self._take(provider, answer, asking)
            resting |= answer.resting
        self._rest(rung, resting, asking)
        wants = {(job.job_id, need) for job in chosen for need in needs_of(job) & provider.sees}
        blank = {want for want in wants - shown if want[0] not in resting}
        self._met[rung] = (self._met[rung] | shown) - blank
        self._ladder.answered(rung, shown=shown, blank=blank, now_s=asking.now_s)

    def _take(self, provider: Provider, answer: ProviderAnswer, asking: _Asking) -> set[Want]:
        """Judge an answer and keep the facts of what no better rung has told."""
        by_id, shown = asking.by_id, set[Want]()
        asking.judge.rejected.update(answer.rejected)
        for job_id, why in answer.nothing.items():
            asking.reasons.setdefault(job_id, []).append(why)
        made = [
            (
                (seen.job_id, Need.GPU),
                self._facts.gpu(seen, by_id[seen.job_id], asking.judge, source=answer.source),
            )
            for seen in answer.gpus
            if asking.coverage.by(seen.job_id, Need.GPU) in {None, provider.name}
        ]
        made += [
            (
                (seen.job_id, Need.LOAD),
                self._facts.load(seen, by_id[seen.job_id], asking.judge, source=answer.source),
            )
            for seen in answer.loads
            if asking.coverage.by(seen.job_id, Need.LOAD) in {None, provider.name}
        ]
        for want, one in made:
            if one.is_worth:
                shown.add(want)
            if one.fact is not None:
                self._keep(want, one.fact, provider, asking)
        for job_id, need in shown:
            asking.coverage.meet(job_id, need, provider.name)
        if shown:
            asking.sources.append(answer.source)
        return shown

    def _keep(self, want: Want, fact: Sample, provider: Provider, asking: _Asking) -> None:
        job_id, need = want
        asking.facts.append(fact)
        labels = {"cluster": self._cluster, "source": fact.source, "kind": need}
        metrics.SAMPLES.labels(**labels).inc()
        if isinstance(fact, GpuSampled):
            seen_at = asking.sampled.get(job_id, fact.observed_at)
            asking.sampled[job_id] = max(seen_at, fact.observed_at)
            self._by[job_id] = provider.name

    def _rest(self, rung: SampleProvider, resting: set[JobId], asking: _Asking) -> None:
        """Keep the next rungs from being asked what this one tells, only not now."""
        for job_id, need in self._met[rung]:
            if job_id in resting:
                asking.coverage.meet(job_id, need, rung)

    def _note_failure(self, provider: Provider, error: str, asking: _Asking) -> None:
        self._ladder.failed(provider.name, asking.now_s)
        self._met[provider.name].clear()
        metrics.SAMPLING_PROVIDER_FAILURES.labels(
            cluster=self._cluster, provider=provider.name
        ).inc()
        for job in asking.jobs:
            asking.reasons.setdefault(job.job_id, []).append(f"{provider.name}: {error}")

    def _tell_gaps(self, asking: _Asking) -> None:
        intervals = {one.name: one.interval_s for one in self._providers}
        missed = self._gaps.missed(
            asking.jobs,
            sampled=asking.sampled,
            interval_s={
                job.job_id: max(
                    self.interval_s, intervals.get(self._by.get(job.job_id, _NOBODY), 0.0)
                )
                for job in asking.jobs
            },
            reasons={job_id: "; ".join(why) for job_id, why in asking.reasons.items()},
            now=asking.now,
        )
        for fact in missed:
            metrics.SAMPLING_GAPS.labels(cluster=self._cluster).inc()
            logger().info("sampling missed", cluster=self._cluster, reason=fact.reason)
        asking.facts += missed

    def _finding(self, asking: _Asking) -> Finding:
        for kind, count in asking.judge.rejected.items():
            metrics.SAMPLES_REJECTED.labels(cluster=self._cluster, kind=kind).inc(count)
        return Finding(
            source=",".join(dict.fromkeys(asking.sources)) or "none",
            facts=tuple(asking.facts),
            sections=tuple(asking.sections),
            bad_rows=tuple(asking.bad_rows),
            rejected=Counter(asking.judge.rejected),
            has_stand_in=asking.has_answer,
        )


_NOBODY = SampleProvider.STEP


async def _dismiss(provider: Provider, desk: Desk) -> None:
    """Tell a provider that holds something open for jobs that none needs it now."""
    if provider.name is SampleProvider.STEP:
        await provider.sample((), desk)
