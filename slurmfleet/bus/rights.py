"""What each service may do on the bus: one table, for whoever configures a server.

A right is a subject that a login may publish to or subscribe to. JetStream has no other kind: to
read a bucket is to publish to its API's subjects, and to be answered in one's own inbox.

Source: NATS documentation, "Authorization"; ADR-1 and ADR-8 of nats-architecture-and-design.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from slurmfleet.bus.names import inbox_prefix
from slurmfleet.bus.nats_setup import bucket_stream
from slurmfleet.contracts.audit import AUDIT_END
from slurmfleet.contracts.board import CLEANUP, CLEAR
from slurmfleet.contracts.commands import Verb
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.nouns import Noun
from slurmfleet.contracts.streams import (
    ACCESS,
    AUDIT,
    AUDITOR,
    BUCKETS,
    DEAD_LETTERS,
    FACTS,
    LEASES,
    PROJECTOR,
    REGISTRY,
    STREAMS,
    WORK,
    BucketSpec,
)
from slurmfleet.contracts.subjects import ALL_AUDIT, ALL_DEAD_LETTERS, admin_subject
from slurmfleet.contracts.subjects import PROJECTOR as PROJECTOR_SERVICE

_API = "$JS.API"
_ANY = "*"


class BusRole(StrEnum):
    """Who is on the bus; the value is the name of its login."""

    OWNER = "slurmfleet"
    """May do everything: makes streams and buckets, restores backups."""

    PROJECTOR = "projector"
    COLLECTOR = "collector"
    API = "api"
    MCP = "mcp"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one login may do; None for all subjects."""

    publish: tuple[str, ...] | None
    subscribe: tuple[str, ...] | None
    answers: bool = False
    """May answer the requests that it gets, in the inbox of whoever asked."""


def collector_user(cluster: ClusterName) -> str:
    """Name the login of a collector that looks after one cluster alone."""
    return f"{BusRole.COLLECTOR}-{cluster}"


def rights_of(role: BusRole) -> Rights:
    """Give what a service may do."""
    match role:
        case BusRole.OWNER:
            return Rights(publish=None, subscribe=None)
        case BusRole.PROJECTOR:
            return _projector()
        case BusRole.COLLECTOR:
            return collector_rights()
        case BusRole.API:
            return _api()
        case BusRole.MCP:
            return _mcp()
        case BusRole.BACKUP:
            return _backup()


def collector_rights(cluster: ClusterName | None = None) -> Rights:
    """Give what a collector may do: that of one cluster, or of whatever is in the registry."""
    where = cluster or _ANY
    user = BusRole.COLLECTOR if cluster is None else collector_user(cluster)
    return Rights(
        publish=(
            *(f"fleet.v1.{where}.{noun}.*" for noun in Noun),
            *_asks_about(FACTS.name),
            *_reads(REGISTRY),
            *_asks_about(bucket_stream(LEASES.name)),
            f"{_API}.STREAM.MSG.GET.{bucket_stream(LEASES.name)}",
            f"$KV.{LEASES.name}.{BusRole.COLLECTOR}.{where}",
        ),
        subscribe=(_inbox(user), f"fleet.v1.cmd.{where}.*"),
        answers=True,
    )


def _projector() -> Rights:
    streams = (*(one.name for one in STREAMS), *(bucket_stream(one.name) for one in BUCKETS))
    return Rights(
        publish=(
            *(f"{_API}.STREAM.{act}.{name}" for name in streams for act in _MAKING),
            *_consumes(FACTS.name, _ANY),  # its own, and one for each rebuild
            *_consumes(AUDIT.name, AUDITOR.durable),
            f"{_API}.DIRECT.GET.{FACTS.name}",
            *(f"{_API}.STREAM.MSG.{act}.{DEAD_LETTERS.name}" for act in ("GET", "DELETE")),
            f"{_API}.STREAM.MSG.GET.{FACTS.name}",
            *_reads(REGISTRY),
            f"{_API}.STREAM.MSG.GET.{bucket_stream(ACCESS.name)}",
            f"$KV.{ACCESS.name}.{AUDIT_END}",
            f"$KV.{WORK.name}.>",
            ALL_DEAD_LETTERS,
            # Dead letters are told again where they were told first.
            *(f"fleet.v1.*.{noun}.*" for noun in Noun),
            *(f"fleet.v1.cmd.*.{verb}" for verb in (Verb.ADOPT, Verb.TELL_AGAIN, Verb.CALL_ROLL)),
        ),
        subscribe=(_inbox(BusRole.PROJECTOR), f"fleet.v1.admin.{BusRole.PROJECTOR}.*"),
        answers=True,
    )


def _api() -> Rights:
    return Rights(
        publish=(
            *_gateway(),
            *_asks_about(DEAD_LETTERS.name),
            *(f"{_API}.STREAM.MSG.{act}.{DEAD_LETTERS.name}" for act in ("GET", "DELETE")),
            f"{_API}.STREAM.MSG.GET.{bucket_stream(WORK.name)}",
            *_reads(REGISTRY),
            f"$KV.{REGISTRY.name}.>",
            f"$KV.{ACCESS.name}.token.*",
            "fleet.v1.admin.*.*",
        ),
        subscribe=(_inbox(BusRole.API),),
    )


def _mcp() -> Rights:
    board = (admin_subject(PROJECTOR_SERVICE, verb) for verb in (CLEAR, CLEANUP))
    return Rights(
        publish=(*_gateway(), *_reads(REGISTRY), *board), subscribe=(_inbox(BusRole.MCP),)
    )


def _backup() -> Rights:
    waits_for = (f"{_API}.CONSUMER.{act}.{FACTS.name}.{PROJECTOR.durable}" for act in _KNOWING)
    return Rights(
        publish=(*_reads(REGISTRY), *waits_for),
        subscribe=(_inbox(BusRole.BACKUP),),
    )


def _gateway() -> Sequence[str]:
    """Give what REST and MCP share: commands, audit, tokens and what each has used up."""
    return (
        "fleet.v1.cmd.*.*",
        ALL_AUDIT,
        *_asks_about(AUDIT.name),
        *_reads(ACCESS),
        f"$KV.{ACCESS.name}.used.*",
    )


_MAKING = ("CREATE", "UPDATE", "INFO")
_KNOWING = ("CREATE", "INFO")
"""Of a consumer: binding to one says how it shall be, and does not change one that is so."""


def _asks_about(stream: str) -> Sequence[str]:
    return (f"{_API}.STREAM.INFO.{stream}",)


def _reads(bucket: BucketSpec) -> Sequence[str]:
    """Give what it takes to read and to watch a bucket."""
    stream = bucket_stream(bucket.name)
    return (
        *_asks_about(stream),
        f"{_API}.STREAM.MSG.GET.{stream}",
        f"{_API}.CONSUMER.CREATE.{stream}.*",
        f"{_API}.CONSUMER.MSG.NEXT.{stream}.*",
    )


def _consumes(stream: str, durable: str) -> Sequence[str]:
    return (
        *(f"{_API}.CONSUMER.{act}.{stream}.{durable}" for act in (*_KNOWING, "MSG.NEXT")),
        f"$JS.ACK.{stream}.{durable}.>",
    )


def _inbox(user: str) -> str:
    return f"{inbox_prefix(user)}.>"
