"""A heterogeneous job as one thing with the counts of its components; pure.

Slurm shows each component as a record of its own, `17+0` and `17+1`, and all of them at once.

Source: https://slurm.schedmd.com/heterogeneous_jobs.html; docs/slurm-output.md, "Ids".
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.collector.jobs.arrays import overall_state, worst_member
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Job, JobState


def whole_het(*, known: Job | None, components: Sequence[Job]) -> Job | None:
    """Put a het job together.

    Args:
        known: The het job as it was last told.
        components: Every component that is known, live and ended.

    Returns:
        The het job, or None when nothing is known of it. Components that were there and are not
        known any more are counted as UNKNOWN, and keep it from ending.
    """
    components = sorted(components, key=lambda one: one.het_offset or 0)
    pattern = components[0] if components else known
    if pattern is None or pattern.het_job_id is None:
        return None
    counts = _count(known, components)
    state = overall_state(counts)
    worst = worst_member(components, state)
    ends = [one.ended_at for one in components if one.ended_at is not None]
    starts = [one.started_at for one in components if one.started_at and one.node_list]
    return replace(
        pattern,
        job_id=JobId(str(pattern.het_job_id)),
        raw_id=pattern.het_job_id,
        het_offset=None,
        submitted_at=known.submitted_at if known is not None else pattern.submitted_at,
        state=state,
        state_flags=(),
        reason=pattern.reason if state is JobState.PENDING else "",
        task_states=counts,
        node_list="",
        node_names=(),
        has_all_node_names=True,
        batch_host="",
        node_count=sum(one.node_count for one in components),
        cpu_count=sum(one.cpu_count for one in components),
        memory_mib=_total_memory_mib(components),
        gpu_count=sum(one.gpu_count for one in components),
        gpus_by_type=_total_gpus(components),
        tres="",
        restart_count=known.restart_count if known is not None else pattern.restart_count,
        started_at=min(starts, default=known.started_at if known is not None else None),
        ended_at=max(ends, default=None) if state.is_terminal else None,
        exit_code=worst.exit_code if worst is not None else None,
        exit_signal=worst.exit_signal if worst is not None else None,
    )


def _count(known: Job | None, components: Sequence[Job]) -> Mapping[JobState, int]:
    counts = Counter(one.state for one in components)
    unseen = (sum(known.task_states.values()) if known is not None else 0) - len(components)
    if unseen > 0:
        counts[JobState.UNKNOWN] += unseen
    return {state: counts[state] for state in sorted(counts)}


def _total_memory_mib(components: Sequence[Job]) -> int | None:
    told = [one.memory_mib for one in components if one.memory_mib is not None]
    return sum(told) if told else None


def _total_gpus(components: Sequence[Job]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for one in components:
        total.update(one.gpus_by_type)
    return dict(sorted(total.items()))
