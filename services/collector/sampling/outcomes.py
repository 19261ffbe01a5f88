"""How a section of ours went, as its fact tells it; pure."""

from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.faults import find_fault
from slurmfleet.slurm.frames import SectionOutput

ERROR_LIMIT = 500


def outcome_of(
    name: SectionName, output: SectionOutput | None, *, rows: int = 0, bad_rows: int = 0
) -> SectionOutcome:
    """Say how a section went."""
    fault = find_fault(output)
    exit_status = output.exit_status if output is not None else None
    if output is None or fault is not None:
        error = fault.explanation if fault is not None else "It was never run."
        return SectionOutcome(
            name=name, ok=False, exit_status=exit_status, error=error[:ERROR_LIMIT]
        )
    return SectionOutcome(name=name, ok=True, exit_status=exit_status, rows=rows, bad_rows=bad_rows)
