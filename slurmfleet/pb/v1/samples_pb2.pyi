import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from slurmfleet.pb.v1 import sections_pb2 as _sections_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GpuTally(_message.Message):
    __slots__ = ("gpu_type", "total", "allocated", "free", "offline", "reserved", "planned", "blocked")
    GPU_TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    ALLOCATED_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    OFFLINE_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    PLANNED_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    gpu_type: str
    total: int
    allocated: int
    free: int
    offline: int
    reserved: int
    planned: int
    blocked: int
    def __init__(self, gpu_type: _Optional[str] = ..., total: _Optional[int] = ..., allocated: _Optional[int] = ..., free: _Optional[int] = ..., offline: _Optional[int] = ..., reserved: _Optional[int] = ..., planned: _Optional[int] = ..., blocked: _Optional[int] = ...) -> None: ...

class GpuDemand(_message.Message):
    __slots__ = ("gpu_type", "jobs", "gpus", "eligible_jobs", "eligible_gpus")
    GPU_TYPE_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    GPUS_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_JOBS_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_GPUS_FIELD_NUMBER: _ClassVar[int]
    gpu_type: str
    jobs: int
    gpus: int
    eligible_jobs: int
    eligible_gpus: int
    def __init__(self, gpu_type: _Optional[str] = ..., jobs: _Optional[int] = ..., gpus: _Optional[int] = ..., eligible_jobs: _Optional[int] = ..., eligible_gpus: _Optional[int] = ...) -> None: ...

class RollEntry(_message.Message):
    __slots__ = ("job_id", "submitted_at", "revision")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    submitted_at: _timestamp_pb2.Timestamp
    revision: int
    def __init__(self, job_id: _Optional[str] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class PartitionSampled(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "partition", "gpu_source", "state", "is_default", "is_hidden", "max_time_s", "default_time_s", "grace_time_s", "min_nodes", "max_nodes", "max_cpus_per_node", "priority_tier", "priority_job_factor", "preempt_mode", "over_subscribe", "qos", "allow_accounts", "deny_accounts", "allow_groups", "allow_qos", "deny_qos", "requires_reservation", "nodes_total", "nodes_by_state", "cpus_total", "cpus_allocated", "cpus_free", "memory_total_mib", "memory_free_mib", "gpus", "nodes_by_free_gpus", "demand", "demand_is_known", "root_only", "next_reservation_at", "next_reservation_nodes")
    class NodesByStateEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class NodesByFreeGpusEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: int
        def __init__(self, key: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    GPU_SOURCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    IS_HIDDEN_FIELD_NUMBER: _ClassVar[int]
    MAX_TIME_S_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_TIME_S_FIELD_NUMBER: _ClassVar[int]
    GRACE_TIME_S_FIELD_NUMBER: _ClassVar[int]
    MIN_NODES_FIELD_NUMBER: _ClassVar[int]
    MAX_NODES_FIELD_NUMBER: _ClassVar[int]
    MAX_CPUS_PER_NODE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_TIER_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_JOB_FACTOR_FIELD_NUMBER: _ClassVar[int]
    PREEMPT_MODE_FIELD_NUMBER: _ClassVar[int]
    OVER_SUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    QOS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    DENY_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_GROUPS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_QOS_FIELD_NUMBER: _ClassVar[int]
    DENY_QOS_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_RESERVATION_FIELD_NUMBER: _ClassVar[int]
    NODES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    NODES_BY_STATE_FIELD_NUMBER: _ClassVar[int]
    CPUS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    CPUS_ALLOCATED_FIELD_NUMBER: _ClassVar[int]
    CPUS_FREE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_TOTAL_MIB_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FREE_MIB_FIELD_NUMBER: _ClassVar[int]
    GPUS_FIELD_NUMBER: _ClassVar[int]
    NODES_BY_FREE_GPUS_FIELD_NUMBER: _ClassVar[int]
    DEMAND_FIELD_NUMBER: _ClassVar[int]
    DEMAND_IS_KNOWN_FIELD_NUMBER: _ClassVar[int]
    ROOT_ONLY_FIELD_NUMBER: _ClassVar[int]
    NEXT_RESERVATION_AT_FIELD_NUMBER: _ClassVar[int]
    NEXT_RESERVATION_NODES_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    partition: str
    gpu_source: str
    state: str
    is_default: bool
    is_hidden: bool
    max_time_s: int
    default_time_s: int
    grace_time_s: int
    min_nodes: int
    max_nodes: int
    max_cpus_per_node: int
    priority_tier: int
    priority_job_factor: int
    preempt_mode: str
    over_subscribe: str
    qos: str
    allow_accounts: _containers.RepeatedScalarFieldContainer[str]
    deny_accounts: _containers.RepeatedScalarFieldContainer[str]
    allow_groups: _containers.RepeatedScalarFieldContainer[str]
    allow_qos: _containers.RepeatedScalarFieldContainer[str]
    deny_qos: _containers.RepeatedScalarFieldContainer[str]
    requires_reservation: bool
    nodes_total: int
    nodes_by_state: _containers.ScalarMap[str, int]
    cpus_total: int
    cpus_allocated: int
    cpus_free: int
    memory_total_mib: int
    memory_free_mib: int
    gpus: _containers.RepeatedCompositeFieldContainer[GpuTally]
    nodes_by_free_gpus: _containers.ScalarMap[int, int]
    demand: _containers.RepeatedCompositeFieldContainer[GpuDemand]
    demand_is_known: bool
    root_only: bool
    next_reservation_at: _timestamp_pb2.Timestamp
    next_reservation_nodes: int
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., partition: _Optional[str] = ..., gpu_source: _Optional[str] = ..., state: _Optional[str] = ..., is_default: _Optional[bool] = ..., is_hidden: _Optional[bool] = ..., max_time_s: _Optional[int] = ..., default_time_s: _Optional[int] = ..., grace_time_s: _Optional[int] = ..., min_nodes: _Optional[int] = ..., max_nodes: _Optional[int] = ..., max_cpus_per_node: _Optional[int] = ..., priority_tier: _Optional[int] = ..., priority_job_factor: _Optional[int] = ..., preempt_mode: _Optional[str] = ..., over_subscribe: _Optional[str] = ..., qos: _Optional[str] = ..., allow_accounts: _Optional[_Iterable[str]] = ..., deny_accounts: _Optional[_Iterable[str]] = ..., allow_groups: _Optional[_Iterable[str]] = ..., allow_qos: _Optional[_Iterable[str]] = ..., deny_qos: _Optional[_Iterable[str]] = ..., requires_reservation: _Optional[bool] = ..., nodes_total: _Optional[int] = ..., nodes_by_state: _Optional[_Mapping[str, int]] = ..., cpus_total: _Optional[int] = ..., cpus_allocated: _Optional[int] = ..., cpus_free: _Optional[int] = ..., memory_total_mib: _Optional[int] = ..., memory_free_mib: _Optional[int] = ..., gpus: _Optional[_Iterable[_Union[GpuTally, _Mapping]]] = ..., nodes_by_free_gpus: _Optional[_Mapping[int, int]] = ..., demand: _Optional[_Iterable[_Union[GpuDemand, _Mapping]]] = ..., demand_is_known: _Optional[bool] = ..., root_only: _Optional[bool] = ..., next_reservation_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., next_reservation_nodes: _Optional[int] = ...) -> None: ...

class ShareSampled(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "account", "user", "partition", "parent_account", "raw_shares", "norm_shares", "raw_usage_s", "norm_usage", "effective_usage", "fair_share", "level_fs", "group_tres", "group_tres_minutes", "group_tres_run_minutes", "tres_run_minutes", "max_tres_per_job", "group_jobs", "group_submit_jobs", "group_wall_minutes", "max_jobs", "max_submit_jobs", "max_wall_minutes", "qos", "default_qos", "gpus_running", "gpus_pending", "gpu_head_room", "gpus_allocated", "gpus_consumed", "gpus_consumed_normal", "gpus_consumed_free", "fair_share_gpus_available", "gpus_pending_eligible", "tres_minutes_used", "head_room_told", "head_room_at_most", "head_room_bounded_by", "head_room_by_gpu_type", "qos_head_room", "limits_enforced", "rooms")
    class GroupTresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class GroupTresMinutesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class GroupTresRunMinutesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class TresRunMinutesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class MaxTresPerJobEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class TresMinutesUsedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class HeadRoomByGpuTypeEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    PARENT_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    RAW_SHARES_FIELD_NUMBER: _ClassVar[int]
    NORM_SHARES_FIELD_NUMBER: _ClassVar[int]
    RAW_USAGE_S_FIELD_NUMBER: _ClassVar[int]
    NORM_USAGE_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_USAGE_FIELD_NUMBER: _ClassVar[int]
    FAIR_SHARE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FS_FIELD_NUMBER: _ClassVar[int]
    GROUP_TRES_FIELD_NUMBER: _ClassVar[int]
    GROUP_TRES_MINUTES_FIELD_NUMBER: _ClassVar[int]
    GROUP_TRES_RUN_MINUTES_FIELD_NUMBER: _ClassVar[int]
    TRES_RUN_MINUTES_FIELD_NUMBER: _ClassVar[int]
    MAX_TRES_PER_JOB_FIELD_NUMBER: _ClassVar[int]
    GROUP_JOBS_FIELD_NUMBER: _ClassVar[int]
    GROUP_SUBMIT_JOBS_FIELD_NUMBER: _ClassVar[int]
    GROUP_WALL_MINUTES_FIELD_NUMBER: _ClassVar[int]
    MAX_JOBS_FIELD_NUMBER: _ClassVar[int]
    MAX_SUBMIT_JOBS_FIELD_NUMBER: _ClassVar[int]
    MAX_WALL_MINUTES_FIELD_NUMBER: _ClassVar[int]
    QOS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_QOS_FIELD_NUMBER: _ClassVar[int]
    GPUS_RUNNING_FIELD_NUMBER: _ClassVar[int]
    GPUS_PENDING_FIELD_NUMBER: _ClassVar[int]
    GPU_HEAD_ROOM_FIELD_NUMBER: _ClassVar[int]
    GPUS_ALLOCATED_FIELD_NUMBER: _ClassVar[int]
    GPUS_CONSUMED_FIELD_NUMBER: _ClassVar[int]
    GPUS_CONSUMED_NORMAL_FIELD_NUMBER: _ClassVar[int]
    GPUS_CONSUMED_FREE_FIELD_NUMBER: _ClassVar[int]
    FAIR_SHARE_GPUS_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    GPUS_PENDING_ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    TRES_MINUTES_USED_FIELD_NUMBER: _ClassVar[int]
    HEAD_ROOM_TOLD_FIELD_NUMBER: _ClassVar[int]
    HEAD_ROOM_AT_MOST_FIELD_NUMBER: _ClassVar[int]
    HEAD_ROOM_BOUNDED_BY_FIELD_NUMBER: _ClassVar[int]
    HEAD_ROOM_BY_GPU_TYPE_FIELD_NUMBER: _ClassVar[int]
    QOS_HEAD_ROOM_FIELD_NUMBER: _ClassVar[int]
    LIMITS_ENFORCED_FIELD_NUMBER: _ClassVar[int]
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    account: str
    user: str
    partition: str
    parent_account: str
    raw_shares: int
    norm_shares: float
    raw_usage_s: float
    norm_usage: float
    effective_usage: float
    fair_share: float
    level_fs: float
    group_tres: _containers.ScalarMap[str, int]
    group_tres_minutes: _containers.ScalarMap[str, int]
    group_tres_run_minutes: _containers.ScalarMap[str, int]
    tres_run_minutes: _containers.ScalarMap[str, int]
    max_tres_per_job: _containers.ScalarMap[str, int]
    group_jobs: int
    group_submit_jobs: int
    group_wall_minutes: int
    max_jobs: int
    max_submit_jobs: int
    max_wall_minutes: int
    qos: _containers.RepeatedScalarFieldContainer[str]
    default_qos: str
    gpus_running: int
    gpus_pending: int
    gpu_head_room: int
    gpus_allocated: float
    gpus_consumed: float
    gpus_consumed_normal: float
    gpus_consumed_free: float
    fair_share_gpus_available: float
    gpus_pending_eligible: float
    tres_minutes_used: _containers.ScalarMap[str, int]
    head_room_told: bool
    head_room_at_most: bool
    head_room_bounded_by: str
    head_room_by_gpu_type: _containers.ScalarMap[str, int]
    qos_head_room: _containers.RepeatedCompositeFieldContainer[QosHeadRoom]
    limits_enforced: bool
    rooms: _containers.RepeatedCompositeFieldContainer[Room]
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., account: _Optional[str] = ..., user: _Optional[str] = ..., partition: _Optional[str] = ..., parent_account: _Optional[str] = ..., raw_shares: _Optional[int] = ..., norm_shares: _Optional[float] = ..., raw_usage_s: _Optional[float] = ..., norm_usage: _Optional[float] = ..., effective_usage: _Optional[float] = ..., fair_share: _Optional[float] = ..., level_fs: _Optional[float] = ..., group_tres: _Optional[_Mapping[str, int]] = ..., group_tres_minutes: _Optional[_Mapping[str, int]] = ..., group_tres_run_minutes: _Optional[_Mapping[str, int]] = ..., tres_run_minutes: _Optional[_Mapping[str, int]] = ..., max_tres_per_job: _Optional[_Mapping[str, int]] = ..., group_jobs: _Optional[int] = ..., group_submit_jobs: _Optional[int] = ..., group_wall_minutes: _Optional[int] = ..., max_jobs: _Optional[int] = ..., max_submit_jobs: _Optional[int] = ..., max_wall_minutes: _Optional[int] = ..., qos: _Optional[_Iterable[str]] = ..., default_qos: _Optional[str] = ..., gpus_running: _Optional[int] = ..., gpus_pending: _Optional[int] = ..., gpu_head_room: _Optional[int] = ..., gpus_allocated: _Optional[float] = ..., gpus_consumed: _Optional[float] = ..., gpus_consumed_normal: _Optional[float] = ..., gpus_consumed_free: _Optional[float] = ..., fair_share_gpus_available: _Optional[float] = ..., gpus_pending_eligible: _Optional[float] = ..., tres_minutes_used: _Optional[_Mapping[str, int]] = ..., head_room_told: _Optional[bool] = ..., head_room_at_most: _Optional[bool] = ..., head_room_bounded_by: _Optional[str] = ..., head_room_by_gpu_type: _Optional[_Mapping[str, int]] = ..., qos_head_room: _Optional[_Iterable[_Union[QosHeadRoom, _Mapping]]] = ..., limits_enforced: _Optional[bool] = ..., rooms: _Optional[_Iterable[_Union[Room, _Mapping]]] = ...) -> None: ...

class LimitUse(_message.Message):
    __slots__ = ("name", "tres", "owner", "used", "allowed", "used_at_least")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRES_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    USED_AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    name: str
    tres: str
    owner: str
    used: int
    allowed: int
    used_at_least: bool
    def __init__(self, name: _Optional[str] = ..., tres: _Optional[str] = ..., owner: _Optional[str] = ..., used: _Optional[int] = ..., allowed: _Optional[int] = ..., used_at_least: _Optional[bool] = ...) -> None: ...

class Room(_message.Message):
    __slots__ = ("qos", "partition", "gpus", "bounded_by", "at_most", "limits")
    QOS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    GPUS_FIELD_NUMBER: _ClassVar[int]
    BOUNDED_BY_FIELD_NUMBER: _ClassVar[int]
    AT_MOST_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    qos: str
    partition: str
    gpus: int
    bounded_by: str
    at_most: bool
    limits: _containers.RepeatedCompositeFieldContainer[LimitUse]
    def __init__(self, qos: _Optional[str] = ..., partition: _Optional[str] = ..., gpus: _Optional[int] = ..., bounded_by: _Optional[str] = ..., at_most: _Optional[bool] = ..., limits: _Optional[_Iterable[_Union[LimitUse, _Mapping]]] = ...) -> None: ...

class QosHeadRoom(_message.Message):
    __slots__ = ("qos", "gpus", "bounded_by", "at_most")
    QOS_FIELD_NUMBER: _ClassVar[int]
    GPUS_FIELD_NUMBER: _ClassVar[int]
    BOUNDED_BY_FIELD_NUMBER: _ClassVar[int]
    AT_MOST_FIELD_NUMBER: _ClassVar[int]
    qos: str
    gpus: int
    bounded_by: str
    at_most: bool
    def __init__(self, qos: _Optional[str] = ..., gpus: _Optional[int] = ..., bounded_by: _Optional[str] = ..., at_most: _Optional[bool] = ...) -> None: ...

class QosSampled(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "name", "priority", "preempts", "preempt_mode", "grace_time_s", "flags", "usage_factor", "group_tres", "group_tres_minutes", "group_tres_run_minutes", "max_tres_per_job", "max_tres_per_node", "max_tres_per_user", "max_tres_per_account", "min_tres_per_job", "group_jobs", "group_submit_jobs", "group_wall_minutes", "max_wall_minutes", "max_jobs_per_user", "max_jobs_per_account", "max_submit_jobs_per_user", "max_submit_jobs_per_account")
    class GroupTresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class GroupTresMinutesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class GroupTresRunMinutesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class MaxTresPerJobEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class MaxTresPerNodeEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class MaxTresPerUserEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class MaxTresPerAccountEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class MinTresPerJobEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PREEMPTS_FIELD_NUMBER: _ClassVar[int]
    PREEMPT_MODE_FIELD_NUMBER: _ClassVar[int]
    GRACE_TIME_S_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    GROUP_TRES_FIELD_NUMBER: _ClassVar[int]
    GROUP_TRES_MINUTES_FIELD_NUMBER: _ClassVar[int]
    GROUP_TRES_RUN_MINUTES_FIELD_NUMBER: _ClassVar[int]
    MAX_TRES_PER_JOB_FIELD_NUMBER: _ClassVar[int]
    MAX_TRES_PER_NODE_FIELD_NUMBER: _ClassVar[int]
    MAX_TRES_PER_USER_FIELD_NUMBER: _ClassVar[int]
    MAX_TRES_PER_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MIN_TRES_PER_JOB_FIELD_NUMBER: _ClassVar[int]
    GROUP_JOBS_FIELD_NUMBER: _ClassVar[int]
    GROUP_SUBMIT_JOBS_FIELD_NUMBER: _ClassVar[int]
    GROUP_WALL_MINUTES_FIELD_NUMBER: _ClassVar[int]
    MAX_WALL_MINUTES_FIELD_NUMBER: _ClassVar[int]
    MAX_JOBS_PER_USER_FIELD_NUMBER: _ClassVar[int]
    MAX_JOBS_PER_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_SUBMIT_JOBS_PER_USER_FIELD_NUMBER: _ClassVar[int]
    MAX_SUBMIT_JOBS_PER_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    name: str
    priority: int
    preempts: _containers.RepeatedScalarFieldContainer[str]
    preempt_mode: str
    grace_time_s: int
    flags: _containers.RepeatedScalarFieldContainer[str]
    usage_factor: float
    group_tres: _containers.ScalarMap[str, int]
    group_tres_minutes: _containers.ScalarMap[str, int]
    group_tres_run_minutes: _containers.ScalarMap[str, int]
    max_tres_per_job: _containers.ScalarMap[str, int]
    max_tres_per_node: _containers.ScalarMap[str, int]
    max_tres_per_user: _containers.ScalarMap[str, int]
    max_tres_per_account: _containers.ScalarMap[str, int]
    min_tres_per_job: _containers.ScalarMap[str, int]
    group_jobs: int
    group_submit_jobs: int
    group_wall_minutes: int
    max_wall_minutes: int
    max_jobs_per_user: int
    max_jobs_per_account: int
    max_submit_jobs_per_user: int
    max_submit_jobs_per_account: int
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., name: _Optional[str] = ..., priority: _Optional[int] = ..., preempts: _Optional[_Iterable[str]] = ..., preempt_mode: _Optional[str] = ..., grace_time_s: _Optional[int] = ..., flags: _Optional[_Iterable[str]] = ..., usage_factor: _Optional[float] = ..., group_tres: _Optional[_Mapping[str, int]] = ..., group_tres_minutes: _Optional[_Mapping[str, int]] = ..., group_tres_run_minutes: _Optional[_Mapping[str, int]] = ..., max_tres_per_job: _Optional[_Mapping[str, int]] = ..., max_tres_per_node: _Optional[_Mapping[str, int]] = ..., max_tres_per_user: _Optional[_Mapping[str, int]] = ..., max_tres_per_account: _Optional[_Mapping[str, int]] = ..., min_tres_per_job: _Optional[_Mapping[str, int]] = ..., group_jobs: _Optional[int] = ..., group_submit_jobs: _Optional[int] = ..., group_wall_minutes: _Optional[int] = ..., max_wall_minutes: _Optional[int] = ..., max_jobs_per_user: _Optional[int] = ..., max_jobs_per_account: _Optional[int] = ..., max_submit_jobs_per_user: _Optional[int] = ..., max_submit_jobs_per_account: _Optional[int] = ...) -> None: ...

class UsageSampled(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "account", "user", "since_at", "until_at", "tres_seconds")
    class TresSecondsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    SINCE_AT_FIELD_NUMBER: _ClassVar[int]
    UNTIL_AT_FIELD_NUMBER: _ClassVar[int]
    TRES_SECONDS_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    account: str
    user: str
    since_at: _timestamp_pb2.Timestamp
    until_at: _timestamp_pb2.Timestamp
    tres_seconds: _containers.ScalarMap[str, int]
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., account: _Optional[str] = ..., user: _Optional[str] = ..., since_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tres_seconds: _Optional[_Mapping[str, int]] = ...) -> None: ...

class OccupancySampled(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "gpus_total", "gpus_allocated", "gpus_idle")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    GPUS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    GPUS_ALLOCATED_FIELD_NUMBER: _ClassVar[int]
    GPUS_IDLE_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    gpus_total: float
    gpus_allocated: float
    gpus_idle: float
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., gpus_total: _Optional[float] = ..., gpus_allocated: _Optional[float] = ..., gpus_idle: _Optional[float] = ...) -> None: ...

class QuotaSampled(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "path", "file_system", "kind", "owner", "used_bytes", "soft_limit_bytes", "hard_limit_bytes", "bytes_grace_s", "is_over_bytes", "files", "soft_limit_files", "hard_limit_files", "files_grace_s", "is_over_files")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FILE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    SOFT_LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    HARD_LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    BYTES_GRACE_S_FIELD_NUMBER: _ClassVar[int]
    IS_OVER_BYTES_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    SOFT_LIMIT_FILES_FIELD_NUMBER: _ClassVar[int]
    HARD_LIMIT_FILES_FIELD_NUMBER: _ClassVar[int]
    FILES_GRACE_S_FIELD_NUMBER: _ClassVar[int]
    IS_OVER_FILES_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    path: str
    file_system: str
    kind: str
    owner: str
    used_bytes: int
    soft_limit_bytes: int
    hard_limit_bytes: int
    bytes_grace_s: int
    is_over_bytes: bool
    files: int
    soft_limit_files: int
    hard_limit_files: int
    files_grace_s: int
    is_over_files: bool
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., path: _Optional[str] = ..., file_system: _Optional[str] = ..., kind: _Optional[str] = ..., owner: _Optional[str] = ..., used_bytes: _Optional[int] = ..., soft_limit_bytes: _Optional[int] = ..., hard_limit_bytes: _Optional[int] = ..., bytes_grace_s: _Optional[int] = ..., is_over_bytes: _Optional[bool] = ..., files: _Optional[int] = ..., soft_limit_files: _Optional[int] = ..., hard_limit_files: _Optional[int] = ..., files_grace_s: _Optional[int] = ..., is_over_files: _Optional[bool] = ...) -> None: ...

class GpuSampled(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "job_id", "submitted_at", "node", "gpu_uuid", "gpu_index", "mig_profile", "model", "gpu_count", "span_s", "utilization_pct", "memory_used_mib", "memory_total_mib", "power_w", "temperature_c")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    GPU_UUID_FIELD_NUMBER: _ClassVar[int]
    GPU_INDEX_FIELD_NUMBER: _ClassVar[int]
    MIG_PROFILE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    GPU_COUNT_FIELD_NUMBER: _ClassVar[int]
    SPAN_S_FIELD_NUMBER: _ClassVar[int]
    UTILIZATION_PCT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_USED_MIB_FIELD_NUMBER: _ClassVar[int]
    MEMORY_TOTAL_MIB_FIELD_NUMBER: _ClassVar[int]
    POWER_W_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_C_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    job_id: str
    submitted_at: _timestamp_pb2.Timestamp
    node: str
    gpu_uuid: str
    gpu_index: int
    mig_profile: str
    model: str
    gpu_count: int
    span_s: float
    utilization_pct: float
    memory_used_mib: int
    memory_total_mib: int
    power_w: float
    temperature_c: float
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., job_id: _Optional[str] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., node: _Optional[str] = ..., gpu_uuid: _Optional[str] = ..., gpu_index: _Optional[int] = ..., mig_profile: _Optional[str] = ..., model: _Optional[str] = ..., gpu_count: _Optional[int] = ..., span_s: _Optional[float] = ..., utilization_pct: _Optional[float] = ..., memory_used_mib: _Optional[int] = ..., memory_total_mib: _Optional[int] = ..., power_w: _Optional[float] = ..., temperature_c: _Optional[float] = ...) -> None: ...

class LoadSampled(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "job_id", "submitted_at", "node", "span_s", "cpu_count", "cpu_utilization_pct", "cpu_time_s", "memory_used_mib", "memory_peak_mib", "memory_limit_mib", "disk_read_mib", "disk_written_mib")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    SPAN_S_FIELD_NUMBER: _ClassVar[int]
    CPU_COUNT_FIELD_NUMBER: _ClassVar[int]
    CPU_UTILIZATION_PCT_FIELD_NUMBER: _ClassVar[int]
    CPU_TIME_S_FIELD_NUMBER: _ClassVar[int]
    MEMORY_USED_MIB_FIELD_NUMBER: _ClassVar[int]
    MEMORY_PEAK_MIB_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LIMIT_MIB_FIELD_NUMBER: _ClassVar[int]
    DISK_READ_MIB_FIELD_NUMBER: _ClassVar[int]
    DISK_WRITTEN_MIB_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    job_id: str
    submitted_at: _timestamp_pb2.Timestamp
    node: str
    span_s: float
    cpu_count: int
    cpu_utilization_pct: float
    cpu_time_s: float
    memory_used_mib: int
    memory_peak_mib: int
    memory_limit_mib: int
    disk_read_mib: float
    disk_written_mib: float
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., job_id: _Optional[str] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., node: _Optional[str] = ..., span_s: _Optional[float] = ..., cpu_count: _Optional[int] = ..., cpu_utilization_pct: _Optional[float] = ..., cpu_time_s: _Optional[float] = ..., memory_used_mib: _Optional[int] = ..., memory_peak_mib: _Optional[int] = ..., memory_limit_mib: _Optional[int] = ..., disk_read_mib: _Optional[float] = ..., disk_written_mib: _Optional[float] = ...) -> None: ...

class SamplingMissed(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "job_id", "submitted_at", "node", "since_at", "reason")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    SINCE_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    job_id: str
    submitted_at: _timestamp_pb2.Timestamp
    node: str
    since_at: _timestamp_pb2.Timestamp
    reason: str
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., job_id: _Optional[str] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., node: _Optional[str] = ..., since_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class SurveyFinished(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "topic", "started_at", "ok", "error", "interval_s", "sections", "facts", "rejected", "slurm_rpcs")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    OK_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    SLURM_RPCS_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    topic: str
    started_at: _timestamp_pb2.Timestamp
    ok: bool
    error: str
    interval_s: float
    sections: _containers.RepeatedCompositeFieldContainer[_sections_pb2.SectionOutcome]
    facts: int
    rejected: int
    slurm_rpcs: int
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., topic: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ok: _Optional[bool] = ..., error: _Optional[str] = ..., interval_s: _Optional[float] = ..., sections: _Optional[_Iterable[_Union[_sections_pb2.SectionOutcome, _Mapping]]] = ..., facts: _Optional[int] = ..., rejected: _Optional[int] = ..., slurm_rpcs: _Optional[int] = ...) -> None: ...

class RollCalled(_message.Message):
    __slots__ = ("cluster", "observed_at", "source", "part", "parts", "jobs", "with_ended")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    WITH_ENDED_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    observed_at: _timestamp_pb2.Timestamp
    source: str
    part: int
    parts: int
    jobs: _containers.RepeatedCompositeFieldContainer[RollEntry]
    with_ended: bool
    def __init__(self, cluster: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., part: _Optional[int] = ..., parts: _Optional[int] = ..., jobs: _Optional[_Iterable[_Union[RollEntry, _Mapping]]] = ..., with_ended: _Optional[bool] = ...) -> None: ...
