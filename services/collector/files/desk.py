"""Reads a job's files on its cluster's login node, for people: in their lane, never in the watch's.

Many who follow one log cost what one does: equal questions within a second share an answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from services.collector.files.places import (
    Whereabouts,
    files_of,
    found_in,
    number_to_find,
    whereabouts,
)
from services.collector.files.reading import (
    Opened,
    folder_report,
    opened,
    record_report,
    records_report,
    search_report,
    text_backward,
    text_forward,
)
from services.collector.files.refusals import check, readable
from services.collector.files.scripts import (
    MOST_FOLDER_BYTES,
    MOST_MATCH_BYTES,
    Backward,
    Forward,
    Pattern,
    find_section,
    head_section,
    list_section,
    read_section,
    runs_section,
    search_section,
)
from services.collector.files.shared import Shared
from services.collector.files.words import NOTHING_NAMED, named_in
from services.collector.round_trip import IncompleteAnswerError, run_sections
from services.collector.target import problem_code
from slurmfleet.contracts.documents import PathBase
from slurmfleet.contracts.files import (
    MOST_TEXT_BYTES,
    FileKind,
    FilesReport,
    FindFilesRequest,
    FolderReport,
    JobFile,
    JobPlace,
    ListFolderRequest,
    Place,
    ReadFileRequest,
    RecordReport,
    RecordRequest,
    RecordsReport,
    RecordsRequest,
    SearchFileRequest,
    SearchReport,
    TextReport,
    path_bytes,
    path_text,
    place_of,
)
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.frames import SectionOutput
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.errors import SshError
from slurmfleet.ssh.lanes import Lane
from slurmfleet.ssh.port import Link
from slurmfleet.timing.clock import Clock

SEARCHED_BYTES = 2**30
"""By one search; a cursor goes on."""

_LINE_BYTES = 2_064
"""Of a line that matches, its numbers included."""

_KEEP_S = 1.0
_KEEP_PLACES_S = 60.0
_ON_THE_WAY_S = 15.0
"""Beside what the script takes: for connecting, and for a session in people's lane."""

_NOTHING: Mapping[str, str] = {}
_BEGINNING = Place("", 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a job's files lie."""

    roots: tuple[bytes, ...]
    report: FilesReport


class FileDesk:
    """One cluster's files."""

    def __init__(
        self,
        *,
        link: Link,
        clock: Clock,
        probe: Callable[[], Probe | None],
        bases: Callable[[], Awaitable[Sequence[PathBase]]],
        mounted: Callable[[str], str] = lambda _: "",
    ) -> None:
        """Read over `link`.

        Args:
            link: To the login node.
            clock: For all times.
            probe: What is known of the login node; None before it was asked.
            bases: Gives where the group's logs and runs lie.
            mounted: Gives where a path is mounted on this machine; empty: nowhere that answers.
        """
        self._mounted = mounted
        self._bases = bases
        self._link = link
        self._clock = clock
        self._probe = probe
        self._places = Shared[Placed](clock)
        self._texts = Shared[TextReport](clock)
        self._searches = Shared[SearchReport](clock)

    async def find(self, request: FindFilesRequest) -> FilesReport:
        """List the files of a job.

        Raises:
            ProblemError: They cannot be looked for now.
        """
        report = (await self._placed(request.job)).report
        # What is mounted changes faster than where files lie, so it is no part of what is kept.
        files, folders = map(self._with_mounts, (report.files, report.folders))
        return report.model_copy(update={"files": files, "folders": folders})

    async def read(self, request: ReadFileRequest) -> TextReport:
        """Read a part of one file.

        Raises:
            ProblemError: It is not there, may not be read, or cannot be reached now.
        """
        return await self._texts.get(
            request.model_dump_json(), lambda: self._read(request), keep_s=_KEEP_S
        )

    async def search(self, request: SearchFileRequest) -> SearchReport:
        """Find lines in one file.

        Raises:
            ProblemError: As `read`; or the pattern is none.
        """
        return await self._searches.get(
            request.model_dump_json(), lambda: self._search(request), keep_s=_KEEP_S
        )

    async def list_folder(self, request: ListFolderRequest) -> FolderReport:
        """List one folder.

        Raises:
            ProblemError: As `read`.
        """
        path = path_bytes(request.path)
        roots = await self._roots(request.job, path)
        output = await self._run(list_section(path, roots, request.job.user), path)
        with readable():
            return await asyncio.to_thread(
                folder_report,
                output,
                after=request.after,
                limit=request.limit,
                is_cut=len(output.raw) >= MOST_FOLDER_BYTES,
                observed_at=self._clock.now(),
            )

    async def records(self, request: RecordsRequest) -> RecordsReport:
        """List records of a file of JSON lines, without reading all of it.

        Raises:
            ProblemError: As `read`.
        """
        after, before = _cursor(request.after), _cursor(request.before)
        part: Forward | Backward = Forward(after=after.byte if after else 0)
        if before is not None or (request.from_end and after is None):
            part = Backward(before=before.byte if before else None, lines=request.limit)
        file = await self._open(request.job, request.path, part, most_bytes=MOST_TEXT_BYTES)
        was_replaced = not (file.is_same(after) and file.is_same(before))
        if was_replaced:
            file = await self._open(
                request.job, request.path, Forward(after=0), most_bytes=MOST_TEXT_BYTES
            )
        return await asyncio.to_thread(
            records_report, file, limit=request.limit, was_replaced=was_replaced
        )

    async def record(self, request: RecordRequest) -> RecordReport:
        """Read one record.

        Raises:
            ProblemError: As `read`.
        """
        part = Forward(after=request.at_byte)
        file = await self._open(request.job, request.path, part, most_bytes=MOST_TEXT_BYTES)
        return record_report(file)

    def _with_mounts(self, files: Sequence[JobFile]) -> tuple[JobFile, ...]:
        return tuple(
            one.model_copy(update={"mounted_path": self._mounted(one.path)}) for one in files
        )

    async def _read(self, request: ReadFileRequest) -> TextReport:
        after, before = _cursor(request.after), _cursor(request.before)
        part: Forward | Backward = Backward(
            before=before.byte if before else None, lines=request.lines
        )
        if after is not None:
            part = Forward(after=after.byte)
        most_bytes = request.most_bytes
        file = await self._open(request.job, request.path, part, most_bytes=most_bytes)
        if not (file.is_same(after) and file.is_same(before)):
            part = Forward(after=0)
            anew = await self._open(request.job, request.path, part, most_bytes=most_bytes)
            return text_forward(anew, lines=request.lines, was_replaced=True)
        read = text_backward if isinstance(part, Backward) else text_forward
        return read(file, lines=request.lines)

    async def _search(self, request: SearchFileRequest) -> SearchReport:
        after = _cursor(request.after) or _BEGINNING
        file = await self._open_search(request, after.byte)
        was_replaced = bool(request.after) and not file.is_same(after)
        if was_replaced:
            after = _BEGINNING
            file = await self._open_search(request, 0)
        return search_report(
            file,
            most_matches=request.most_matches,
            most_bytes=MOST_MATCH_BYTES,
            context_lines=request.context_lines,
            lines_before=after.lines,
            was_replaced=was_replaced,
        )

    async def _open_search(self, request: SearchFileRequest, after: int) -> Opened:
        path = await self._path(request.job, request.path)
        section = search_section(
            path,
            await self._roots(request.job, path),
            request.job.user,
            Pattern(
                text=request.pattern,
                is_regex=request.is_regex,
                ignores_case=request.ignores_case,
                context_lines=request.context_lines,
            ),
            after=after,
            most_bytes=SEARCHED_BYTES,
            most_matches=request.most_matches + 1,
            most_line_bytes=_LINE_BYTES,
        )
        return await self._opened(section, path)

    async def _open(
        self, job: JobPlace, asked: str, part: Forward | Backward, *, most_bytes: int
    ) -> Opened:
        path = await self._path(job, asked)
        roots = await self._roots(job, path)
        section = read_section(path, roots, job.user, part, most_bytes=most_bytes)
        return await self._opened(section, path)

    async def _opened(self, section: Section, path: bytes) -> Opened:
        output = await self._run(section, path)
        with readable():
            return opened(output, path_text(path), self._clock.now())

    async def _path(self, job: JobPlace, asked: str) -> bytes:
        """Give the path that is asked for; of none, the job's main log."""
        if asked:
            return path_bytes(asked)
        files = (await self._placed(job)).report.files
        if not files:
            raise ProblemError(
                ProblemCode.FILE_NOT_FOUND,
                f"No log of job {job.job_id} is known: Slurm names none, and none was found.",
                remedy="Jobs of salloc and srun write to the terminal; give a path to read.",
            )
        return path_bytes(files[0].path)

    async def _roots(self, job: JobPlace, path: bytes) -> Sequence[bytes]:
        """Give the folders that a job's files lie in; its script is read where Slurm's do not do.

        What really lies in them is decided on the login node.
        """
        where = whereabouts(job, NOTHING_NAMED)
        if any(path == root or path.startswith(root + b"/") for root in where.roots):
            return where.roots
        return (await self._placed(job)).roots

    async def _placed(self, job: JobPlace) -> Placed:
        return await self._places.get(
            job.model_dump_json(), lambda: self._look(job), keep_s=_KEEP_PLACES_S
        )

    async def _look(self, job: JobPlace) -> Placed:
        notes: list[str] = []
        named = named_in(await self._script(job), job)
        where = whereabouts(job, named, await self._known_bases(notes))
        section = find_section(
            files=where.files,
            folders=(*where.folders, *where.bases),
            outputs=where.outputs,
            number=number_to_find(job),
        )
        told = await self._found(section, job, where)
        if where.bases and job.name and not any(one.is_there for one in told):
            runs = await self._found(runs_section(where.bases, job.name), job, where)
            told = [*(one for one in runs if one.is_there), *told]
        report = FilesReport(
            files=tuple(one for one in told if one.kind is not FileKind.FOLDER),
            folders=tuple(one for one in told if one.kind is FileKind.FOLDER),
            notes=tuple(notes),
            observed_at=self._clock.now(),
        )
        own = tuple(path_bytes(one.path) for one in told if one.is_there)
        return Placed(roots=(*where.roots, *own), report=report)

    async def _found(self, section: Section, job: JobPlace, where: Whereabouts) -> list[JobFile]:
        output = await self._run(section, job.work_dir.encode())
        with readable():
            return files_of(job, where, found_in(bytes(output.raw)))

    async def _known_bases(self, notes: list[str]) -> Sequence[PathBase]:
        try:
            return await self._bases()
        except ProblemError as exc:
            notes.append(f"Where the group's logs lie is not known now: {exc.detail}")
            return ()

    async def _script(self, job: JobPlace) -> str:
        """Give the text of a job's script as it lies there now; empty where it cannot be read."""
        command = job.command.partition(" ")[0]
        if not command.startswith("/"):
            return ""
        try:
            output = await self._run(head_section(command.encode()), command.encode())
        except ProblemError as exc:
            if exc.code in _NO_SCRIPT:
                return ""
            raise
        return output.stdout

    async def _run(self, section: Section, path: bytes) -> SectionOutput:
        probe = self._probe()
        environment = _NOTHING if probe is None else probe.environment
        try:
            frames = await run_sections(
                self._link,
                (section,),
                environment,
                limit_s=section.limit_s + _ON_THE_WAY_S,
                lane=Lane.USER,
            )
        except SshError as exc:
            raise ProblemError(problem_code(exc), exc.problem, remedy=exc.remedy) from exc
        except IncompleteAnswerError as exc:
            raise ProblemError(ProblemCode.CLUSTER_UNREACHABLE, str(exc)) from exc
        return check(frames.sections.get(section.name), path_text(path))


_NO_SCRIPT = frozenset(
    {ProblemCode.FILE_NOT_FOUND, ProblemCode.FILE_NOT_READABLE, ProblemCode.FILES_TOO_SLOW}
)


def _cursor(text: str) -> Place | None:
    return place_of(text) if text else None
