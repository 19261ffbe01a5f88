"""Every kind of sample there is."""

from slurmfleet.contracts.capacity import PartitionSampled
from slurmfleet.contracts.quotas import QuotaSampled
from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.shares import OccupancySampled, QosSampled, ShareSampled, UsageSampled
from slurmfleet.contracts.surveys import RollCalled, SurveyFinished
from slurmfleet.contracts.use import GpuSampled, LoadSampled, SamplingMissed

SAMPLE_KINDS: tuple[type[Sample], ...] = (
    PartitionSampled,
    ShareSampled,
    QosSampled,
    UsageSampled,
    OccupancySampled,
    QuotaSampled,
    GpuSampled,
    LoadSampled,
    SamplingMissed,
    SurveyFinished,
    RollCalled,
)
"""Every kind of sample; `codec` has one protobuf message of the same name and shape for each."""
