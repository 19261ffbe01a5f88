"""A full disk is no reason for the supervisor to end, or to tell of processes that are gone."""

import asyncio
import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slurmfleet.cli.stack import supervisor as room
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.supervisor import Supervisor
from slurmfleet.testing.clock import ManualClock


class Disk:
    """Takes records, or is full."""

    def __init__(self) -> None:
        self.is_full = True
        self.tries = 0
        self.written = 0

    def write(self, _layout: Layout, **_: object) -> None:
        self.tries += 1
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written += 1


class Deaf:
    """Stands for a terminal that is a file on the same disk."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, _part: str, what: str) -> None:
        self.heard.append(what)
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_what_could_not_be_written_is_written_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    disk, deaf, clock = Disk(), Deaf(), ManualClock()
    monkeypatch.setattr(room, "write_record", disk.write)
    options: Any = SimpleNamespace(layout=Layout(tmp_path), doors=SimpleNamespace(urls={}))
    stack = Supervisor(options=options, clock=clock, reporter=deaf)  # pyright: ignore[reportArgumentType]

    stack._note_change()
    keeping = asyncio.create_task(stack._keep_record())
    for is_full in (True, True, False, False):
        disk.is_full = is_full
        await asyncio.sleep(0)  # until the loop sleeps again
        clock.advance(1.0)
        await asyncio.sleep(0)
    keeping.cancel()

    assert (disk.tries, disk.written) == (4, 1)
    assert deaf.heard == ["what runs could not be written down: No space left on device"]
