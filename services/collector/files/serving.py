"""Serves what people ask about the files of jobs on one cluster."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel

from services.collector.files.desk import FileDesk
from services.collector.requests import request_of
from slurmfleet.contracts.commands import Verb
from slurmfleet.contracts.files import (
    FindFilesRequest,
    ListFolderRequest,
    ReadFileRequest,
    RecordRequest,
    RecordsRequest,
    SearchFileRequest,
)

Request = TypeVar("Request", bound=BaseModel)
Serve = Callable[[bytes], Awaitable[BaseModel]]


def file_verbs(desk: FileDesk) -> Mapping[str, Serve]:
    """Give what serves each verb about files."""
    return {
        Verb.FIND_FILES: _serving(FindFilesRequest, desk.find),
        Verb.READ_FILE: _serving(ReadFileRequest, desk.read),
        Verb.SEARCH_FILE: _serving(SearchFileRequest, desk.search),
        Verb.LIST_FOLDER: _serving(ListFolderRequest, desk.list_folder),
        Verb.LIST_RECORDS: _serving(RecordsRequest, desk.records),
        Verb.READ_RECORD: _serving(RecordRequest, desk.record),
    }


def _serving(kind: type[Request], serve: Callable[[Request], Awaitable[BaseModel]]) -> Serve:
    async def answer(body: bytes) -> BaseModel:
        return await serve(request_of(kind, body))

    return answer
