"""What every sample of a cluster carries.

A sample says what one source showed at one moment. Nothing follows from a sample that is missing:
`SurveyFinished` says whether its question was answered, and when it is asked next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.nouns import Noun, digest, instant

NOTHING: Mapping[str, int] = {}


class Topic(StrEnum):
    """What a survey asks about; each has an interval of its own."""

    CAPACITY = "capacity"
    """Partitions, nodes, reservations, free GPUs."""
    SHARES = "shares"
    """Fair-share and use of accounts and users."""
    LIMITS = "limits"
    """Associations and QOS with their limits."""
    USAGE = "usage"
    """GPU and CPU time by account and user."""
    GRANTS = "grants"
    """What a site grants and counts in a service of its own."""
    QUOTAS = "quotas"
    SAMPLES = "samples"
    """GPU, CPU and memory use of running tracked jobs."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What every sample carries."""

    noun: ClassVar[Noun]
    verb: ClassVar[str] = "sampled"

    cluster: ClusterName
    observed_at: datetime
    """When the source showed it."""

    source: str
    """Where it was read: a command (`scontrol`, `sshare`), or `prometheus`, `opensearch`."""

    @property
    def fact_id(self) -> str:
        """The fact's id: once per source, thing and moment."""
        return digest(
            f"{self.noun}.{self.verb}",
            self.cluster,
            self.source,
            *self._identity(),
            instant(self.observed_at),
        )

    def _identity(self) -> tuple[str, ...]:
        """Give what tells two samples of one kind, source and moment apart."""
        return ()
