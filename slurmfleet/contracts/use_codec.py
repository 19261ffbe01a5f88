"""Samples of running jobs to and from their protobuf messages, the fast way.

`mirror` does it for every kind of sample by its type hints; these two come in thousands a second,
and by hand they cost a fraction. A test holds both ways to the same result.
"""

from datetime import datetime
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.moments import from_timestamp, to_timestamp
from slurmfleet.contracts.use import GpuSampled, LoadSampled
from slurmfleet.pb.v1 import samples_pb2 as pb

_MOMENTS = 4_096
"""Of a pack: one or two for its samples, and one per job for its submission."""


def gpu_to_pb(sample: GpuSampled) -> pb.GpuSampled:
    """Give the message of a GPU sample; None is a field that is absent."""
    return pb.GpuSampled(
        cluster=sample.cluster,
        observed_at=_stamp(sample.observed_at),
        source=sample.source,
        job_id=sample.job_id,
        submitted_at=_stamp(sample.submitted_at),
        node=sample.node,
        gpu_uuid=sample.gpu_uuid,
        gpu_index=sample.gpu_index,
        mig_profile=sample.mig_profile,
        model=sample.model,
        gpu_count=sample.gpu_count,
        span_s=sample.span_s,
        utilization_pct=sample.utilization_pct,
        memory_used_mib=sample.memory_used_mib,
        memory_total_mib=sample.memory_total_mib,
        power_w=sample.power_w,
        temperature_c=sample.temperature_c,
    )


def load_to_pb(sample: LoadSampled) -> pb.LoadSampled:
    """Give the message of a load sample; None is a field that is absent."""
    return pb.LoadSampled(
        cluster=sample.cluster,
        observed_at=_stamp(sample.observed_at),
        source=sample.source,
        job_id=sample.job_id,
        submitted_at=_stamp(sample.submitted_at),
        node=sample.node,
        span_s=sample.span_s,
        cpu_count=sample.cpu_count,
        cpu_utilization_pct=sample.cpu_utilization_pct,
        cpu_time_s=sample.cpu_time_s,
        memory_used_mib=sample.memory_used_mib,
        memory_peak_mib=sample.memory_peak_mib,
        memory_limit_mib=sample.memory_limit_mib,
        disk_read_mib=sample.disk_read_mib,
        disk_written_mib=sample.disk_written_mib,
    )


def gpu_from_pb(message: pb.GpuSampled) -> GpuSampled:
    """Give the GPU sample of a message.

    A number that is not zero is there: asking whether it is costs more than reading it.
    """
    has = message.HasField
    return GpuSampled(
        cluster=ClusterName(message.cluster),
        observed_at=from_timestamp(message.observed_at),
        source=message.source,
        job_id=JobId(message.job_id),
        submitted_at=from_timestamp(message.submitted_at),
        node=message.node,
        gpu_uuid=message.gpu_uuid,
        gpu_index=message.gpu_index or (message.gpu_index if has("gpu_index") else None),
        mig_profile=message.mig_profile,
        model=message.model,
        gpu_count=message.gpu_count,
        span_s=message.span_s or (message.span_s if has("span_s") else None),
        utilization_pct=message.utilization_pct
        or (message.utilization_pct if has("utilization_pct") else None),
        memory_used_mib=message.memory_used_mib
        or (message.memory_used_mib if has("memory_used_mib") else None),
        memory_total_mib=message.memory_total_mib
        or (message.memory_total_mib if has("memory_total_mib") else None),
        power_w=message.power_w or (message.power_w if has("power_w") else None),
        temperature_c=message.temperature_c
        or (message.temperature_c if has("temperature_c") else None),
    )


def load_from_pb(message: pb.LoadSampled) -> LoadSampled:
    """Give the load sample of a message."""
    has = message.HasField
    return LoadSampled(
        cluster=ClusterName(message.cluster),
        observed_at=from_timestamp(message.observed_at),
        source=message.source,
        job_id=JobId(message.job_id),
        submitted_at=from_timestamp(message.submitted_at),
        node=message.node,
        span_s=message.span_s or (message.span_s if has("span_s") else None),
        cpu_count=message.cpu_count or (message.cpu_count if has("cpu_count") else None),
        cpu_utilization_pct=message.cpu_utilization_pct
        or (message.cpu_utilization_pct if has("cpu_utilization_pct") else None),
        cpu_time_s=message.cpu_time_s or (message.cpu_time_s if has("cpu_time_s") else None),
        memory_used_mib=message.memory_used_mib
        or (message.memory_used_mib if has("memory_used_mib") else None),
        memory_peak_mib=message.memory_peak_mib
        or (message.memory_peak_mib if has("memory_peak_mib") else None),
        memory_limit_mib=message.memory_limit_mib
        or (message.memory_limit_mib if has("memory_limit_mib") else None),
        disk_read_mib=message.disk_read_mib
        or (message.disk_read_mib if has("disk_read_mib") else None),
        disk_written_mib=message.disk_written_mib
        or (message.disk_written_mib if has("disk_written_mib") else None),
    )


@lru_cache(maxsize=_MOMENTS)
def _stamp(moment: datetime) -> Timestamp:
    """Give the message of a moment; whoever gets it copies it and leaves it as it is."""
    return to_timestamp(moment)
