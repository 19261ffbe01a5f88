"""From judged readings to facts; pure, with a memory of what was told last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.collector.sampling.counters import Busy, CounterWentBackError, CpuCounters
from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.judge import Absurdity, Judge
from services.collector.sampling.providers import GpuSeen, LoadSeen
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.use import GpuSampled, LoadSampled

CLOCK_SLACK = timedelta(seconds=90)
"""By how much a node's clock may differ from ours before its moments are not believed."""

_Series = tuple[JobId, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What one reading is worth."""

    is_worth: bool
    """Whether its source shows the job at all: a value that was told before is no blank."""

    fact: GpuSampled | LoadSampled | None = None


NOTHING_NEW = Made(is_worth=True)
WORTHLESS = Made(is_worth=False)


class FactMaker:
    """Makes facts of one cluster's readings; each reading at most once."""

    def __init__(self, cluster: ClusterName) -> None:
        """Begin with nothing told."""
        self._cluster = cluster
        self._told_at: dict[_Series, datetime] = {}
        self._cpus = CpuCounters()
        self._now = datetime.min.replace(tzinfo=UTC)

    def gpu(self, seen: GpuSeen, job: SampledJob, judge: Judge, *, source: str) -> Made:
        """Give what a GPU reading is worth."""
        reading = judge.gpu(seen.reading)
        which = reading.uuid or str(reading.index)
        series = (seen.job_id, f"{source} gpu", seen.node, which)
        news = self._is_news(series, seen.seen_at, judge) if reading.tells else None
        if not news:
            return NOTHING_NEW if news is False else WORTHLESS
        fact = GpuSampled(
            cluster=self._cluster,
            observed_at=seen.seen_at,
            source=source,
            job_id=job.job_id,
            submitted_at=job.submitted_at,
            node=seen.node,
            gpu_uuid=reading.uuid,
            gpu_index=reading.index,
            mig_profile=reading.mig_profile,
            model=reading.model,
            gpu_count=seen.gpu_count,
            utilization_pct=reading.utilization_pct,
            memory_used_mib=_whole(reading.memory_used_mib),
            memory_total_mib=_whole(reading.memory_total_mib),
            power_w=reading.power_w,
            temperature_c=reading.temperature_c,
        )
        return Made(is_worth=True, fact=fact)

    def load(self, seen: LoadSeen, job: SampledJob, judge: Judge, *, source: str) -> Made:
        """Give what a CPU and memory reading is worth."""
        reading = judge.load(seen.reading)
        series = (seen.job_id, f"{source} load", seen.node, "")
        tells = reading.tells or bool(seen.parts)
        news = self._is_news(series, seen.seen_at, judge) if tells else None
        if not news:
            return NOTHING_NEW if news is False else WORTHLESS
        total = {} if reading.cpu_time_s is None else {"": reading.cpu_time_s}
        busy = self._busy(series, seen, seen.parts or total, judge)
        cores = judge.cores(busy.cores) if busy else None
        fact = LoadSampled(
            cluster=self._cluster,
            observed_at=seen.seen_at,
            source=source,
            job_id=job.job_id,
            submitted_at=job.submitted_at,
            node=seen.node,
            span_s=busy.span_s if busy else None,
            cpu_count=seen.cpu_count or None,
            cpu_utilization_pct=(
                round(100 * cores / seen.cpu_count, 3)
                if cores is not None and seen.cpu_count
                else None
            ),
            cpu_time_s=reading.cpu_time_s,
            memory_used_mib=_whole(reading.memory_used_mib),
            memory_peak_mib=_whole(reading.memory_peak_mib),
            memory_limit_mib=_whole(reading.memory_limit_mib),
        )
        return Made(is_worth=True, fact=fact)

    def _busy(
        self, series: _Series, seen: LoadSeen, parts: Mapping[str, float], judge: Judge
    ) -> Busy | None:
        if not parts:
            return None
        try:
            return self._cpus.busy(series, parts, seen_at=seen.seen_at)
        except CounterWentBackError:
            judge.rejected[Absurdity.BACKWARDS] += 1
            return None

    def _is_news(self, series: _Series, seen_at: datetime, judge: Judge) -> bool | None:
        """Say whether a moment is later than the last one told; None for one that cannot be."""
        told_at = self._told_at.get(series)
        if told_at == seen_at:
            return False
        kind = self._absurd_moment(seen_at, told_at)
        if kind is not None:
            judge.rejected[kind] += 1
            return None
        self._told_at[series] = seen_at
        return True

    def _absurd_moment(self, seen_at: datetime, told_at: datetime | None) -> Absurdity | None:
        if seen_at > self._now + CLOCK_SLACK:
            return Absurdity.FUTURE
        return Absurdity.BACKWARDS if told_at is not None and seen_at < told_at else None

    def begin(self, live: frozenset[JobId], now: datetime) -> None:
        """Begin an asking: forget jobs that do not run any more."""
        self._now = now
        for series in tuple(self._told_at):
            if series[0] not in live:
                del self._told_at[series]
        self._cpus.forget(frozenset(live))


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
