"""Arguments as models send them: a list, one text, or texts with commas; all mean the same."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from slurmfleet.contracts import ids
from slurmfleet.contracts.ids import ClusterName, cluster_name
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.problems import ProblemCode, ProblemError

Words = list[str] | str | None
Jobs = list[str | int] | str | int
Cluster = Annotated[str, Field(description="Cluster name, as get_cluster_status lists them.")]
Reason = Annotated[
    str,
    Field(max_length=2_000, description="Why; stands in the audit."),
]
JobId = Annotated[str | int, Field(description="Slurm job id: 4711, array task 4711_3, or 4711+1.")]

READS_ONLY = {
    "read_only_hint": True,
    "destructive_hint": False,
    "idempotent_hint": True,
    "open_world_hint": False,
}
"""What a tool that changes nothing says of itself."""

DESTROYS = {
    "read_only_hint": False,
    "destructive_hint": True,
    "idempotent_hint": True,
    "open_world_hint": False,
}
"""What a tool says of itself that ends something for good."""

CHANGES = {**DESTROYS, "destructive_hint": False}
"""What a tool says of itself whose effect can be taken back."""

_MAX_WORDS = 100
_MAX_JOBS = 1_000


def words(given: Words, *, name: str) -> tuple[str, ...]:
    """Give the words of an argument; none where it was left out.

    Raises:
        ProblemError: A word is empty, which would let everything through, or there are too many.
    """
    if given is None:
        return ()
    texts: Sequence[str] = [given] if isinstance(given, str) else given
    parts = tuple(part.strip() for text in texts for part in text.split(","))
    if not all(parts) or len(parts) > _MAX_WORDS:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"{name} has an empty value, or more than {_MAX_WORDS}.",
            remedy=f"leave {name} out for all, or name what you want",
        )
    return parts


def listed_jobs(given: Jobs) -> tuple[ids.JobId, ...]:
    """Give the jobs of an argument; a number is one too.

    Raises:
        ProblemError: There is none, there are too many, or one is no job's id.
    """
    texts: Sequence[str | int] = given if isinstance(given, list) else [given]
    parts = [part.strip() for text in texts for part in str(text).split(",") if part.strip()]
    if not 1 <= len(parts) <= _MAX_JOBS:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"{len(parts)} jobs are named.",
            remedy=f"name 1 to {_MAX_JOBS} job ids",
        )
    return tuple(ids.job_id(part) for part in parts)


def cluster_names(given: Words) -> tuple[ClusterName, ...]:
    """Give the clusters of an argument.

    Raises:
        ProblemError: One is no cluster name.
    """
    return tuple(cluster_name(word) for word in words(given, name="cluster"))


def job_states(given: Words) -> tuple[JobState, ...]:
    """Give the states of an argument, in whatever case they were written.

    Raises:
        ProblemError: One is no state.
    """
    return tuple(_state(word) for word in words(given, name="state"))


def _state(word: str) -> JobState:
    try:
        return JobState(word.upper())
    except ValueError as exc:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"{word[:40]!r} is no job state.",
            remedy=f"use one of {', '.join(JobState)}",
        ) from exc
