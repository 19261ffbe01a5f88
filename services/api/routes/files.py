"""Logs and other files of one job, read on its cluster."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from services.api.answers import json_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import NoQuery, refuse_repeated
from slurmfleet.contracts.files import (
    MOST_CONTEXT_LINES,
    MOST_ENTRIES,
    MOST_LINES,
    MOST_MATCHES,
    MOST_RECORDS,
    MOST_TEXT_BYTES,
    FilesReport,
    FindFilesRequest,
    FolderReport,
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
from slurmfleet.contracts.ids import cluster_name, job_id
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import clean_line, clean_text, shown
from slurmfleet.runtime.commands import require_bus
from slurmfleet.runtime.job_files import JobFiles

_ERRORS = documented(
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.INVALID_JOB_ID,
    ProblemCode.INVALID_CURSOR,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.JOB_NOT_FOUND,
    ProblemCode.FILE_NOT_FOUND,
    ProblemCode.FILE_NOT_READABLE,
    ProblemCode.FILES_TOO_SLOW,
    ProblemCode.PATH_NOT_ALLOWED,
    ProblemCode.HOST_KEY_UNKNOWN,
    ProblemCode.HOST_KEY_CHANGED,
    ProblemCode.CLUSTER_UNREACHABLE,
    ProblemCode.CLUSTER_BUSY,
    ProblemCode.SSH_AUTH_DENIED,
    ProblemCode.SSH_NO_MASTER,
    ProblemCode.COLLECTOR_UNREACHABLE,
    ProblemCode.STORE_UNAVAILABLE,
    ProblemCode.BUS_UNAVAILABLE,
)

FileCursor = Annotated[str, Field(max_length=2_048)]
Path = Annotated[str, Field(max_length=6_000)]
_PATH = "As the list of the job's files has it; absent: its main log."


class FileQuery(NoQuery):
    """Which file of the job."""

    path: Path = Field(default="", description=_PATH)


class LogQuery(FileQuery):
    """Which part of it: the newest lines unless told otherwise."""

    lines: int = Field(default=150, ge=1, le=MOST_LINES, description="At most so many lines.")
    bytes: int = Field(
        default=262_144, ge=1_024, le=MOST_TEXT_BYTES, description="At most so many bytes."
    )
    after: FileCursor = Field(default="", description="`newer_cursor` of an answer before.")
    before: FileCursor = Field(default="", description="`older_cursor` of an answer before.")
    wait_s: float = Field(
        default=0, ge=0, le=20, description="With `after`: wait so long for something new."
    )


class LogSearchQuery(FileQuery):
    """What to find."""

    q: str = Field(min_length=1, max_length=1_000, description="What a line holds.")
    regex: bool = Field(default=False, description="An extended regular expression, as grep -E.")
    ignore_case: bool = False
    context: int = Field(
        default=0, ge=0, le=MOST_CONTEXT_LINES, description="Lines around each that matches."
    )
    limit: int = Field(default=100, ge=1, le=MOST_MATCHES, description="Lines that match.")
    cursor: FileCursor = Field(default="", description="`next_cursor` of the page before.")


class FolderQuery(NoQuery):
    """Which folder."""

    path: Path = Field(default="", description="Absent: where the job was submitted.")
    limit: int = Field(default=200, ge=1, le=MOST_ENTRIES, description="Names on a page.")
    cursor: FileCursor = Field(default="", description="`next_cursor` of the page before.")


class RecordsQuery(FileQuery):
    """Which records."""

    mode: str = Field(default="first", pattern="^(first|last)$", description="first or last.")
    limit: int = Field(default=100, ge=1, le=MOST_RECORDS, description="Records on a page.")
    after: FileCursor = Field(default="", description="`newer_cursor` of an answer before.")
    before: FileCursor = Field(default="", description="`older_cursor` of an answer before.")


class RecordQuery(FileQuery):
    """Which record."""

    byte: int = Field(ge=0, le=10**18, description="Where it begins, as the list has it.")


class _Aged(BaseModel):
    """How old an answer is, and who gave it."""

    age_s: float
    source: str = Field(description="Always the login node: files are read when asked for.")


class FilesAnswer(FilesReport, _Aged):
    """Files of a job, the main log first; then folders."""


class TextAnswer(TextReport, _Aged):
    """A part of a file."""


class SearchAnswer(SearchReport, _Aged):
    """Lines that were found, in the order of the file."""


class FolderAnswer(FolderReport, _Aged):
    """A folder: folders first, then by name whatever the case."""


class RecordsAnswer(RecordsReport, _Aged):
    """Records in the order of the file."""


class RecordAnswer(RecordReport, _Aged):
    """One record, whole or cut."""


Report = FilesReport | TextReport | SearchReport | FolderReport | RecordsReport | RecordReport


def file_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/jobs/{cluster}/{job} that read files."""

    def require() -> None:
        require_bus(gateway.bus)

    router = APIRouter(
        prefix="/v1/jobs/{cluster}/{job}",
        tags=["files"],
        dependencies=[Depends(refuse_repeated), Depends(require)],
    )
    files = JobFiles(
        reader=gateway.reader,
        bus=gateway.bus,
        clock=gateway.clock,
        limit_s=gateway.settings.command_limit_s,
    )
    _add_logs(router, files)
    _add_folders(router, files)
    _add_records(router, files)
    return router


def _add_logs(router: APIRouter, files: JobFiles) -> None:
    @router.get(
        "/logs",
        summary="List the files of a job, the main log first",
        responses={200: {"model": FilesAnswer}, **_ERRORS},
    )
    async def list_logs(
        request: Request, cluster: str, job: str, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        place = await files.place(name, job_id(job))
        report = await files.find(name, FindFilesRequest(job=place))
        return await _response(request, report, files)

    @router.get(
        "/log",
        summary="Read a part of a log: the newest lines, those before, or what follows",
        responses={200: {"model": TextAnswer}, **_ERRORS},
    )
    async def read_log(
        request: Request, cluster: str, job: str, query: Annotated[LogQuery, Query()]
    ) -> Response:
        """Text comes without control characters, whatever the job wrote; bytes count its own.

        To follow a log ask again and again with `after` and `wait_s`.
        """
        if query.after and query.before:
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                "Both `after` and `before` are given.",
                remedy="Give the one in whose direction to read.",
            )
        name = cluster_name(cluster)
        wanted = ReadFileRequest(
            job=await files.place(name, job_id(job)),
            path=query.path,
            after=query.after,
            before=query.before,
            lines=query.lines,
            most_bytes=query.bytes,
        )
        report = await files.read(name, wanted, wait_s=query.wait_s if query.after else 0)
        return await _response(request, report, files)

    @router.get(
        "/log/search",
        summary="Find the lines of a log that hold a text or match a pattern",
        responses={200: {"model": SearchAnswer}, **_ERRORS},
    )
    async def search_log(
        request: Request, cluster: str, job: str, query: Annotated[LogSearchQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        wanted = SearchFileRequest(
            job=await files.place(name, job_id(job)),
            path=query.path,
            pattern=query.q,
            is_regex=query.regex,
            ignores_case=query.ignore_case,
            context_lines=query.context,
            most_matches=query.limit,
            after=query.cursor,
        )
        return await _response(request, await files.search(name, wanted), files)


def _add_folders(router: APIRouter, files: JobFiles) -> None:
    @router.get(
        "/files",
        summary="List a folder of a job's, folders first",
        responses={200: {"model": FolderAnswer}, **_ERRORS},
    )
    async def list_folder(
        request: Request, cluster: str, job: str, query: Annotated[FolderQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        place = await files.place(name, job_id(job))
        wanted = ListFolderRequest(
            job=place, path=query.path or place.work_dir, after=query.cursor, limit=query.limit
        )
        return await _response(request, await files.list_folder(name, wanted), files)


def _add_records(router: APIRouter, files: JobFiles) -> None:
    @router.get(
        "/jsonl",
        summary="List the records of a file of JSON lines, without reading all of it",
        responses={200: {"model": RecordsAnswer}, **_ERRORS},
    )
    async def list_records(
        request: Request, cluster: str, job: str, query: Annotated[RecordsQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        wanted = RecordsRequest(
            job=await files.place(name, job_id(job)),
            path=query.path,
            after=query.after,
            before=query.before,
            from_end=query.mode == "last",
            limit=query.limit,
        )
        return await _response(request, await files.records(name, wanted), files)

    @router.get(
        "/jsonl/record",
        summary="Read one record of a file of JSON lines",
        responses={200: {"model": RecordAnswer}, **_ERRORS},
    )
    async def read_record(
        request: Request, cluster: str, job: str, query: Annotated[RecordQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        wanted = RecordRequest(
            job=await files.place(name, job_id(job)), path=query.path, at_byte=query.byte
        )
        return await _response(request, await files.record(name, wanted), files)


async def _response(request: Request, report: Report, files: JobFiles) -> Response:
    """Answer with a report; a thread cleans it, since a megabyte of log takes a while."""
    return await asyncio.to_thread(_cleaned, request, report, files)


def _cleaned(request: Request, report: Report, files: JobFiles) -> Response:
    """Give the answer; what the job wrote is cleaned, line by line."""
    body = {name: shown(value) for name, value in report.model_dump().items()}
    if isinstance(report, TextReport | RecordReport):
        body["text"] = clean_text(report.text)
    if isinstance(report, SearchReport):
        body["matches"] = [
            one.model_dump() | {"text": clean_line(clean_text(one.text))} for one in report.matches
        ]
    age_s = (files.clock.now() - report.observed_at).total_seconds()
    return json_response(request, {**body, "age_s": shown(age_s), "source": "login node"})
