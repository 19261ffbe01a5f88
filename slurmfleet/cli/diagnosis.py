"""What a collector tells of its cluster, as findings of `slurmfleet doctor`."""

from collections.abc import Sequence

from slurmfleet.cli.ages import duration_text
from slurmfleet.cli.checks import Check
from slurmfleet.contracts.commands import Ability, Diagnosis, QuestionState, UnreadLine

_MOST_LINES = 3
_UNREAD_REMEDY = "Such a line costs only itself. Please report it with your Slurm's version."


def diagnosis_checks(cluster: str, diagnosis: Diagnosis) -> list[Check]:
    """Judge what a collector told: each question, the budget, abilities, lines not understood."""
    return [
        *(_question(cluster, one) for one in diagnosis.questions),
        _budget(cluster, diagnosis),
        *(_ability(cluster, one) for one in diagnosis.abilities),
        *_unread(cluster, diagnosis.unread_lines),
    ]


def _question(cluster: str, question: QuestionState) -> Check:
    name = question.name if question.name in ("looks", "accounting") else f"{question.name} survey"
    if question.ok is None:
        return Check(group=cluster, name=name, ok=None, detail="not asked yet")
    every = f"every {duration_text(question.interval_s)}" if question.interval_s else ""
    if question.ok:
        told = ", ".join(one for one in (question.detail, every) if one)
        return Check(group=cluster, name=name, ok=True, detail=told)
    since = f", failing since {question.failing_since:%Y-%m-%d %H:%M} UTC" * bool(
        question.failing_since
    )
    remedy = "Nothing is concluded from silence; it is asked again by itself, less and less often."
    return Check(
        group=cluster, name=name, ok=False, detail=f"{question.error}{since}", remedy=remedy
    )


def _budget(cluster: str, diagnosis: Diagnosis) -> Check:
    if not diagnosis.rpcs_per_minute:
        detail = "no limit on requests to Slurm"
        return Check(group=cluster, name="budget", ok=True, detail=detail)
    waited = duration_text(diagnosis.budget_waited_s)
    detail = (
        f"at most {diagnosis.rpcs_per_minute:g} requests a minute, {diagnosis.rpcs_left:g} left;"
        f" questions have waited {waited} for it"
    )
    return Check(group=cluster, name="budget", ok=True, detail=detail)


def _ability(cluster: str, ability: Ability) -> Check:
    note = f" ({ability.note})" if ability.note else ""
    return Check(group=cluster, name=ability.name, ok=True, detail=f"{ability.value}{note}")


def _unread(cluster: str, lines: Sequence[UnreadLine]) -> list[Check]:
    if not lines:
        return [Check(group=cluster, name="lines", ok=True, detail="every line was understood")]
    return [
        Check(
            group=cluster,
            name="lines",
            ok=None,
            detail=f"{one.section}, {one.times} times: {one.error}",
            remedy=_UNREAD_REMEDY,
        )
        for one in lines[:_MOST_LINES]
    ]
