"""Processes of this machine by number and birth, so that a recycled number is never ended.

Source: proc(5), /proc/[pid]/stat, field 22 (starttime); its second field may hold spaces and ")".
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slurmfleet.timing.clock import Clock

_PROC = Path("/proc")
_BIRTH_FIELD = 19
"""Of the fields after the name."""

_POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """One process, for ever."""

    name: str
    """The part of the stack that it is."""

    pid: int
    birth: str
    """When it started, in the words of this machine."""

    grouped: bool = True
    """Whether it leads a process group of its own, which then is ended as a whole."""


def identify(name: str, pid: int, *, grouped: bool = True) -> ProcessId | None:
    """Describe a running process; None when it is gone."""
    birth = _birth(pid)
    return ProcessId(name=name, pid=pid, birth=birth, grouped=grouped) if birth else None


def is_alive(process: ProcessId) -> bool:
    """Whether the very process still runs."""
    return _birth(process.pid) == process.birth


def send(process: ProcessId, number: signal.Signals) -> None:
    """Signal a process, with its group where it leads one; a dead one is no error."""
    if not is_alive(process):
        return
    try:
        if process.grouped and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
    except ProcessLookupError:
        return


async def end_all(processes: Sequence[ProcessId], *, clock: Clock, grace_s: float) -> None:
    """End processes in the given order: a request first, and force after `grace_s` seconds."""
    for process in processes:
        send(process, signal.SIGTERM)
        deadline_s = clock.monotonic_s() + grace_s
        while is_alive(process) and clock.monotonic_s() < deadline_s:
            await clock.sleep(_POLL_S)
        send(process, signal.SIGKILL)
        while is_alive(process) and clock.monotonic_s() < deadline_s + grace_s:
            await clock.sleep(_POLL_S)


def _birth(pid: int) -> str:
    """Give when a process started; empty when it is gone or a zombie."""
    if not _PROC.joinpath("self").exists():
        return _birth_by_ps(pid)
    try:
        stat = _PROC.joinpath(str(pid), "stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[_BIRTH_FIELD]


def _birth_by_ps(pid: int) -> str:
    """Ask `ps`, where there is no /proc (macOS)."""
    asked = subprocess.run(  # noqa: S603 the number is an int
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()
