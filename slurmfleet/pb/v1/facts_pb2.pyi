import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from slurmfleet.pb.v1 import samples_pb2 as _samples_pb2
from slurmfleet.pb.v1 import sections_pb2 as _sections_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FactPack(_message.Message):
    __slots__ = ("facts",)
    FACTS_FIELD_NUMBER: _ClassVar[int]
    facts: _containers.RepeatedCompositeFieldContainer[Fact]
    def __init__(self, facts: _Optional[_Iterable[_Union[Fact, _Mapping]]] = ...) -> None: ...

class Fact(_message.Message):
    __slots__ = ("id", "job_submitted", "job_started", "job_changed", "job_ended", "job_vanished", "poll_finished", "partition_sampled", "share_sampled", "qos_sampled", "usage_sampled", "quota_sampled", "gpu_sampled", "load_sampled", "sampling_missed", "survey_finished", "roll_called", "occupancy_sampled")
    ID_FIELD_NUMBER: _ClassVar[int]
    JOB_SUBMITTED_FIELD_NUMBER: _ClassVar[int]
    JOB_STARTED_FIELD_NUMBER: _ClassVar[int]
    JOB_CHANGED_FIELD_NUMBER: _ClassVar[int]
    JOB_ENDED_FIELD_NUMBER: _ClassVar[int]
    JOB_VANISHED_FIELD_NUMBER: _ClassVar[int]
    POLL_FINISHED_FIELD_NUMBER: _ClassVar[int]
    PARTITION_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    SHARE_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    QOS_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    USAGE_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    QUOTA_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    GPU_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    LOAD_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_MISSED_FIELD_NUMBER: _ClassVar[int]
    SURVEY_FINISHED_FIELD_NUMBER: _ClassVar[int]
    ROLL_CALLED_FIELD_NUMBER: _ClassVar[int]
    OCCUPANCY_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    id: str
    job_submitted: JobSubmitted
    job_started: JobStarted
    job_changed: JobChanged
    job_ended: JobEnded
    job_vanished: JobVanished
    poll_finished: PollFinished
    partition_sampled: _samples_pb2.PartitionSampled
    share_sampled: _samples_pb2.ShareSampled
    qos_sampled: _samples_pb2.QosSampled
    usage_sampled: _samples_pb2.UsageSampled
    quota_sampled: _samples_pb2.QuotaSampled
    gpu_sampled: _samples_pb2.GpuSampled
    load_sampled: _samples_pb2.LoadSampled
    sampling_missed: _samples_pb2.SamplingMissed
    survey_finished: _samples_pb2.SurveyFinished
    roll_called: _samples_pb2.RollCalled
    occupancy_sampled: _samples_pb2.OccupancySampled
    def __init__(self, id: _Optional[str] = ..., job_submitted: _Optional[_Union[JobSubmitted, _Mapping]] = ..., job_started: _Optional[_Union[JobStarted, _Mapping]] = ..., job_changed: _Optional[_Union[JobChanged, _Mapping]] = ..., job_ended: _Optional[_Union[JobEnded, _Mapping]] = ..., job_vanished: _Optional[_Union[JobVanished, _Mapping]] = ..., poll_finished: _Optional[_Union[PollFinished, _Mapping]] = ..., partition_sampled: _Optional[_Union[_samples_pb2.PartitionSampled, _Mapping]] = ..., share_sampled: _Optional[_Union[_samples_pb2.ShareSampled, _Mapping]] = ..., qos_sampled: _Optional[_Union[_samples_pb2.QosSampled, _Mapping]] = ..., usage_sampled: _Optional[_Union[_samples_pb2.UsageSampled, _Mapping]] = ..., quota_sampled: _Optional[_Union[_samples_pb2.QuotaSampled, _Mapping]] = ..., gpu_sampled: _Optional[_Union[_samples_pb2.GpuSampled, _Mapping]] = ..., load_sampled: _Optional[_Union[_samples_pb2.LoadSampled, _Mapping]] = ..., sampling_missed: _Optional[_Union[_samples_pb2.SamplingMissed, _Mapping]] = ..., survey_finished: _Optional[_Union[_samples_pb2.SurveyFinished, _Mapping]] = ..., roll_called: _Optional[_Union[_samples_pb2.RollCalled, _Mapping]] = ..., occupancy_sampled: _Optional[_Union[_samples_pb2.OccupancySampled, _Mapping]] = ...) -> None: ...

class JobSubmitted(_message.Message):
    __slots__ = ("observation", "job")
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    observation: Observation
    job: Job
    def __init__(self, observation: _Optional[_Union[Observation, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class JobStarted(_message.Message):
    __slots__ = ("observation", "job")
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    observation: Observation
    job: Job
    def __init__(self, observation: _Optional[_Union[Observation, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class JobChanged(_message.Message):
    __slots__ = ("observation", "job", "changed")
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    observation: Observation
    job: Job
    changed: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, observation: _Optional[_Union[Observation, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ..., changed: _Optional[_Iterable[str]] = ...) -> None: ...

class JobEnded(_message.Message):
    __slots__ = ("observation", "job")
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    observation: Observation
    job: Job
    def __init__(self, observation: _Optional[_Union[Observation, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class JobVanished(_message.Message):
    __slots__ = ("observation", "job")
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    observation: Observation
    job: Job
    def __init__(self, observation: _Optional[_Union[Observation, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("cluster", "observed_at", "revision", "source")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    revision: int
    source: str
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revision: _Optional[int] = ..., source: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("job_id", "raw_id", "submitted_at", "state", "state_flags", "reason", "name", "user", "account", "partition", "qos", "eligible_at", "started_at", "expected_start_at", "ended_at", "time_limit_s", "node_count", "node_list", "cpu_count", "memory_mib", "gpu_count", "gpus_by_type", "tres", "priority", "dependency", "work_dir", "command", "stdout_path", "stderr_path", "comment", "submit_line", "restart_count", "exit_code", "exit_signal", "array_job_id", "array_task_id", "array_pending", "task_states", "het_job_id", "het_offset", "node_names", "node_names_cut", "batch_host", "gpu_source", "dependencies", "request", "stdin_path", "unexpanded_paths", "sluid")
    class GpusByTypeEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class TaskStatesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RAW_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_FLAGS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    QOS_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_START_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_S_FIELD_NUMBER: _ClassVar[int]
    NODE_COUNT_FIELD_NUMBER: _ClassVar[int]
    NODE_LIST_FIELD_NUMBER: _ClassVar[int]
    CPU_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    GPU_COUNT_FIELD_NUMBER: _ClassVar[int]
    GPUS_BY_TYPE_FIELD_NUMBER: _ClassVar[int]
    TRES_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCY_FIELD_NUMBER: _ClassVar[int]
    WORK_DIR_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    STDOUT_PATH_FIELD_NUMBER: _ClassVar[int]
    STDERR_PATH_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_LINE_FIELD_NUMBER: _ClassVar[int]
    RESTART_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    EXIT_SIGNAL_FIELD_NUMBER: _ClassVar[int]
    ARRAY_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ARRAY_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ARRAY_PENDING_FIELD_NUMBER: _ClassVar[int]
    TASK_STATES_FIELD_NUMBER: _ClassVar[int]
    HET_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    HET_OFFSET_FIELD_NUMBER: _ClassVar[int]
    NODE_NAMES_FIELD_NUMBER: _ClassVar[int]
    NODE_NAMES_CUT_FIELD_NUMBER: _ClassVar[int]
    BATCH_HOST_FIELD_NUMBER: _ClassVar[int]
    GPU_SOURCE_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    STDIN_PATH_FIELD_NUMBER: _ClassVar[int]
    UNEXPANDED_PATHS_FIELD_NUMBER: _ClassVar[int]
    SLUID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    raw_id: int
    submitted_at: _timestamp_pb2.Timestamp
    state: str
    state_flags: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    name: str
    user: str
    account: str
    partition: str
    qos: str
    eligible_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    expected_start_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    time_limit_s: int
    node_count: int
    node_list: str
    cpu_count: int
    memory_mib: int
    gpu_count: int
    gpus_by_type: _containers.ScalarMap[str, int]
    tres: str
    priority: int
    dependency: str
    work_dir: str
    command: str
    stdout_path: str
    stderr_path: str
    comment: str
    submit_line: str
    restart_count: int
    exit_code: int
    exit_signal: int
    array_job_id: int
    array_task_id: int
    array_pending: str
    task_states: _containers.ScalarMap[str, int]
    het_job_id: int
    het_offset: int
    node_names: _containers.RepeatedScalarFieldContainer[str]
    node_names_cut: bool
    batch_host: str
    gpu_source: str
    dependencies: _containers.RepeatedCompositeFieldContainer[Dependency]
    request: JobRequest
    stdin_path: str
    unexpanded_paths: _containers.RepeatedScalarFieldContainer[str]
    sluid: str
    def __init__(self, job_id: _Optional[str] = ..., raw_id: _Optional[int] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[str] = ..., state_flags: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., name: _Optional[str] = ..., user: _Optional[str] = ..., account: _Optional[str] = ..., partition: _Optional[str] = ..., qos: _Optional[str] = ..., eligible_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expected_start_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_limit_s: _Optional[int] = ..., node_count: _Optional[int] = ..., node_list: _Optional[str] = ..., cpu_count: _Optional[int] = ..., memory_mib: _Optional[int] = ..., gpu_count: _Optional[int] = ..., gpus_by_type: _Optional[_Mapping[str, int]] = ..., tres: _Optional[str] = ..., priority: _Optional[int] = ..., dependency: _Optional[str] = ..., work_dir: _Optional[str] = ..., command: _Optional[str] = ..., stdout_path: _Optional[str] = ..., stderr_path: _Optional[str] = ..., comment: _Optional[str] = ..., submit_line: _Optional[str] = ..., restart_count: _Optional[int] = ..., exit_code: _Optional[int] = ..., exit_signal: _Optional[int] = ..., array_job_id: _Optional[int] = ..., array_task_id: _Optional[int] = ..., array_pending: _Optional[str] = ..., task_states: _Optional[_Mapping[str, int]] = ..., het_job_id: _Optional[int] = ..., het_offset: _Optional[int] = ..., node_names: _Optional[_Iterable[str]] = ..., node_names_cut: _Optional[bool] = ..., batch_host: _Optional[str] = ..., gpu_source: _Optional[str] = ..., dependencies: _Optional[_Iterable[_Union[Dependency, _Mapping]]] = ..., request: _Optional[_Union[JobRequest, _Mapping]] = ..., stdin_path: _Optional[str] = ..., unexpanded_paths: _Optional[_Iterable[str]] = ..., sluid: _Optional[str] = ...) -> None: ...

class Dependency(_message.Message):
    __slots__ = ("kind", "job_id", "array_task_id", "is_whole_array", "delay_min", "any_suffices", "state")
    KIND_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ARRAY_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    IS_WHOLE_ARRAY_FIELD_NUMBER: _ClassVar[int]
    DELAY_MIN_FIELD_NUMBER: _ClassVar[int]
    ANY_SUFFICES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    job_id: int
    array_task_id: int
    is_whole_array: bool
    delay_min: int
    any_suffices: bool
    state: str
    def __init__(self, kind: _Optional[str] = ..., job_id: _Optional[int] = ..., array_task_id: _Optional[int] = ..., is_whole_array: _Optional[bool] = ..., delay_min: _Optional[int] = ..., any_suffices: _Optional[bool] = ..., state: _Optional[str] = ...) -> None: ...

class JobRequest(_message.Message):
    __slots__ = ("gpus", "features", "required_nodes", "excluded_nodes", "reservation", "licenses", "is_exclusive", "is_batch", "may_requeue", "task_count", "nice", "deadline_at")
    GPUS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_NODES_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_NODES_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    LICENSES_FIELD_NUMBER: _ClassVar[int]
    IS_EXCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    IS_BATCH_FIELD_NUMBER: _ClassVar[int]
    MAY_REQUEUE_FIELD_NUMBER: _ClassVar[int]
    TASK_COUNT_FIELD_NUMBER: _ClassVar[int]
    NICE_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_AT_FIELD_NUMBER: _ClassVar[int]
    gpus: _containers.RepeatedCompositeFieldContainer[GpuRequest]
    features: str
    required_nodes: str
    excluded_nodes: str
    reservation: str
    licenses: str
    is_exclusive: bool
    is_batch: bool
    may_requeue: bool
    task_count: int
    nice: int
    deadline_at: _timestamp_pb2.Timestamp
    def __init__(self, gpus: _Optional[_Iterable[_Union[GpuRequest, _Mapping]]] = ..., features: _Optional[str] = ..., required_nodes: _Optional[str] = ..., excluded_nodes: _Optional[str] = ..., reservation: _Optional[str] = ..., licenses: _Optional[str] = ..., is_exclusive: _Optional[bool] = ..., is_batch: _Optional[bool] = ..., may_requeue: _Optional[bool] = ..., task_count: _Optional[int] = ..., nice: _Optional[int] = ..., deadline_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GpuRequest(_message.Message):
    __slots__ = ("count", "per", "gpu_type")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PER_FIELD_NUMBER: _ClassVar[int]
    GPU_TYPE_FIELD_NUMBER: _ClassVar[int]
    count: int
    per: str
    gpu_type: str
    def __init__(self, count: _Optional[int] = ..., per: _Optional[str] = ..., gpu_type: _Optional[str] = ...) -> None: ...

class PollFinished(_message.Message):
    __slots__ = ("cluster", "started_at", "finished_at", "duration_s", "link", "error", "interval_s", "state_since", "sections", "population", "slurm_version", "tracked_jobs", "slurm_rpcs", "clock_offset_s")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    STATE_SINCE_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    POPULATION_FIELD_NUMBER: _ClassVar[int]
    SLURM_VERSION_FIELD_NUMBER: _ClassVar[int]
    TRACKED_JOBS_FIELD_NUMBER: _ClassVar[int]
    SLURM_RPCS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    started_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    duration_s: float
    link: str
    error: str
    interval_s: float
    state_since: _timestamp_pb2.Timestamp
    sections: _containers.RepeatedCompositeFieldContainer[_sections_pb2.SectionOutcome]
    population: Population
    slurm_version: str
    tracked_jobs: int
    slurm_rpcs: int
    clock_offset_s: float
    def __init__(self, cluster: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_s: _Optional[float] = ..., link: _Optional[str] = ..., error: _Optional[str] = ..., interval_s: _Optional[float] = ..., state_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sections: _Optional[_Iterable[_Union[_sections_pb2.SectionOutcome, _Mapping]]] = ..., population: _Optional[_Union[Population, _Mapping]] = ..., slurm_version: _Optional[str] = ..., tracked_jobs: _Optional[int] = ..., slurm_rpcs: _Optional[int] = ..., clock_offset_s: _Optional[float] = ...) -> None: ...

class Population(_message.Message):
    __slots__ = ("counts",)
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    counts: _containers.RepeatedCompositeFieldContainer[PartitionCount]
    def __init__(self, counts: _Optional[_Iterable[_Union[PartitionCount, _Mapping]]] = ...) -> None: ...

class PartitionCount(_message.Message):
    __slots__ = ("partition", "state", "jobs", "gpus", "account", "user", "gpus_by_type")
    class GpusByTypeEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    GPUS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    GPUS_BY_TYPE_FIELD_NUMBER: _ClassVar[int]
    partition: str
    state: str
    jobs: int
    gpus: int
    account: str
    user: str
    gpus_by_type: _containers.ScalarMap[str, int]
    def __init__(self, partition: _Optional[str] = ..., state: _Optional[str] = ..., jobs: _Optional[int] = ..., gpus: _Optional[int] = ..., account: _Optional[str] = ..., user: _Optional[str] = ..., gpus_by_type: _Optional[_Mapping[str, int]] = ...) -> None: ...
