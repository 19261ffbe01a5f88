"""What tools that act on jobs answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from slurmfleet.access.job_actions import JobOutcome
from slurmfleet.contracts.text import clean_line

_DETAIL_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ActAnswer:
    """What came of it for each job."""

    ok: bool
    """Whether what was wanted is so for all of them."""

    items: tuple[JobOutcome, ...]


def act_answer(outcomes: Sequence[JobOutcome]) -> ActAnswer:
    """Give the answer of many outcomes."""
    return ActAnswer(ok=all(one.ok for one in outcomes), items=tuple(outcomes))


def act_text(answer: ActAnswer) -> str:
    """Say in lines what came of it."""
    good = sum(one.ok for one in answer.items)
    lines = [f"{good} of {len(answer.items)} as wanted."]
    return "\n".join([*lines, *(outcome_text(one) for one in answer.items)])


def outcome_text(outcome: JobOutcome) -> str:
    """Say in one line what came of it."""
    said = clean_line(outcome.detail, at_most_chars=_DETAIL_CHARS)
    detail = f": {said}" if said else ""
    state = f" (now {clean_line(outcome.state_after)})" if outcome.state_after else ""
    return f"{outcome.cluster} {outcome.job_id} {outcome.word}{detail}{state}"
