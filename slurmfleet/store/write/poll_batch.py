"""Finished polls as the columns that the statements take; pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from slurmfleet.contracts.events import PartitionCount, PollFinished
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.store.write.columns import number_array, storable, text_array, time_array
from slurmfleet.store.write.status import ClusterStatus, after_poll, has_failed


def poll_columns(polls: Sequence[PollFinished]) -> dict[str, str]:
    """Give the columns of `insert_polls`: an array literal per name, one element per poll."""
    return {
        "cluster": text_array([poll.cluster for poll in polls]),
        "started_at": time_array([poll.started_at for poll in polls]),
        "finished_at": time_array([poll.finished_at for poll in polls]),
        "duration_s": number_array([poll.duration_s for poll in polls]),
        "link": text_array([poll.link for poll in polls]),
        "error": text_array([poll.error for poll in polls]),
        "failed": number_array([has_failed(poll) for poll in polls]),
        "interval_s": number_array([poll.interval_s for poll in polls]),
        "state_since": time_array([poll.state_since for poll in polls]),
        "sections": text_array([_sections(poll) for poll in polls]),
        "slurm_version": text_array([poll.slurm_version for poll in polls]),
        "tracked_jobs": number_array([poll.tracked_jobs for poll in polls]),
        "slurm_rpcs": number_array([poll.slurm_rpcs for poll in polls]),
        "clock_offset_s": number_array([poll.clock_offset_s for poll in polls]),
    }


def folded(
    stored: Iterable[ClusterStatus], polls: Iterable[PollFinished]
) -> Mapping[ClusterName, ClusterStatus]:
    """Give the status of every cluster in the batch after the batch."""
    statuses = {status.cluster: status for status in stored}
    for poll in polls:
        statuses[poll.cluster] = after_poll(statuses.get(poll.cluster), poll)
    return statuses


def told_until(polls: Iterable[PollFinished]) -> dict[str, str]:
    """Give the clusters of a batch, and of each when its newest poll in the batch ended."""
    newest: dict[str, datetime] = {}
    for poll in polls:
        newest[poll.cluster] = max(newest.get(poll.cluster, poll.finished_at), poll.finished_at)
    return {"clusters": text_array(newest), "told_until": time_array(newest.values())}


def status_params(status: ClusterStatus) -> dict[str, object]:
    """Give the parameters of `write_cluster_status`."""
    values = {field.name: getattr(status, field.name) for field in fields(status)}
    return {
        name: storable(value) if isinstance(value, str) else value for name, value in values.items()
    }


def newest_populations(
    stored: Iterable[ClusterStatus], polls: Iterable[PollFinished]
) -> Sequence[PollFinished]:
    """Give each cluster's newest counting poll, if it is newer than the stored count."""
    counted_at = {status.cluster: status.queue_observed_at for status in stored}
    found: dict[ClusterName, PollFinished] = {}
    for poll in polls:
        newest = counted_at.get(poll.cluster)
        if poll.population is not None and (newest is None or poll.finished_at > newest):
            counted_at[poll.cluster] = poll.finished_at
            found[poll.cluster] = poll
    return list(found.values())


def count_columns(population: Sequence[PartitionCount]) -> dict[str, str]:
    """Give the columns of `insert_partition_counts`; equal keys are added."""
    jobs: dict[tuple[str, str], int] = {}
    gpus: dict[tuple[str, str], int] = {}
    for one in population:
        key = (storable(one.partition), str(one.state))
        jobs[key] = jobs.get(key, 0) + one.jobs
        gpus[key] = gpus.get(key, 0) + one.gpus
    return {
        "partition": text_array([partition for partition, _ in jobs]),
        "state": text_array([state for _, state in jobs]),
        "jobs": number_array(list(jobs.values())),
        "gpus": number_array(list(gpus.values())),
    }


def _sections(poll: PollFinished) -> str:
    return json.dumps(
        [
            {
                "name": section.name,
                "ok": section.ok,
                "exit_status": section.exit_status,
                "error": storable(section.error),
                "rows": section.rows,
                "bad_rows": section.bad_rows,
            }
            for section in poll.sections
        ],
        ensure_ascii=False,
    )
