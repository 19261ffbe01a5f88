"""Samples of clusters as the columns that the statements take; pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from slurmfleet.contracts.capacity import PartitionSampled
from slurmfleet.contracts.quotas import QuotaSampled
from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.shares import OccupancySampled, QosSampled, ShareSampled, UsageSampled
from slurmfleet.contracts.surveys import SurveyFinished
from slurmfleet.store.sample_text import rows_json, told_json
from slurmfleet.store.write.columns import storable, text_array, time_array

Row = dict[str, object]


def identity_of(sample: Sample) -> tuple[str, ...]:
    """Give which thing of its cluster, kind and source a sample is about."""
    return tuple(str(getattr(sample, name)) for name in _IDENTITIES[type(sample)])


def newest_columns(samples: Sequence[Sample]) -> dict[str, str]:
    """Give the columns of `upsert_newest_samples`: each thing once, by its newest sample."""
    newest: dict[tuple[str, ...], Sample] = {}
    for one in samples:
        source = "" if isinstance(one, SurveyFinished) else one.source
        parts = (one.noun, one.cluster, source, *identity_of(one))
        key = tuple([storable(part) for part in parts])
        seen = newest.get(key)
        if seen is None or one.observed_at > seen.observed_at:
            newest[key] = one
    return {
        "kind": text_array([key[0] for key in newest]),
        "cluster": text_array([key[1] for key in newest]),
        "source": text_array([key[2] for key in newest]),
        "identity": text_array([text_array(key[3:]) for key in newest]),
        "observed_at": time_array([one.observed_at for one in newest.values()]),
        "told": text_array([told_json(one) for one in newest.values()]),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Rows of one table that charts are made of."""

    statement: str
    rows: str
    """A JSON array of objects, one field per column."""


def histories(samples: Sequence[Sample]) -> Sequence[History]:
    """Give what each table gets; every sample gives one row."""
    rows: dict[str, list[Row]] = {}
    for one in samples:
        name, numbers = _TABLES[type(one)]
        common = {"cluster": one.cluster, "source": one.source, "observed_at": one.observed_at}
        rows.setdefault(name, []).append({**common, **numbers(one)})
    return [History(statement=name, rows=rows_json(told)) for name, told in rows.items()]


def _partition(one: PartitionSampled) -> Row:
    is_told = one.gpu_source != "unknown"
    demand = one.demand if one.demand_is_known else None
    plain = (
        *("partition", "state", "nodes_total", "nodes_by_state", "cpus_total", "cpus_allocated"),
        *("cpus_free", "memory_total_mib", "memory_free_mib"),
    )
    return {
        **_fields(one, plain),
        "gpus_total": sum(tally.total for tally in one.gpus) if is_told else None,
        "gpus_allocated": sum(tally.allocated for tally in one.gpus) if is_told else None,
        "gpus_free": sum(tally.free for tally in one.gpus) if is_told else None,
        "gpus_pending": None if demand is None else sum(want.gpus for want in demand),
        "gpus_pending_eligible": (
            None if demand is None else sum(want.eligible_gpus for want in demand)
        ),
        "gpus": [_fields(tally, [part.name for part in fields(tally)]) for tally in one.gpus],
    }


def _share(one: ShareSampled) -> Row:
    numbers = (
        *("fair_share", "level_fs", "norm_shares", "norm_usage", "raw_usage_s", "gpus_running"),
        *("gpus_pending", "gpu_head_room", "gpus_allocated", "gpus_consumed"),
    )
    return {**_fields(one, ("account", "partition", *numbers)), "user_name": one.user}


def _qos(one: QosSampled) -> Row:
    plain = ("name", "priority", "usage_factor")
    limits = {
        name: value
        for name, value in json.loads(told_json(one)).items()
        if name.startswith(("group_", "max_", "min_")) and value not in (None, {})
    }
    return {**_fields(one, plain), "limits": limits}


def _usage(one: UsageSampled) -> Row:
    return {
        **_fields(one, ("account", "since_at", "until_at")),
        "user_name": one.user,
        "cpu_s": one.tres_seconds.get("cpu"),
        "gpu_s": one.tres_seconds.get("gres/gpu"),
        "tres_s": one.tres_seconds,
    }


def _occupancy(one: OccupancySampled) -> Row:
    return _fields(one, ("gpus_total", "gpus_allocated", "gpus_idle"))


def _quota(one: QuotaSampled) -> Row:
    numbers = (
        *("used_bytes", "soft_limit_bytes", "hard_limit_bytes", "files", "soft_limit_files"),
        "hard_limit_files",
    )
    return _fields(one, ("path", "file_system", "kind", "owner", *numbers))


def _survey(one: SurveyFinished) -> Row:
    numbers = ("interval_s", "facts", "rejected", "slurm_rpcs")
    return _fields(one, ("topic", "started_at", "ok", "error", *numbers))


def _fields(value: object, names: Sequence[str]) -> Row:
    return {name: getattr(value, name) for name in names}


_TABLES: Mapping[type[Sample], tuple[str, Callable[..., Row]]] = {
    PartitionSampled: ("insert_partition_samples", _partition),
    ShareSampled: ("insert_share_samples", _share),
    QosSampled: ("insert_qos_samples", _qos),
    UsageSampled: ("insert_usage_samples", _usage),
    OccupancySampled: ("insert_occupancy_samples", _occupancy),
    QuotaSampled: ("insert_quota_samples", _quota),
    SurveyFinished: ("insert_surveys", _survey),
}

_IDENTITIES: Mapping[type[Sample], tuple[str, ...]] = {
    PartitionSampled: ("partition",),
    ShareSampled: ("account", "user", "partition"),
    QosSampled: ("name",),
    UsageSampled: ("account", "user", "since_at"),
    OccupancySampled: (),
    QuotaSampled: ("path", "file_system", "kind", "owner"),
    SurveyFinished: ("topic",),
}

CLUSTER_KINDS = tuple(_TABLES)
"""Kinds of samples that are kept here; those of running jobs are kept in `job_samples`."""
