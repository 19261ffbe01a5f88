"""What waiting jobs of everybody ask for, by partition and type of GPU; pure."""

from collections.abc import Iterable, Mapping

from slurmfleet.contracts.capacity import GpuDemand
from slurmfleet.slurm.waiting import Waiting

WHOLE_CLUSTER = ""


def demand_by_partition(waiting: Iterable[Waiting]) -> Mapping[str, tuple[GpuDemand, ...]]:
    """Give the demand of each partition and, under "", of the cluster, sorted by type.

    A job that may go to several partitions counts in each, and once in the cluster.
    """
    sums: dict[tuple[str, str], GpuDemand] = {}
    for one in waiting:
        for partition in {WHOLE_CLUSTER, *one.partitions.split(",")}:
            key = (partition, one.gpu_type)
            before = sums.get(key, GpuDemand(gpu_type=one.gpu_type, jobs=0, gpus=0))
            sums[key] = GpuDemand(
                gpu_type=one.gpu_type,
                jobs=before.jobs + one.jobs,
                gpus=before.gpus + one.gpus,
                eligible_jobs=before.eligible_jobs + (one.jobs if one.is_eligible else 0),
                eligible_gpus=before.eligible_gpus + (one.gpus if one.is_eligible else 0),
            )
    found: dict[str, list[GpuDemand]] = {}
    for (partition, _), demand in sorted(sums.items()):
        found.setdefault(partition, []).append(demand)
    return {partition: tuple(demands) for partition, demands in found.items()}
