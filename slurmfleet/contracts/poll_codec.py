"""A finished poll to and from its protobuf message."""

from slurmfleet.contracts.events import (
    LinkState,
    PartitionCount,
    PollFinished,
    SectionName,
    SectionOutcome,
)
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.job_codec import from_timestamp, to_state, to_timestamp
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
        sections=[_section_to_pb(section) for section in fact.sections],
        slurm_version=fact.slurm_version,
        tracked_jobs=fact.tracked_jobs,
        slurm_rpcs=fact.slurm_rpcs,
        clock_offset_s=fact.clock_offset_s,
    )
    if fact.population is not None:
        message.population.SetInParent()
        message.population.counts.extend(
            pb.PartitionCount(
                partition=one.partition, state=one.state, jobs=one.jobs, gpus=one.gpus
            )
            for one in fact.population
        )
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
        sections=tuple(_section_from_pb(section) for section in message.sections),
        population=(
            tuple(
                PartitionCount(
                    partition=one.partition, state=to_state(one.state), jobs=one.jobs, gpus=one.gpus
                )
                for one in message.population.counts
            )
            if message.HasField("population")
            else None
        ),
        slurm_version=message.slurm_version,
        tracked_jobs=message.tracked_jobs,
        slurm_rpcs=message.slurm_rpcs,
        clock_offset_s=message.clock_offset_s if message.HasField("clock_offset_s") else None,
    )


def _section_to_pb(section: SectionOutcome) -> pb.SectionOutcome:
    return pb.SectionOutcome(
        name=section.name,
        ok=section.ok,
        exit_status=section.exit_status,
        error=section.error,
        rows=section.rows,
        bad_rows=section.bad_rows,
    )


def _section_from_pb(message: pb.SectionOutcome) -> SectionOutcome:
    return SectionOutcome(
        name=_section_name(message.name),
        ok=message.ok,
        exit_status=message.exit_status if message.HasField("exit_status") else None,
        error=message.error,
        rows=message.rows,
        bad_rows=message.bad_rows,
    )


def _link(word: str) -> LinkState:
    try:
        return LinkState(word)
    except ValueError:
        return LinkState.UNKNOWN


def _section_name(word: str) -> SectionName:
    try:
        return SectionName(word)
    except ValueError:
        return SectionName.UNKNOWN
