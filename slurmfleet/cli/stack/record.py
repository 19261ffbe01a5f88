"""`run/stack.json`: what runs, for clients and for the supervisor that comes next."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slurmfleet.cli.stack.layout import PRIVATE_FILE, Layout
from slurmfleet.cli.stack.procs import ProcessId


class _Process(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    pid: int
    birth: str
    grouped: bool = True


class StackRecord(BaseModel):
    """What runs below one data directory; it outlives a supervisor that was killed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    supervisor: _Process
    urls: Mapping[str, str] = Field(default_factory=dict[str, str])
    """Base URLs by service: "api", "mcp", and where each tells its health."""

    ports: Mapping[str, int] = Field(default_factory=dict[str, int])
    started_at: str = ""
    ready: bool = False
    access: Mapping[str, str] = Field(default_factory=dict[str, str], repr=False)
    """Environment with which a program of this user reads the store; hence the file is private."""

    processes: tuple[_Process, ...] = ()
    """In the order in which they are to be ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """A record, with its processes as values that can be ended."""

    record: StackRecord
    supervisor: ProcessId
    children: tuple[ProcessId, ...]


def write_record(
    layout: Layout,
    *,
    supervisor: ProcessId,
    children: Sequence[ProcessId],
    urls: Mapping[str, str],
    ports: Mapping[str, int],
    access: Mapping[str, str],
    started_at: str,
    ready: bool,
) -> None:
    """Write the record so that a reader sees the old one or the new one, never half."""
    record = StackRecord(
        supervisor=_written(supervisor),
        urls=urls,
        ports=ports,
        access=access,
        started_at=started_at,
        ready=ready,
        processes=tuple(_written(child) for child in children),
    )
    write_private(layout.record_file, json.dumps(record.model_dump(mode="json"), indent=2) + "\n")


def read_record(layout: Layout) -> StackRecord | None:
    """Read the record; None where there is none that can be read."""
    try:
        return StackRecord.model_validate_json(layout.record_file.read_bytes())
    except (OSError, ValidationError):
        return None


def read_running(layout: Layout) -> RunningStack | None:
    """Read the record as processes; they may be dead."""
    record = read_record(layout)
    if record is None:
        return None
    return RunningStack(
        record=record,
        supervisor=_read(record.supervisor),
        children=tuple(_read(process) for process in record.processes),
    )


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner can read it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=PRIVATE_FILE)
    fresh.write_text(text)
    fresh.replace(path)


def _written(process: ProcessId) -> _Process:
    return _Process(
        name=process.name, pid=process.pid, birth=process.birth, grouped=process.grouped
    )


def _read(process: _Process) -> ProcessId:
    return ProcessId(
        name=process.name, pid=process.pid, birth=process.birth, grouped=process.grouped
    )
