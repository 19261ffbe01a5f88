"""What exporters call what we want to know: metrics, labels, units, and how each names a job.

A family says in data what is particular to it; `series` reads all of them alike. Names may be
changed by the configuration's `rename`, which maps the names below to the site's.

Source:
  dcgm      dcgm-exporter, etc/default-counters.csv and its HPC job mapping (label `hpc_job`):
            MiB, W, C; GPU_UTIL is not told of MIG slices, PROF_GR_ENGINE_ACTIVE (0 to 1) is.
  jobstats  PrincetonUniversity/jobstats, docs/setup: nvidia_gpu_* in bytes and milliwatts, the job
            as the value of nvidia_gpu_jobId or, since September 2025, in a label `jobid`; cgroup_*
            by `jobid`, whole jobs have empty `step` and `task`.
  ceems     CEEMS exporter, pkg/collector: the job id in `uuid`, one flag per GPU with `gpuuuid`,
            whose numbers stand in dcgm-exporter's series with the same `UUID`.
  slurm-job-exporter  guilbaults/slurm-job-exporter: `slurmjobid`, bytes, milliwatts, nanoseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from slurmfleet.contracts.registry import ExporterFamily

MIB = 2.0**20


class Quantity(StrEnum):
    """What a series tells."""

    GPU_UTILIZATION = "gpu_utilization"
    GPU_ENGINE = "gpu_engine"
    """Share of time in which the graphics engine worked; where there is no utilization."""
    GPU_USED = "gpu_used"
    GPU_FREE = "gpu_free"
    GPU_RESERVED = "gpu_reserved"
    GPU_TOTAL = "gpu_total"
    GPU_POWER = "gpu_power"
    GPU_TEMPERATURE = "gpu_temperature"
    GPU_JOB = "gpu_job"
    """The job's number as a value; or a flag whose labels say which GPU is whose."""
    CPU_TIME = "cpu_time"
    """Added up over the series of a node: user and system, or one per core."""
    CPUS = "cpus"
    MEMORY_USED = "memory_used"
    MEMORY_LIMIT = "memory_limit"


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric: what it tells, and the factor to our unit."""

    quantity: Quantity
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One exporter's names."""

    name: ExporterFamily
    gpu_metrics: Mapping[str, Measure]
    load_metrics: Mapping[str, Measure] = field(default_factory=dict[str, Measure])
    job_label: str
    """Holds Slurm's number of the job."""

    job_metric: str = ""
    """A series per GPU that says whose it is, where the others have no job label."""

    job_is_value: bool = False
    """Whether `job_metric` says it by its value."""

    gpu_of_job_label: str = ""
    """Label of `job_metric` with the GPU's UUID, where other series are looked up by it."""

    uuid_label: str = ""
    index_label: str = ""
    model_label: str = ""
    profile_label: str = ""
    instance_label: str = ""
    """Number of the MIG slice's GPU instance."""

    load_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the load series of a whole job have besides."""


_DCGM_METRICS: Mapping[str, Measure] = {
    "DCGM_FI_DEV_GPU_UTIL": Measure(Quantity.GPU_UTILIZATION),
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": Measure(Quantity.GPU_ENGINE, 100.0),
    "DCGM_FI_DEV_FB_USED": Measure(Quantity.GPU_USED),
    "DCGM_FI_DEV_FB_FREE": Measure(Quantity.GPU_FREE),
    "DCGM_FI_DEV_FB_RESERVED": Measure(Quantity.GPU_RESERVED),
    "DCGM_FI_DEV_POWER_USAGE": Measure(Quantity.GPU_POWER),
    "DCGM_FI_DEV_GPU_TEMP": Measure(Quantity.GPU_TEMPERATURE),
}

DCGM = Family(
    name=ExporterFamily.DCGM,
    gpu_metrics=_DCGM_METRICS,
    job_label="hpc_job",
    uuid_label="UUID",
    index_label="gpu",
    model_label="modelName",
    profile_label="GPU_I_PROFILE",
    instance_label="GPU_I_ID",
)
JOBSTATS = Family(
    name=ExporterFamily.JOBSTATS,
    gpu_metrics={
        "nvidia_gpu_duty_cycle": Measure(Quantity.GPU_UTILIZATION),
        "nvidia_gpu_memory_used_bytes": Measure(Quantity.GPU_USED, 1 / MIB),
        "nvidia_gpu_memory_total_bytes": Measure(Quantity.GPU_TOTAL, 1 / MIB),
        "nvidia_gpu_power_usage_milliwatts": Measure(Quantity.GPU_POWER, 1e-3),
        "nvidia_gpu_temperature_celsius": Measure(Quantity.GPU_TEMPERATURE),
    },
    load_metrics={
        "cgroup_cpu_total_seconds": Measure(Quantity.CPU_TIME),
        "cgroup_cpus": Measure(Quantity.CPUS),
        "cgroup_memory_rss_bytes": Measure(Quantity.MEMORY_USED, 1 / MIB),
        "cgroup_memory_total_bytes": Measure(Quantity.MEMORY_LIMIT, 1 / MIB),
    },
    job_label="jobid",
    job_metric="nvidia_gpu_jobId",
    job_is_value=True,
    uuid_label="uuid",
    index_label="minor_number",
    model_label="name",
    load_labels={"step": "", "task": ""},
)
CEEMS = Family(
    name=ExporterFamily.CEEMS,
    gpu_metrics=_DCGM_METRICS,
    load_metrics={
        "ceems_compute_unit_cpu_user_seconds_total": Measure(Quantity.CPU_TIME),
        "ceems_compute_unit_cpu_system_seconds_total": Measure(Quantity.CPU_TIME),
        "ceems_compute_unit_cpus": Measure(Quantity.CPUS),
        "ceems_compute_unit_memory_rss_bytes": Measure(Quantity.MEMORY_USED, 1 / MIB),
        "ceems_compute_unit_memory_total_bytes": Measure(Quantity.MEMORY_LIMIT, 1 / MIB),
    },
    job_label="uuid",
    job_metric="ceems_compute_unit_gpu_index_flag",
    gpu_of_job_label="gpuuuid",
    uuid_label="UUID",
    index_label="gpu",
    model_label="modelName",
    profile_label="GPU_I_PROFILE",
    instance_label="GPU_I_ID",
)
JOB_EXPORTER = Family(
    name=ExporterFamily.JOB_EXPORTER,
    gpu_metrics={
        "slurm_job_utilization_gpu": Measure(Quantity.GPU_UTILIZATION),
        "slurm_job_memory_usage_gpu": Measure(Quantity.GPU_USED, 1 / MIB),
        "slurm_job_power_gpu": Measure(Quantity.GPU_POWER, 1e-3),
    },
    load_metrics={
        "slurm_job_core_usage_total": Measure(Quantity.CPU_TIME, 1e-9),
        "slurm_job_memory_rss": Measure(Quantity.MEMORY_USED, 1 / MIB),
        "slurm_job_memory_limit": Measure(Quantity.MEMORY_LIMIT, 1 / MIB),
    },
    job_label="slurmjobid",
    index_label="gpu",
    model_label="gpu_type",
)
FAMILIES: Mapping[ExporterFamily, Family] = {
    one.name: one for one in (DCGM, JOBSTATS, CEEMS, JOB_EXPORTER)
}

NODE_LABELS = ("Hostname", "hostname", "host", "node", "nodename", "exported_instance", "instance")
"""Where a series says which node it is of, in the order in which they are believed."""
