"""Asks a cluster's collector about the files of one job, for whichever face was asked.

Where a job reads and writes is what the store says of it; nobody outside chooses that.
"""

from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from slurmfleet.bus.port import Bus
from slurmfleet.contracts.commands import Verb
from slurmfleet.contracts.files import (
    FilesReport,
    FindFilesRequest,
    FolderReport,
    JobPlace,
    ListFolderRequest,
    ReadFileRequest,
    RecordReport,
    RecordRequest,
    RecordsReport,
    RecordsRequest,
    SearchFileRequest,
    SearchReport,
    TextReport,
)
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.runtime.commands import ask_collector
from slurmfleet.store.read.reader import Reader
from slurmfleet.store.rows import JobView
from slurmfleet.timing.clock import Clock

Report = TypeVar("Report", bound=BaseModel)

FOLLOW_EVERY_S = 1.0
"""Whoever follows a file asks at this pace; equal questions cost the cluster one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFiles:
    """Reads files of jobs, through the store and the bus."""

    reader: Reader
    bus: Bus
    clock: Clock
    limit_s: float
    """For one answer of a collector."""

    async def place(self, cluster: ClusterName, job_id: JobId) -> JobPlace:
        """Give what Slurm said of where a job reads and writes.

        Raises:
            ProblemError: There is no such cluster or job.
        """
        return place_of_job(await self.reader.job(cluster, job_id))

    async def find(self, cluster: ClusterName, request: FindFilesRequest) -> FilesReport:
        """List the files of a job.

        Raises:
            ProblemError: The cluster cannot be asked now.
        """
        return await self._ask(cluster, Verb.FIND_FILES, FilesReport, request)

    async def read(
        self, cluster: ClusterName, request: ReadFileRequest, *, wait_s: float = 0.0
    ) -> TextReport:
        """Read a part of a file; with `wait_s`, wait so long for something behind a place.

        Raises:
            ProblemError: It cannot be read, or the cluster cannot be asked now.
        """
        until_s = self.clock.monotonic_s() + wait_s
        while True:
            report = await self._ask(cluster, Verb.READ_FILE, TextReport, request)
            left_s = until_s - self.clock.monotonic_s()
            if report.begin_byte < report.end_byte or report.was_replaced or left_s <= 0:
                return report
            await self.clock.sleep(min(FOLLOW_EVERY_S, left_s))

    async def search(self, cluster: ClusterName, request: SearchFileRequest) -> SearchReport:
        """Find lines in a file.

        Raises:
            ProblemError: As `read`; or the pattern is none.
        """
        return await self._ask(cluster, Verb.SEARCH_FILE, SearchReport, request)

    async def list_folder(self, cluster: ClusterName, request: ListFolderRequest) -> FolderReport:
        """List a folder.

        Raises:
            ProblemError: As `read`.
        """
        return await self._ask(cluster, Verb.LIST_FOLDER, FolderReport, request)

    async def records(self, cluster: ClusterName, request: RecordsRequest) -> RecordsReport:
        """List records of a file of JSON lines.

        Raises:
            ProblemError: As `read`.
        """
        return await self._ask(cluster, Verb.LIST_RECORDS, RecordsReport, request)

    async def record(self, cluster: ClusterName, request: RecordRequest) -> RecordReport:
        """Read one record.

        Raises:
            ProblemError: As `read`.
        """
        return await self._ask(cluster, Verb.READ_RECORD, RecordReport, request)

    async def _ask(
        self, cluster: ClusterName, verb: Verb, report: type[Report], request: BaseModel
    ) -> Report:
        return await ask_collector(
            self.bus, cluster, verb, report, limit_s=self.limit_s, request=request
        )


def place_of_job(view: JobView) -> JobPlace:
    """Give where a job reads and writes."""
    return JobPlace(
        job_id=view.job_id,
        raw_id=view.raw_id,
        array_job_id=view.array_job_id,
        array_task_id=view.array_task_id,
        name=view.name,
        user=view.user,
        work_dir=view.work_dir,
        stdout_path=view.stdout_path,
        stderr_path=view.stderr_path,
        unexpanded_paths=view.unexpanded_paths,
        command=view.command,
        submit_line=view.submit_line,
    )
