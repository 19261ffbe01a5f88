"""A finished poll to and from its protobuf message."""

from slurmfleet.contracts.events import LinkState, PartitionCount, PollFinished
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.job_codec import to_state
from slurmfleet.contracts.mirror import fill, value_of
from slurmfleet.contracts.moments import from_timestamp, to_timestamp
from slurmfleet.contracts.sections import SectionOutcome
from slurmfleet.pb.v1 import facts_pb2 as pb


def poll_to_pb(fact: PollFinished) -> pb.PollFinished:
    """Give the message of a finished poll."""
    message = pb.PollFinished(
        cluster=fact.cluster,
        started_at=to_timestamp(fact.started_at),
        finished_at=to_timestamp(fact.finished_at),
        duration_s=fact.duration_s,
        link=fact.link,
        error=fact.error,
        interval_s=fact.interval_s,
        state_since=to_timestamp(fact.state_since),
        slurm_version=fact.slurm_version,
        tracked_jobs=fact.tracked_jobs,
        slurm_rpcs=fact.slurm_rpcs,
        clock_offset_s=fact.clock_offset_s,
    )
    for section in fact.sections:
        fill(message.sections.add(), section)
    if fact.population is not None:
        message.population.SetInParent()
        message.population.counts.extend(_count_to_pb(one) for one in fact.population)
    return message


def poll_from_pb(message: pb.PollFinished) -> PollFinished:
    """Give the finished poll of a message.

    Raises:
        ValueError: It names no cluster or no start.
    """
    if not (message.cluster and message.HasField("started_at")):
        raise ValueError("a finished poll without cluster or start")
    return PollFinished(
        cluster=ClusterName(message.cluster),
        started_at=from_timestamp(message.started_at),
        finished_at=from_timestamp(message.finished_at),
        duration_s=message.duration_s,
        link=_link(message.link),
        error=message.error,
        interval_s=message.interval_s,
        state_since=from_timestamp(message.state_since),
        sections=tuple(value_of(SectionOutcome, one) for one in message.sections),
        population=(
            tuple(_count_from_pb(one) for one in message.population.counts)
            if message.HasField("population")
            else None
        ),
        slurm_version=message.slurm_version,
        tracked_jobs=message.tracked_jobs,
        slurm_rpcs=message.slurm_rpcs,
        clock_offset_s=message.clock_offset_s if message.HasField("clock_offset_s") else None,
    )


def _count_to_pb(one: PartitionCount) -> pb.PartitionCount:
    return pb.PartitionCount(
        partition=one.partition,
        account=one.account,
        user=one.user,
        state=one.state,
        jobs=one.jobs,
        gpus=one.gpus,
        gpus_by_type=dict(one.gpus_by_type),
    )


def _count_from_pb(message: pb.PartitionCount) -> PartitionCount:
    return PartitionCount(
        partition=message.partition,
        account=message.account,
        user=message.user,
        state=to_state(message.state),
        jobs=message.jobs,
        gpus=message.gpus,
        gpus_by_type=dict(message.gpus_by_type),
    )


def _link(word: str) -> LinkState:
    try:
        return LinkState(word)
    except ValueError:
        return LinkState.UNKNOWN
