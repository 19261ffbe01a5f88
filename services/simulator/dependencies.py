"""Dependencies between jobs: their grammar, and what is left of one.

Source: sbatch(1) `--dependency`; squeue 24.11 prints `afterok:12(unfulfilled)`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.simulator.model import Job, State

NEVER_SATISFIED = "DependencyNeverSatisfied"
KINDS = frozenset({"after", "afterok", "afterany", "afternotok"})
_TARGET = re.compile(r"([0-9]+)(?:_([0-9]+|\*))?(?:\+[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One condition: a kind and the job it looks at."""

    kind: str
    target: str
    """A job id, or empty for singleton."""

    @property
    def text(self) -> str:
        """The clause as the user wrote it."""
        return f"{self.kind}:{self.target}" if self.target else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where a job's dependency stands."""

    waiting: bool = False
    never: bool = False
    text: str = ""
    """What is left, as squeue prints it; empty when nothing is."""


Find = Callable[[int, int | None], Sequence[Job]]
"""Gives the known records of a job id, or of one task of an array."""


def parse(text: str) -> tuple[tuple[Clause, ...], bool]:
    """Read a dependency; the flag tells whether one clause is enough ("?" between them).

    Raises:
        ValueError: The text is not a dependency.
    """
    any_is_enough = "?" in text
    clauses: list[Clause] = []
    for part in filter(None, re.split(r"[,?]", text)):
        kind, _, targets = part.partition(":")
        if kind == "singleton" and not targets:
            clauses.append(Clause(kind=kind, target=""))
            continue
        if kind not in KINDS or not targets:
            raise ValueError(text)
        for target in targets.split(":"):
            if not _TARGET.fullmatch(target):
                raise ValueError(text)
            clauses.append(Clause(kind=kind, target=target))
    return tuple(clauses), any_is_enough


def judge(text: str, find: Find, *, twins: Callable[[], bool]) -> Verdict:
    """Tell whether a job may start as far as its dependency goes.

    Args:
        text: The dependency as the user wrote it.
        find: Looks up other jobs; a forgotten job has no records.
        twins: Tells whether an earlier job of the same name and user is not over yet.
    """
    clauses, any_is_enough = parse(text)
    left: list[str] = []
    broken = 0
    for clause in clauses:
        fulfilled = not twins() if not clause.target else _fulfilled(clause, find)
        if fulfilled is True and any_is_enough:
            return Verdict()
        if fulfilled is None:
            broken += 1
            left.append(f"{clause.text}(failed)")
        elif not fulfilled:
            left.append(f"{clause.text}(unfulfilled)")
    separator = "?" if any_is_enough else ","
    never = broken == len(clauses) if any_is_enough else broken > 0
    return Verdict(waiting=bool(left), never=never, text=separator.join(left))


def _fulfilled(clause: Clause, find: Find) -> bool | None:
    """Tell whether a clause holds; None when it never will."""
    matched = _TARGET.fullmatch(clause.target)
    if matched is None:
        raise ValueError(clause.target)
    task = matched.group(2)
    jobs = find(int(matched.group(1)), int(task) if task and task != "*" else None)
    if clause.kind == "after":
        return all(job.state is not State.PENDING for job in jobs)
    good = all(job.state is State.COMPLETED for job in jobs if job.state.is_over)
    over = all(job.state.is_over for job in jobs)
    match clause.kind:
        case "afterany":
            return over
        case "afterok":
            return over if good else None
        case _:
            if not over:
                return False
            return (not good) or not jobs or None
