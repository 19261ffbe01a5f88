"""What real Slurm printed of jobs that were made to show it; by deploy/testbed/record.py."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.slurm.columns import ANY_SLURM, Dialect
from slurmfleet.slurm.frames import SectionOutput
from slurmfleet.slurm.records import PLAIN, ParsedRows
from slurmfleet.slurm.sacct import parse_accounting

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm"

ENDED = {
    "completed": (JobState.COMPLETED, 0, 0),
    "failed": (JobState.FAILED, 3, 0),
    "segfault": (JobState.FAILED, 0, 11),
    "out-of-memory": (JobState.OUT_OF_MEMORY, 0, 125),
    "failed-step": (JobState.COMPLETED, 0, 0),
    "doomed": (JobState.FAILED, 1, 0),
}

WAITING = {
    "begin": "BeginTime",
    "dependency": "Dependency",
    "dependency-never": "DependencyNeverSatisfied",
    "held-user": "JobHeldUser",
    "held-admin": "JobHeldAdmin",
    "array": "JobArrayTaskLimit",
    "qos-limit": "QOSMaxJobsPerUserLimit",
    "qos-gpu-limit": "QOSMaxGRESPerUser",
    "account-limit": "AssocGrpGRES",
    "partition-time": "PartitionTimeLimit",
    "reservation": "Reservation",
    "resources": "Resources",
    "priority": "Priority",
    "requeued": "BeginTime",
}

PREEMPTED_FOR_GOOD = "26.05.5"
"""There the partition cancels what it preempts; elsewhere such a job waits again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    command: str
    output: SectionOutput
    labels: dict[str, int]
    """Job number by what the job was made to show."""

    @property
    def dialect(self) -> Dialect:
        """Which fields were asked, read from the command."""
        if "sacct" in self.command:
            fields = self.command.rpartition(" -o ")[2].strip()
            return replace(ANY_SLURM, accounting=tuple(fields.split(",")))
        columns = self.command.partition("-O $'")[2].rstrip("'\n").split(",")
        return replace(ANY_SLURM, detail=tuple(one.partition(":")[0] for one in columns))


Recorded = Callable[[str], Recording]


def read_accounting(recording: Recording) -> ParsedRows:
    return parse_accounting(recording.output.stdout, PLAIN, recording.dialect)


def by_label(rows: ParsedRows, labels: dict[str, int]) -> dict[str, Job]:
    """Give each labelled job; of an array its waiting part, of a requeue the newest run."""
    by_number = {str(job.job_id).partition("+")[0]: job for job in rows.jobs}
    return {
        label: by_number[str(number)]
        for label, number in labels.items()
        if str(number) in by_number
    }
