from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class SectionOutcome(_message.Message):
    __slots__ = ("name", "ok", "exit_status", "error", "rows", "bad_rows")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OK_FIELD_NUMBER: _ClassVar[int]
    EXIT_STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    BAD_ROWS_FIELD_NUMBER: _ClassVar[int]
    name: str
    ok: bool
    exit_status: int
    error: str
    rows: int
    bad_rows: int
    def __init__(self, name: _Optional[str] = ..., ok: _Optional[bool] = ..., exit_status: _Optional[int] = ..., error: _Optional[str] = ..., rows: _Optional[int] = ..., bad_rows: _Optional[int] = ...) -> None: ...
