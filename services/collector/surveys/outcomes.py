"""How one section of a survey went; pure."""

from services.collector.outcomes import went_wrong
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.faults import find_fault
from slurmfleet.slurm.frames import Frames, SectionOutput

ERROR_LIMIT = 500


def read_section(frames: Frames, section: str, name: SectionName) -> SectionOutput | SectionOutcome:
    """Give a section's output if it is evidence, else how it failed."""
    output = frames.sections.get(section)
    fault = find_fault(output)
    if output is not None and (fault is None or fault.rows_hold):
        return output
    return went_wrong(name, output, fault)


def failed(name: SectionName, error: str, *, exit_status: int | None = None) -> SectionOutcome:
    """Say that a section gave no evidence although Slurm called it well, and why."""
    words = error.strip()[:ERROR_LIMIT]
    return SectionOutcome(name=name, ok=False, exit_status=exit_status, error=words)


def well(name: SectionName, *, rows: int, bad_rows: int, remark: str = "") -> SectionOutcome:
    """Say that a section was read; a remark is for what may surprise."""
    return SectionOutcome(
        name=name, ok=True, exit_status=0, error=remark, rows=rows, bad_rows=bad_rows
    )
