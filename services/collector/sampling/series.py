"""From series of exporters to readings of jobs; pure.

Nothing is taken on trust: a series is a job's when it says so by its number and stands on one of
the job's nodes. Where a server holds several clusters the numbers alone are somebody else's as
often as not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address

from services.collector.sampling.families import NODE_LABELS, Family, Measure, Quantity
from services.collector.sampling.jobs import SampledJob, short_name
from services.collector.sampling.judge import Absurdity
from services.collector.sampling.lines import CLOCK_SLACK
from services.collector.sampling.providers import GpuSeen, LoadSeen
from slurmfleet.gpu.readings import GpuReading, LoadReading
from slurmfleet.site.prometheus import Point, Series

STALE_AFTER_SCRAPES = 3
STALE_AFTER_S = 45.0
"""The least age at which a series is stale, however often it is scraped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How the site calls things."""

    rename: Mapping[str, str] = field(default_factory=dict[str, str])
    is_vouched_for: bool = False
    """Whether a label of the cluster or other matchers make sure that series are this cluster's."""

    def of(self, name: str) -> str:
        """Give the site's name."""
        return self.rename.get(name, name)

    def all_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """Give the site's names."""
        return tuple(map(self.of, names))


def newest(series: Series, now: datetime) -> Point | None:
    """Give the newest sample, unless the series has stopped by the measure of its own pace."""
    if not series.points:
        return None
    last = series.points[-1]
    age_s = (now - last.at).total_seconds()
    if len(series.points) > 1:
        first = series.points[0]
        pace_s = (last.at - first.at).total_seconds() / (len(series.points) - 1)
        if age_s > max(STALE_AFTER_SCRAPES * pace_s, STALE_AFTER_S):
            return None
    return last


def node_of(labels: Mapping[str, str], naming: Naming) -> str:
    """Give the short name of the node that a series is of; empty where none is told."""
    for label in NODE_LABELS:
        value = labels.get(naming.of(label), "")
        host = value.rpartition(":")[0] if value.rpartition(":")[2].isdigit() else value
        if host and not _is_address(host):
            return short_name(host)
    return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return host in {"localhost", ""}
    return True


@dataclass(slots=True, kw_only=True)
class Owners:
    """Whose each GPU is, by UUID, as a family's job metric says."""

    by_uuid: dict[str, list[SampledJob]] = field(default_factory=dict[str, list[SampledJob]])


def owners(
    series: Iterable[Series],
    family: Family,
    jobs: Mapping[int, SampledJob],
    naming: Naming,
    *,
    now: datetime,
    rejected: Counter[str],
) -> Owners:
    """Read the metric that says which GPU is whose."""
    found = Owners()
    uuid_label = naming.of(family.gpu_of_job_label or family.uuid_label)
    for one in series:
        point = newest(one, now)
        uuid = one.labels.get(uuid_label, "")
        if point is None or not uuid:
            continue
        if family.job_is_value:
            number = int(point.value) if 0 < point.value < 2**53 else 0
        else:
            number = _number(one.labels.get(naming.of(family.job_label), "")) if point.value else 0
        job = jobs.get(number)
        if job is None:
            continue
        if _stands_on(one, job, naming):
            found.by_uuid.setdefault(uuid, []).append(job)
        else:
            rejected[Absurdity.NOT_OURS] += 1
    return found


def _stands_on(series: Series, job: SampledJob, naming: Naming) -> bool:
    node = node_of(series.labels, naming)
    return node in job.nodes if node and job.nodes else naming.is_vouched_for


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0  # noqa: PLR2004 32 bits


@dataclass(slots=True, kw_only=True)
class _Bundle:
    """The newest values of one thing, by what they tell; sums where several series tell it."""

    labels: Mapping[str, str]
    values: dict[Quantity, float] = field(default_factory=dict[Quantity, float])
    seen_at: datetime | None = None

    def add(self, measure: Measure, point: Point) -> None:
        value = point.value * measure.scale
        if measure.quantity is Quantity.CPU_TIME:
            value += self.values.get(measure.quantity, 0.0)
        self.values[measure.quantity] = value
        self.seen_at = point.at if self.seen_at is None else max(self.seen_at, point.at)


def read_gpus(
    series: Iterable[Series],
    family: Family,
    jobs: Mapping[int, SampledJob],
    naming: Naming,
    *,
    now: datetime,
    rejected: Counter[str],
    owned: Owners | None = None,
    by_node: bool = False,
) -> tuple[GpuSeen, ...]:
    """Give the GPUs of jobs.

    Args:
        series: Of the family's GPU metrics.
        family: Its names.
        jobs: By Slurm's own number.
        naming: The site's names.
        now: The moment.
        rejected: Counts what is not the jobs'.
        owned: Whose each GPU is, where the series do not say.
        by_node: Whether neither says: then a job has a node's GPUs only where it has all of them.
    """
    measures = {naming.of(name): measure for name, measure in family.gpu_metrics.items()}
    bundles: dict[tuple[str, ...], _Bundle] = {}
    whose: dict[tuple[str, ...], list[SampledJob]] = {}
    for one in series:
        measure, point = measures.get(one.name), newest(one, now)
        if measure is None or point is None:
            continue
        key = _gpu_key(one.labels, family, naming)
        found = _owners_of(one, family, jobs, naming, owned=owned, by_node=by_node)
        if found and point.at < max(job.started_at for job in found) - CLOCK_SLACK:
            rejected[Absurdity.BEFORE_START] += 1
            continue
        if not found:
            rejected[Absurdity.NOT_OURS] += 1
            continue
        bundle = bundles.setdefault((*key, str(found[0].raw_id)), _Bundle(labels=one.labels))
        bundle.add(measure, point)
        whose[*key, str(found[0].raw_id)] = found
    if by_node:
        whose = _whole_nodes_only(whose, rejected)
    return tuple(
        GpuSeen(job_id=job.job_id, node=key[0], seen_at=bundle.seen_at, reading=reading)
        for key, bundle in bundles.items()
        for job in whose.get(key, ())
        if bundle.seen_at is not None and (reading := _gpu(bundle, family, naming)).tells
    )


def _gpu_key(labels: Mapping[str, str], family: Family, naming: Naming) -> tuple[str, ...]:
    names = (family.uuid_label, family.instance_label, family.index_label)
    return (
        node_of(labels, naming),
        *(labels.get(naming.of(name), "") if name else "" for name in names),
    )


def _owners_of(
    series: Series,
    family: Family,
    jobs: Mapping[int, SampledJob],
    naming: Naming,
    *,
    owned: Owners | None,
    by_node: bool,
) -> list[SampledJob]:
    if by_node:
        node = node_of(series.labels, naming)
        return [job for job in jobs.values() if node and node in job.nodes and job.gpu_count]
    if owned is not None:
        return owned.by_uuid.get(series.labels.get(naming.of(family.uuid_label), ""), [])
    job = jobs.get(_number(series.labels.get(naming.of(family.job_label), "")))
    return [job] if job is not None and _stands_on(series, job, naming) else []


def _whole_nodes_only(
    whose: Mapping[tuple[str, ...], list[SampledJob]], rejected: Counter[str]
) -> dict[tuple[str, ...], list[SampledJob]]:
    """Keep the GPUs of nodes of which one job alone has every GPU."""
    on_node: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for key in whose:
        on_node[key[0]].add(key[:-1])
    kept: dict[tuple[str, ...], list[SampledJob]] = {}
    for key, jobs in whose.items():
        if len(jobs) == 1 and jobs[0].gpus_per_node == len(on_node[key[0]]):
            kept[key] = jobs
        else:
            rejected[Absurdity.NOT_OURS] += 1
    return kept


def _gpu(bundle: _Bundle, family: Family, naming: Naming) -> GpuReading:
    values, labels = bundle.values, bundle.labels

    def told(label: str) -> str:
        return labels.get(naming.of(label), "") if label else ""

    instance, index = told(family.instance_label), told(family.index_label)
    uuid = told(family.uuid_label)
    used, free = values.get(Quantity.GPU_USED), values.get(Quantity.GPU_FREE)
    total = values.get(Quantity.GPU_TOTAL)
    if total is None and used is not None and free is not None:
        total = used + free + values.get(Quantity.GPU_RESERVED, 0.0)
    return GpuReading(
        uuid=f"{uuid}/{instance}" if instance and uuid.startswith("GPU-") else uuid,
        index=int(index) if index.isascii() and index.isdigit() and len(index) < 4 else None,  # noqa: PLR2004
        model=told(family.model_label),
        mig_profile=told(family.profile_label),
        utilization_pct=values.get(Quantity.GPU_UTILIZATION, values.get(Quantity.GPU_ENGINE)),
        memory_used_mib=used,
        memory_total_mib=total,
        power_w=None if instance else values.get(Quantity.GPU_POWER),
        temperature_c=None if instance else values.get(Quantity.GPU_TEMPERATURE),
    )


def read_loads(
    series: Iterable[Series],
    family: Family,
    jobs: Mapping[int, SampledJob],
    naming: Naming,
    *,
    now: datetime,
    rejected: Counter[str],
) -> tuple[LoadSeen, ...]:
    """Give CPU and memory use of jobs, node by node."""
    measures = {naming.of(name): measure for name, measure in family.load_metrics.items()}
    bundles: dict[tuple[int, str], _Bundle] = {}
    for one in series:
        measure, point = measures.get(one.name), newest(one, now)
        job = jobs.get(_number(one.labels.get(naming.of(family.job_label), "")))
        if measure is None or point is None or job is None:
            continue
        if not _stands_on(one, job, naming):
            rejected[Absurdity.NOT_OURS] += 1
            continue
        key = (job.raw_id, node_of(one.labels, naming))
        bundles.setdefault(key, _Bundle(labels=one.labels)).add(measure, point)
    return tuple(
        _load(jobs[raw_id], node, bundle)
        for (raw_id, node), bundle in bundles.items()
        if bundle.seen_at is not None
    )


def _load(job: SampledJob, node: str, bundle: _Bundle) -> LoadSeen:
    values = bundle.values
    cpus = values.get(Quantity.CPUS, 0.0)
    assert bundle.seen_at is not None  # noqa: S101 the caller has looked
    return LoadSeen(
        job_id=job.job_id,
        node=node,
        seen_at=bundle.seen_at,
        reading=LoadReading(
            cpu_time_s=values.get(Quantity.CPU_TIME),
            memory_used_mib=values.get(Quantity.MEMORY_USED),
            memory_limit_mib=values.get(Quantity.MEMORY_LIMIT),
        ),
        cpu_count=int(cpus) if 0 < cpus < 2**20 else job.cpus_per_node,
    )
