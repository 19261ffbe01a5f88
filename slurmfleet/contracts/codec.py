"""Facts to bytes and back: packs of up to 1,000 facts of one cluster, noun and verb.

Packing is what makes JetStream with fsync fast enough: it acknowledges thousands of messages a
second, whatever their size (docs/adr/0004).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TypeVar

from google.protobuf.message import DecodeError

from slurmfleet.contracts.envelope import Message, enclose
from slurmfleet.contracts.events import (
    Fact,
    JobChanged,
    JobEnded,
    JobFact,
    JobStarted,
    JobSubmitted,
    JobVanished,
    PollFinished,
)
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.job_codec import job_from_pb, job_to_pb
from slurmfleet.contracts.jobs import Evidence
from slurmfleet.contracts.mirror import fill, value_of
from slurmfleet.contracts.moments import from_timestamp, to_timestamp
from slurmfleet.contracts.poll_codec import poll_from_pb, poll_to_pb
from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.samples import SAMPLE_KINDS
from slurmfleet.contracts.subjects import fact_subject
from slurmfleet.contracts.use import GpuSampled, LoadSampled
from slurmfleet.contracts.use_codec import gpu_from_pb, gpu_to_pb, load_from_pb, load_to_pb
from slurmfleet.pb.v1 import facts_pb2 as pb

PACK_SIZE = 1_000

_SAMPLES: Mapping[str, type[Sample]] = {
    re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower(): kind for kind in SAMPLE_KINDS
}
"""By the name of their field in `Fact`: `gpu_sampled` holds a `GpuSampled`."""

_BODIES = {kind: body for body, kind in _SAMPLES.items()}


class UndecodableMessageError(ValueError):
    """Bytes on a fact's subject that are no pack of facts."""


def encode(facts: Iterable[Fact], *, source: str, traceparent: str = "") -> Iterator[Message]:
    """Pack facts into messages; facts of one subject that follow each other share a message.

    Args:
        facts: In the order in which they shall be told.
        source: Who tells them, as a URI reference: `/collector/alpha`.
        traceparent: W3C trace context of the look that found them; empty for none.
    """
    for subject, run in groupby(facts, key=fact_subject):
        while chunk := list(islice(run, PACK_SIZE)):
            newest = chunk[-1]
            pack = pb.FactPack(facts=[_to_pb(fact) for fact in chunk])
            yield enclose(
                subject=subject,
                body=pack.SerializeToString(deterministic=True),
                event_type=f"slurmfleet.v1.{type(newest).__name__}",
                source=source,
                time=newest.finished_at if isinstance(newest, PollFinished) else newest.observed_at,
                traceparent=traceparent,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What a message holds."""

    facts: tuple[Fact, ...]
    unknown: int
    """Facts of kinds that a newer version made; they are not among `facts`."""


def unpack(body: bytes) -> Unpacked:
    """Unpack a message.

    Raises:
        UndecodableMessageError: The bytes are no pack, or a fact in it lacks what it needs.
    """
    try:
        pack = pb.FactPack.FromString(body)
        facts = tuple([fact for one in pack.facts if (fact := _from_pb(one)) is not None])
    except (DecodeError, ValueError, OverflowError) as exc:
        raise UndecodableMessageError(str(exc)[:500]) from exc
    return Unpacked(facts=facts, unknown=len(pack.facts) - len(facts))


def decode(body: bytes) -> tuple[Fact, ...]:
    """Give the facts of a message; kinds that this version does not know are left out.

    Raises:
        UndecodableMessageError: The bytes are no pack, or a fact in it lacks what it needs.
    """
    return unpack(body).facts


def _to_pb(fact: Fact) -> pb.Fact:
    message = pb.Fact(id=fact.fact_id)
    match fact:
        case PollFinished():
            message.poll_finished.CopyFrom(poll_to_pb(fact))
        case JobSubmitted():
            _fill(message.job_submitted, fact)
        case JobStarted():
            _fill(message.job_started, fact)
        case JobChanged():
            _fill(message.job_changed, fact)
            message.job_changed.changed.extend(fact.changed)
        case JobEnded():
            _fill(message.job_ended, fact)
        case JobVanished():
            _fill(message.job_vanished, fact)
        case GpuSampled():
            message.gpu_sampled.CopyFrom(gpu_to_pb(fact))
        case LoadSampled():
            message.load_sampled.CopyFrom(load_to_pb(fact))
        case Sample():
            fill(getattr(message, _BODIES[type(fact)]), fact)
    return message


PlainJobFact = TypeVar("PlainJobFact", JobSubmitted, JobStarted, JobEnded, JobVanished)
JobFactMessage = pb.JobSubmitted | pb.JobStarted | pb.JobChanged | pb.JobEnded | pb.JobVanished


def _fill(message: JobFactMessage, fact: JobFact) -> None:
    message.job.CopyFrom(job_to_pb(fact.job))
    message.observation.cluster = fact.cluster
    message.observation.observed_at.CopyFrom(to_timestamp(fact.observed_at))
    message.observation.revision = fact.revision
    message.observation.source = fact.source


def _from_pb(message: pb.Fact) -> Fact | None:
    match message.WhichOneof("body"):
        case "poll_finished":
            fact = poll_from_pb(message.poll_finished)
        case "job_submitted":
            fact = _job_fact(JobSubmitted, message.job_submitted)
        case "job_started":
            fact = _job_fact(JobStarted, message.job_started)
        case "job_changed":
            fact = _changed_fact(message.job_changed)
        case "job_ended":
            fact = _job_fact(JobEnded, message.job_ended)
        case "job_vanished":
            fact = _job_fact(JobVanished, message.job_vanished)
        case body:
            fact = _sample(body, message)
    return fact


def _sample(body: str | None, message: pb.Fact) -> Sample | None:
    kind = _SAMPLES.get(body or "")
    if kind is None:
        return None
    fact = _sample_of(kind, message)
    if not fact.cluster:
        raise ValueError("a sample without cluster")
    return fact


def _sample_of(kind: type[Sample], message: pb.Fact) -> Sample:
    if kind is GpuSampled:
        return gpu_from_pb(message.gpu_sampled)
    if kind is LoadSampled:
        return load_from_pb(message.load_sampled)
    return value_of(kind, getattr(message, _BODIES[kind]))


def _changed_fact(message: pb.JobChanged) -> JobChanged:
    observation = message.observation
    return JobChanged(
        cluster=ClusterName(observation.cluster),
        job=job_from_pb(_needed_job(message)),
        observed_at=from_timestamp(observation.observed_at),
        revision=observation.revision,
        source=_EVIDENCE.get(observation.source, Evidence.NONE),
        changed=tuple(message.changed),
    )


def _job_fact(kind: type[PlainJobFact], message: JobFactMessage) -> PlainJobFact:
    observation = message.observation
    return kind(
        cluster=ClusterName(observation.cluster),
        job=job_from_pb(_needed_job(message)),
        observed_at=from_timestamp(observation.observed_at),
        revision=observation.revision,
        source=_EVIDENCE.get(observation.source, Evidence.NONE),
    )


def _needed_job(message: JobFactMessage) -> pb.Job:
    job = message.job
    if not (message.observation.cluster and job.job_id and job.HasField("submitted_at")):
        raise ValueError("a job fact without cluster, job id or submit time")
    return job


_EVIDENCE: Mapping[str, Evidence] = {str(one): one for one in Evidence}
"""Looked up for each fact: calling an enumeration costs ten times as much."""
