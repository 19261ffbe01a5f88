"""What accounting's answer is evidence of; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.collector.desk import Answer
from services.collector.outcomes import section_of, went_well, went_wrong
from slurmfleet.contracts.jobs import Job
from slurmfleet.contracts.sections import SectionOutcome
from slurmfleet.slurm.columns import Dialect
from slurmfleet.slurm.commands import WINDOW_SECTION
from slurmfleet.slurm.faults import FaultKind, find_fault
from slurmfleet.slurm.records import BadRow
from slurmfleet.slurm.sacct import parse_accounting


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What accounting answered."""

    rows: tuple[Job, ...] | None
    """None when a part of it failed: no evidence."""

    sections: tuple[SectionOutcome, ...]
    bad_rows: tuple[BadRow, ...]
    is_absent: bool
    """The site keeps no accounting: nobody will ever tell."""

    window_ok: bool = True
    """Whether what was asked about the window of time was answered."""

    @property
    def error(self) -> str:
        """Give the first failed section's words; empty when all is well."""
        return next((one.error for one in self.sections if not one.ok), "")

    def with_more(self, more: "Heard") -> "Heard":
        """Give both answers as one; where one failed there is no evidence."""
        rows = None
        if self.rows is not None and more.rows is not None:
            rows = _each_once((*self.rows, *more.rows))
        return replace(
            self,
            rows=rows,
            sections=(*self.sections, *more.sections),
            bad_rows=(*self.bad_rows, *more.bad_rows),
        )


def read_accounting(answer: Answer, names: Sequence[str], dialect: Dialect) -> Heard:
    """Read what accounting answered about jobs, all of it or nothing, and about the window.

    A site whose sacct does not understand the window still tells how jobs ended.
    """
    outcomes: dict[str, SectionOutcome] = {}
    rows: list[Job] = []
    bad: list[BadRow] = []
    absent = False
    for name in names:
        output = answer.frames.sections.get(name)
        fault = find_fault(output)
        section = section_of(name)
        if output is None or fault is not None:
            absent = absent or (fault is not None and fault.kind is FaultKind.ACCOUNTING_ABSENT)
            outcomes[name] = went_wrong(section, output, fault)
            continue
        parsed = parse_accounting(output.stdout, answer.separators, dialect)
        rows += parsed.jobs
        bad += parsed.bad
        outcomes[name] = went_well(section, output, rows=len(parsed.jobs), bad_rows=len(parsed.bad))
    of_window = [name for name in names if name.startswith(WINDOW_SECTION)]
    of_jobs = [name for name in names if name not in of_window]
    well = all(outcomes[name].ok for name in of_jobs or of_window)
    return Heard(
        rows=_each_once(rows) if well else None,
        sections=tuple(
            replace(one, ok=True, error="This cluster keeps no accounting.") if absent else one
            for one in outcomes.values()
        ),
        bad_rows=tuple(bad),
        is_absent=absent,
        window_ok=all(outcomes[name].ok for name in of_window),
    )


def _each_once(rows: Iterable[Job]) -> tuple[Job, ...]:
    """Give each run of a job once, as it was told last."""
    return tuple({(row.job_id, row.submitted_at): row for row in rows}.values())
