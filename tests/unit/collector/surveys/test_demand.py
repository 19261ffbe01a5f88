"""Demand by partition and type."""

from services.collector.surveys.demand import demand_by_partition
from slurmfleet.contracts.capacity import GpuDemand
from slurmfleet.slurm.waiting import Waiting


def waiting(partitions: str, gpu_type: str, jobs: int, gpus: int, *, eligible: bool) -> Waiting:
    return Waiting(
        partitions=partitions, gpu_type=gpu_type, is_eligible=eligible, jobs=jobs, gpus=gpus
    )


def test_typed_and_untyped_demand_are_apart_and_a_job_counts_in_each_of_its_partitions():
    demand = demand_by_partition(
        (
            waiting("a", "h100", 2, 16, eligible=True),
            waiting("a", "h100", 1, 8, eligible=False),
            waiting("a,b", "", 3, 6, eligible=True),
        )
    )

    typed = GpuDemand(gpu_type="h100", jobs=3, gpus=24, eligible_jobs=2, eligible_gpus=16)
    untyped = GpuDemand(gpu_type="", jobs=3, gpus=6, eligible_jobs=3, eligible_gpus=6)
    assert demand == {"": (untyped, typed), "a": (untyped, typed), "b": (untyped,)}
