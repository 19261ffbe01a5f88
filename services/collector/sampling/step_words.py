"""Where a job's step runs, and what it means how srun ended; pure.

Source: tried on Slurm 22.05.8, 24.11.5 and 26.05.5: a het job is named by its leader's number and
the offset of the component, an array task by its raw number; a step in a suspended job hangs; one
in somebody else's is denied.
"""

import re
from enum import StrEnum

from services.collector.sampling.jobs import SampledJob
from slurmfleet.slurm.step_commands import StepPlace


class Verdict(StrEnum):
    """What the end of a step means."""

    OVER = "over"
    """The job has ended."""
    DENIED = "denied"
    """It is not ours to step into."""
    BROKEN = "broken"


_OVER = re.compile(
    r"(?i)has expired|expired or invalid job|invalid job id|already completing|job.{0,20}ended"
    r"|job/step already completed|force terminated|cancelled at"
)
_DENIED = re.compile(r"(?i)access/permission denied|user id is missing|invalid user id|not owner")


def verdict(said: str) -> Verdict:
    """Judge a step's end by srun's words; pure."""
    if _DENIED.search(said):
        return Verdict.DENIED
    return Verdict.OVER if _OVER.search(said) else Verdict.BROKEN


def place_of(job: SampledJob) -> StepPlace:
    """Give where a job's step runs: on all its nodes."""
    leader = job.het_job_id if job.het_job_id is not None else job.raw_id
    return StepPlace(raw_id=leader, node_count=len(job.nodes), het_offset=job.het_offset)
