"""What tools work with; handed in, never global."""

from dataclasses import dataclass

from slurmfleet.access.board import Board
from slurmfleet.access.job_actions import JobActions
from slurmfleet.access.mounts import Mounts
from slurmfleet.access.scripts import ScriptRuns
from slurmfleet.access.submission import JobSubmission
from slurmfleet.runtime.job_files import JobFiles
from slurmfleet.store.read.reader import Reader
from slurmfleet.timing.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where tools get their answers from."""

    reader: Reader
    files: JobFiles
    actions: JobActions
    submission: JobSubmission
    scripts: ScriptRuns
    mounts: Mounts
    board: Board
    clock: Clock
