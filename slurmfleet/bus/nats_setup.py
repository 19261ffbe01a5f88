"""Makes the server have the declared streams, consumers and buckets.

What exists is updated in place and never loses a message: retention only ever grows.
"""

from collections.abc import Mapping

import structlog

from slurmfleet.bus.errors import KeyNotFoundError
from slurmfleet.bus.nats_api import SECOND_NS, ConsumerBody, StreamBody, call
from slurmfleet.bus.nats_link import Link
from slurmfleet.bus.port import DEFAULT_LIMIT_S
from slurmfleet.contracts.streams import BucketSpec, ConsumerSpec, StreamSpec

log = structlog.get_logger(__name__)

_GROWING = ("max_age", "max_msgs_per_subject")
"""Settings whose reduction would delete messages; 0 and -1 mean no limit."""


def bucket_stream(bucket: str) -> str:
    """Give the stream in which a bucket lives."""
    return f"KV_{bucket}"


def stream_config(spec: StreamSpec) -> dict[str, object]:
    """Give a stream's settings as JetStream wants them."""
    return {
        "name": spec.name,
        "description": spec.description,
        "subjects": list(spec.subjects),
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_age": spec.max_age_s * SECOND_NS,
        "duplicate_window": spec.duplicate_window_s * SECOND_NS,
        "num_replicas": spec.replicas,
        "allow_direct": True,
    }


def bucket_config(spec: BucketSpec) -> dict[str, object]:
    """Give the settings of a bucket's stream.

    Source: ADR-8 of nats-architecture-and-design; the marker that a watcher sees when a key
    expires: ADR-43 (nats-server 2.11).
    """
    config: dict[str, object] = {
        "name": bucket_stream(spec.name),
        "description": spec.description,
        "subjects": [f"$KV.{spec.name}.>"],
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "max_msgs_per_subject": spec.history,
        "max_age": (spec.ttl_s or 0) * SECOND_NS,
        "duplicate_window": min(spec.ttl_s or 120, 120) * SECOND_NS,
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_direct": True,
        "num_replicas": 1,
    }
    if spec.ttl_s is not None:
        config |= {"allow_msg_ttl": True, "subject_delete_marker_ttl": spec.ttl_s * SECOND_NS}
    return config


async def ensure_stream(link: Link, config: Mapping[str, object]) -> None:
    """Create a stream, or bring it to its declaration without losing a message."""
    name = config["name"]
    try:
        found = await call(link, f"STREAM.INFO.{name}", StreamBody, limit_s=DEFAULT_LIMIT_S)
    except KeyNotFoundError:
        await call(link, f"STREAM.CREATE.{name}", StreamBody, config, limit_s=DEFAULT_LIMIT_S)
        log.info("stream created", stream=name)
        return
    merged = merge(found.config, config)
    if merged != found.config:
        await call(link, f"STREAM.UPDATE.{name}", StreamBody, merged, limit_s=DEFAULT_LIMIT_S)
        log.info("stream updated", stream=name)


def merge(found: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, object]:
    """Give what a stream shall be: as wanted, but keeping at least as much as it does."""
    merged = dict(found) | dict(wanted)
    for setting in _GROWING:
        now, then = found.get(setting), wanted.get(setting)
        if isinstance(now, int) and isinstance(then, int) and _limit(now) > _limit(then):
            log.warning("stream keeps more than declared", stream=found.get("name"), by=setting)
            merged[setting] = now
    return merged


async def ensure_consumer(link: Link, spec: ConsumerSpec) -> None:
    """Create a durable consumer, or bring it to its declaration; it keeps its place."""
    config: dict[str, object] = {
        "name": spec.durable,
        "durable_name": spec.durable,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": spec.ack_wait_s * SECOND_NS,
        "max_ack_pending": spec.max_ack_pending,
        "max_deliver": -1,
        "filter_subjects": list(spec.filter_subjects),
        "replay_policy": "instant",
    }
    if spec.forget_after_s is not None:
        config["inactive_threshold"] = spec.forget_after_s * SECOND_NS
    await call(
        link,
        f"CONSUMER.CREATE.{spec.stream}.{spec.durable}",
        ConsumerBody,
        {"stream_name": spec.stream, "config": config, "action": ""},
        limit_s=DEFAULT_LIMIT_S,
    )


def _limit(value: int) -> float:
    return float("inf") if value <= 0 else value
