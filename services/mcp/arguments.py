"""Arguments as models send them: a list, one text, or texts with commas; all mean the same."""

from collections.abc import Sequence

from slurmfleet.contracts.ids import ClusterName, cluster_name
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.problems import ProblemCode, ProblemError

Words = list[str] | str | None

_MAX_WORDS = 100


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
