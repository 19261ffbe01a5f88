"""Samples from a site's own Prometheus: all jobs in a few queries, none of them to Slurm.

What exporters there are, and how they name jobs, is found out by asking for names alone, and again
every ten minutes. Per asking it is then one query for each kind of series that is there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.collector.desk import Desk
from services.collector.sampling.families import FAMILIES, Family
from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.providers import GpuSeen, LoadSeen, Need, ProviderAnswer
from services.collector.sampling.series import Naming, Owners, owners, read_gpus, read_loads
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import PrometheusConfig, SampleProvider
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.site.errors import SiteError
from slurmfleet.site.http import SiteHttp
from slurmfleet.site.prometheus import (
    Prometheus,
    Series,
    equals,
    is_told,
    one_of,
    selector,
)

DISCOVER_EVERY_S = 600.0
JOBS_PER_QUERY = 500
_ERROR_LIMIT = 500
_NODE_TAIL = r"(?:[.:].*)?"


class GpuWay(StrEnum):
    """How the series of a family's GPUs are matched to jobs."""

    LABEL = "label"
    """They carry the job's number."""
    OWNER = "owner"
    """Another series says which GPU is whose."""
    NODE = "node"
    """Nothing says it: only jobs that have whole nodes can be told."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One exporter that is there."""

    family: Family
    gpu_way: GpuWay
    has_load: bool


class PrometheusProvider:
    """Asks a Prometheus."""

    name = SampleProvider.PROMETHEUS
    sees = frozenset({Need.GPU, Need.LOAD})

    def __init__(
        self,
        http: SiteHttp,
        config: PrometheusConfig,
        *,
        cluster: ClusterName,
        interval_s: float,
    ) -> None:
        """Ask over this door, about this cluster."""
        self.interval_s = max(interval_s, config.window_s / 5)
        self._server = Prometheus(http)
        self._config = config
        label = (
            (equals(config.cluster_label, config.cluster_value or cluster),)
            if config.cluster_label
            else ()
        )
        self._matchers = (*label, *config.matchers)
        self._naming = Naming(rename=config.rename, is_vouched_for=bool(self._matchers))
        self._found: tuple[Found, ...] = ()
        self._found_at_s: float | None = None

    async def sample(self, jobs: Sequence[SampledJob], desk: Desk) -> Sequence[ProviderAnswer]:
        """Ask about all the jobs together."""
        try:
            await self._discover(desk.clock.monotonic_s())
            parts = [jobs[at : at + JOBS_PER_QUERY] for at in range(0, len(jobs), JOBS_PER_QUERY)]
            return [
                await self._family(found, part, desk.clock.now())
                for found in self._found
                for part in parts
            ] or [self._nothing(jobs)]
        except SiteError as exc:
            self._found_at_s = None
            section = SectionOutcome(
                name=SectionName.PROMETHEUS,
                ok=False,
                exit_status=None,
                error=str(exc)[:_ERROR_LIMIT],
            )
            return (ProviderAnswer(source="prometheus", sections=(section,)),)

    def _nothing(self, jobs: Sequence[SampledJob]) -> ProviderAnswer:
        why = "prometheus: it has no series of an exporter that is known here"
        return ProviderAnswer(
            source="prometheus",
            nothing={job.job_id: why for job in jobs},
            sections=(_well(0),),
        )

    async def _discover(self, now_s: float) -> None:
        if self._found_at_s is not None and now_s - self._found_at_s < DISCOVER_EVERY_S:
            return
        found = [await self._look_for(FAMILIES[name]) for name in self._config.families]
        there = [one for one in found if one.gpu_way is not GpuWay.NONE or one.has_load]
        # Where CEEMS says whose GPU is whose, DCGM without job labels has nothing to add.
        better = any(one.gpu_way in {GpuWay.LABEL, GpuWay.OWNER} for one in there)
        self._found = tuple(
            one for one in there if not (better and one.gpu_way is GpuWay.NODE and not one.has_load)
        )
        self._found_at_s = now_s if self._found else None

    async def _look_for(self, family: Family) -> Found:
        gpu_names = self._naming.all_of(family.gpu_metrics)
        load_names = self._naming.all_of(family.load_metrics)
        owner_name = (self._naming.of(family.job_metric),) if family.job_metric else ()
        labelled = await self._names(
            (*gpu_names, *load_names), is_told(self._naming.of(family.job_label))
        )
        there = await self._names((*gpu_names, *owner_name))
        way = GpuWay.NONE
        if labelled & set(gpu_names) and not family.gpu_of_job_label:
            way = GpuWay.LABEL
        elif there & set(owner_name) and there & set(gpu_names):
            way = GpuWay.OWNER
        elif there and not family.job_metric and family.uuid_label:
            way = GpuWay.NODE
        return Found(family=family, gpu_way=way, has_load=bool(labelled & set(load_names)))

    async def _names(self, names: tuple[str, ...], *matchers: str) -> set[str]:
        asked = selector(names, (*matchers, *self._matchers))
        return {one.name for one in await self._server.ask(f"count by (__name__) ({asked})")}

    async def _family(
        self, found: Found, jobs: Sequence[SampledJob], now: datetime
    ) -> ProviderAnswer:
        by_raw = {job.raw_id: job for job in jobs}
        rejected: Counter[str] = Counter()
        gpus = await self._gpus(found, by_raw, now, rejected)
        loads = await self._loads(found, by_raw, now, rejected) if found.has_load else ()
        source = f"prometheus/{found.family.name}"
        seen = {one.job_id for one in gpus}
        return ProviderAnswer(
            source=source,
            gpus=gpus,
            loads=loads,
            nothing={
                job.job_id: f"{source}: no fresh series of this job"
                for job in jobs
                if job.gpu_count and job.job_id not in seen and found.gpu_way is not GpuWay.NONE
            },
            sections=(_well(len(gpus) + len(loads)),),
            rejected=rejected,
        )

    async def _gpus(
        self,
        found: Found,
        jobs: Mapping[int, SampledJob],
        now: datetime,
        rejected: Counter[str],
    ) -> tuple[GpuSeen, ...]:
        family, owned = found.family, None
        if found.gpu_way is GpuWay.NONE or not any(job.gpu_count for job in jobs.values()):
            return ()
        names = self._naming.all_of(family.gpu_metrics)
        match found.gpu_way:
            case GpuWay.LABEL:
                matcher = self._of_jobs(family, jobs)
            case GpuWay.OWNER:
                owned = await self._owners(family, jobs, now, rejected)
                if not owned.by_uuid:
                    return ()
                matcher = one_of(self._naming.of(family.uuid_label), tuple(owned.by_uuid))
            case GpuWay.NODE:
                nodes = tuple(dict.fromkeys(node for job in jobs.values() for node in job.nodes))
                if not nodes:
                    return ()
                matcher = one_of(self._naming.of("Hostname"), nodes, tail=_NODE_TAIL)
        return read_gpus(
            await self._window(names, matcher),
            family,
            jobs,
            self._naming,
            now=now,
            rejected=rejected,
            owned=owned,
            by_node=found.gpu_way is GpuWay.NODE,
        )

    async def _owners(
        self,
        family: Family,
        jobs: Mapping[int, SampledJob],
        now: datetime,
        rejected: Counter[str],
    ) -> Owners:
        matchers = () if family.job_is_value else (self._of_jobs(family, jobs),)
        told = await self._window((self._naming.of(family.job_metric),), *matchers)
        return owners(told, family, jobs, self._naming, now=now, rejected=rejected)

    async def _loads(
        self,
        found: Found,
        jobs: Mapping[int, SampledJob],
        now: datetime,
        rejected: Counter[str],
    ) -> tuple[LoadSeen, ...]:
        family = found.family
        matchers = (
            self._of_jobs(family, jobs),
            *(equals(self._naming.of(name), value) for name, value in family.load_labels.items()),
        )
        told = await self._window(self._naming.all_of(family.load_metrics), *matchers)
        return read_loads(told, family, jobs, self._naming, now=now, rejected=rejected)

    def _of_jobs(self, family: Family, jobs: Mapping[int, SampledJob]) -> str:
        return one_of(self._naming.of(family.job_label), tuple(map(str, jobs)))

    async def _window(self, names: tuple[str, ...], *matchers: str) -> tuple[Series, ...]:
        asked = selector(names, (*matchers, *self._matchers), window_s=self._config.window_s)
        return await self._server.ask(asked)


def _well(rows: int) -> SectionOutcome:
    return SectionOutcome(name=SectionName.PROMETHEUS, ok=True, exit_status=None, rows=rows)
