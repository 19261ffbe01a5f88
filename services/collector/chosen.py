"""Which surveys a cluster gets, how often each is asked, and what they need to be open."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.collector.sampling.prometheus import PrometheusProvider
from services.collector.sampling.providers import Provider
from services.collector.sampling.sidecar import SidecarProvider
from services.collector.sampling.sstat import SstatProvider
from services.collector.sampling.step import StepSampler
from services.collector.sampling.survey import SamplingSurvey
from services.collector.surveys.capacity import CapacitySurvey
from services.collector.surveys.grants import GrantSurvey
from services.collector.surveys.limits import LimitSurvey
from services.collector.surveys.quotas import QuotaSurvey
from services.collector.surveys.sharebook import ShareBook
from services.collector.surveys.shares import ShareSurvey
from services.collector.surveys.survey import Survey
from services.collector.surveys.usage import UsageSurvey
from slurmfleet.contracts.registry import ClusterConfig, SampleProvider
from slurmfleet.contracts.sample import Topic
from slurmfleet.site.errors import SiteConfigError
from slurmfleet.site.http import Places, open_site
from slurmfleet.site.service import service_of
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

DEFAULT_INTERVAL_S: Mapping[Topic, float] = {
    Topic.CAPACITY: 180,
    Topic.SHARES: 600,
    Topic.LIMITS: 1_800,
    Topic.USAGE: 3_600,
    Topic.GRANTS: 900,
    Topic.QUOTAS: 900,
}
"""In all some 1.5 requests a minute; of samples the registry's `sampling` says the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveys:
    """What is asked of one cluster beside the looks."""

    surveys: tuple[Survey, ...] = ()
    steps: StepSampler | None = None
    """Holds steps open in jobs; runs beside the surveys. None where the registry allows none."""


NO_SURVEYS = Surveys()


@asynccontextmanager
async def open_surveys(
    config: ClusterConfig, *, places: Places, clock: Clock
) -> AsyncGenerator[Surveys]:
    """Give a cluster's surveys, with the ways to the site's services open while the body runs.

    Args:
        config: The cluster; a topic whose interval is 0 there is not surveyed.
        places: What this process may ask of HTTP services at once.
        clock: For all times.
    """
    async with AsyncExitStack() as stack:
        providers, steps = await _providers(config, stack, places=places, clock=clock)
        surveys: list[Survey] = list(_slurm_surveys(config, stack))
        interval_s = config.survey_interval_s.get(Topic.GRANTS, DEFAULT_INTERVAL_S[Topic.GRANTS])
        if config.opensearch is not None and interval_s:
            surveys.append(GrantSurvey(places, interval_s=interval_s))
        if providers and config.survey_interval_s.get(Topic.SAMPLES) != 0:
            surveys.append(SamplingSurvey(config, providers))
        yield Surveys(surveys=tuple(surveys), steps=steps)


def _slurm_surveys(config: ClusterConfig, stack: AsyncExitStack) -> Sequence[Survey]:
    wanted = {**DEFAULT_INTERVAL_S, **config.survey_interval_s}
    book = ShareBook()
    capacity = CapacitySurvey(config.name, interval_s=wanted[Topic.CAPACITY])
    stack.callback(capacity.close)
    made: dict[Topic, Survey] = {
        Topic.CAPACITY: capacity,
        Topic.SHARES: ShareSurvey(book, interval_s=wanted[Topic.SHARES]),
        Topic.LIMITS: LimitSurvey(book, interval_s=wanted[Topic.LIMITS]),
        Topic.USAGE: UsageSurvey(book, interval_s=wanted[Topic.USAGE]),
        Topic.QUOTAS: QuotaSurvey(interval_s=wanted[Topic.QUOTAS]),
    }
    return [survey for topic, survey in made.items() if wanted[topic]]


async def _providers(
    config: ClusterConfig, stack: AsyncExitStack, *, places: Places, clock: Clock
) -> tuple[list[Provider], StepSampler | None]:
    """Make the sources of samples that the cluster allows, the best one first."""
    sampling, steps = config.sampling, None
    providers: list[Provider] = []
    for kind in sampling.providers:
        match kind:
            case SampleProvider.PROMETHEUS:
                if (
                    one := await _prometheus(config, stack, places=places, clock=clock)
                ) is not None:
                    providers.append(one)
            case SampleProvider.SSTAT if sampling.sstat_jobs_per_minute:
                providers.append(SstatProvider(sampling))
            case SampleProvider.SIDECAR:
                providers.append(SidecarProvider())
            case SampleProvider.STEP if sampling.steps:
                steps = StepSampler(sampling, cluster=config.name, clock=clock)
                providers.append(steps)
            case _:
                pass
    return providers, steps


async def _prometheus(
    config: ClusterConfig, stack: AsyncExitStack, *, places: Places, clock: Clock
) -> Provider | None:
    """Open the way to a site's Prometheus; a wrong setting costs this source and no other."""
    if config.prometheus is None:
        return None
    try:
        service = service_of(config.name, "prometheus", config.prometheus)
        http = await stack.enter_async_context(open_site(service, places=places, clock=clock))
    except SiteConfigError as exc:
        logger().error("prometheus cannot be asked", cluster=config.name, error=str(exc))
        return None
    return PrometheusProvider(
        http, config.prometheus, cluster=config.name, interval_s=config.sampling.interval_s
    )
