"""Which surveys a cluster gets, and how often each is asked."""

from collections.abc import Callable, Mapping, Sequence

from services.collector.surveys.survey import Survey
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.sample import Topic

DEFAULT_INTERVAL_S: Mapping[Topic, float] = {
    Topic.CAPACITY: 180,
    Topic.SHARES: 600,
    Topic.LIMITS: 1_800,
    Topic.USAGE: 3_600,
    Topic.QUOTAS: 900,
    Topic.SAMPLES: 30,
}

_MAKERS: Mapping[Topic, Callable[[ClusterConfig, float], Survey]] = {}


def surveys_of(config: ClusterConfig) -> Sequence[Survey]:
    """Give a cluster's surveys; one whose interval is 0 is not asked."""
    intervals_s = {**DEFAULT_INTERVAL_S, **config.survey_interval_s}
    return tuple(
        make(config, intervals_s[topic]) for topic, make in _MAKERS.items() if intervals_s[topic]
    )
