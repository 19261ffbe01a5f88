"""A section of records, read: what it listed, and how it went; pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.collector.desk import Answer
from services.collector.outcomes import went_well, went_wrong
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.assignments import Records
from slurmfleet.slurm.faults import find_fault
from slurmfleet.slurm.records import BadRow

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[Record]):
    """One section."""

    rows: tuple[Record, ...] | None
    """None when the section failed, which is no evidence of anything."""

    outcome: SectionOutcome
    bad: tuple[BadRow, ...] = ()


def read_listed(
    answer: Answer,
    name: SectionName,
    parse: Callable[[str], Records[Record]],
    *,
    may_be_empty: bool = False,
) -> Listed[Record]:
    """Read one section.

    Args:
        answer: With the section in it.
        name: Of the section.
        parse: Reads its text.
        may_be_empty: Whether none is an answer. A cluster has nodes and partitions: none of them
            means that the site does not let us see them (PrivateData).
    """
    output = answer.frames.sections.get(name)
    fault = find_fault(output)
    if output is None or fault is not None:
        return Listed(rows=None, outcome=went_wrong(name, output, fault))
    records = parse(output.stdout)
    if not records.rows and not may_be_empty:
        outcome = SectionOutcome(
            name=name,
            ok=False,
            exit_status=output.exit_status,
            error=f"Slurm shows this user no {name}; the site may keep them private (PrivateData).",
            bad_rows=len(records.bad),
        )
        return Listed(rows=None, outcome=outcome, bad=records.bad)
    outcome = went_well(name, output, rows=len(records.rows), bad_rows=len(records.bad))
    return Listed(rows=records.rows, outcome=outcome, bad=records.bad)
