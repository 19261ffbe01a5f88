"""How a section of an answer went, in the words that everybody is told; pure."""

from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.faults import Fault
from slurmfleet.slurm.frames import SectionOutput

_ERROR_LIMIT = 500


def went_wrong(
    name: SectionName, output: SectionOutput | None, fault: Fault | None
) -> SectionOutcome:
    """Tell of a section that gave no evidence."""
    explanation = fault.explanation if fault is not None else "It was never run."
    words = fault.words if fault is not None else ""
    return SectionOutcome(
        name=name,
        ok=False,
        exit_status=output.exit_status if output is not None else None,
        error=f"{explanation} {words}".strip()[:_ERROR_LIMIT],
    )


def went_well(
    name: SectionName,
    output: SectionOutput,
    *,
    rows: int,
    bad_rows: int = 0,
    fault: Fault | None = None,
) -> SectionOutcome:
    """Tell of a section whose rows hold, be it with a warning."""
    return SectionOutcome(
        name=name,
        ok=True,
        exit_status=output.exit_status,
        error=f"{fault.explanation} {fault.words}"[:_ERROR_LIMIT] if fault is not None else "",
        rows=rows,
        bad_rows=bad_rows,
    )


def section_of(name: str) -> SectionName:
    """Give what a section of a composite is about: `accounting-2` is of accounting."""
    return SectionName(name.partition("-")[0])
