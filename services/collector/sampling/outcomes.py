"""How a section of ours went, as its fact tells it; pure."""

from services.collector.outcomes import went_well, went_wrong
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.faults import find_fault
from slurmfleet.slurm.frames import SectionOutput


def outcome_of(
    name: SectionName, output: SectionOutput | None, *, rows: int = 0, bad_rows: int = 0
) -> SectionOutcome:
    """Say how a section went."""
    fault = find_fault(output)
    if output is None or (fault is not None and not fault.rows_hold):
        return went_wrong(name, output, fault)
    return went_well(name, output, rows=rows, bad_rows=bad_rows, fault=fault)
