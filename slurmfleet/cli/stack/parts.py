"""One part of the stack as a process that can be started, watched and stopped."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from slurmfleet.cli.stack.layout import PRIVATE_FILE
from slurmfleet.timing.budget import Budget, BudgetExceededError

LOG_LIMIT_BYTES = 10 * 1024 * 1024
"""A longer log is put aside when its part starts; one old log is kept."""

STOP_LIMIT_S = 8.0
_TAIL_BYTES = 2_000
_TETHER = Path(__file__).with_name("tether.py")


class PartError(Exception):
    """A part could not be started; the message says why."""


class Part(Protocol):
    """What the keeper needs of a process."""

    @property
    def name(self) -> str:
        """Name it for people: "bus", "api"."""
        ...

    @property
    def pid(self) -> int | None:
        """Give its process; None while it does not run."""
        ...

    async def start(self) -> None:
        """Start it.

        Raises:
            PartError: It could not be started.
        """
        ...

    async def stop(self) -> None:
        """End it, by force if need be; returns when it is gone."""
        ...

    async def wait_ended(self) -> int:
        """Wait until it ends, for whatever reason; give its exit status."""
        ...


@dataclass(slots=True, kw_only=True)
class ModuleProcess:
    """A Python module of ours as a child in a session of its own.

    Ctrl-C in the terminal reaches the supervisor alone, which then stops its children in order.
    """

    name: str
    module: str
    log_file: Path
    environment: Callable[[], Mapping[str, str]]
    """Asked at every start, so that a restart may use another port."""

    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """Give its process; None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start the module; its output goes to the log."""
        try:
            rotate(self.log_file)
            self.log_file.touch(mode=PRIVATE_FILE)
            with self.log_file.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", str(_TETHER), str(os.getpid())),
                    *(sys.executable, "-m", self.module),
                    env=self.environment(),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as exc:
            raise PartError(f"{self.name} cannot be started: {exc.strerror}") from exc

    async def stop(self) -> None:
        """Ask it to end; kill it and whatever it started after `STOP_LIMIT_S`."""
        process = self._process
        if process is None:
            return
        self._signal(process, signal.SIGTERM)
        try:
            async with Budget(operation=f"stop {self.name}", limit_s=STOP_LIMIT_S).enforce():
                await process.wait()
        except BudgetExceededError:
            pass
        finally:
            self._signal(process, signal.SIGKILL)
            await process.wait()

    async def wait_ended(self) -> int:
        """Wait until it ends; give its exit status, negative for a signal."""
        return await self._process.wait() if self._process else 0

    def _signal(self, process: asyncio.subprocess.Process, number: signal.Signals) -> None:
        """Signal the whole group: what the module started goes with it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def rotate(log_file: Path) -> None:
    """Put a log aside that has grown too long."""
    with contextlib.suppress(FileNotFoundError):
        if log_file.stat().st_size > LOG_LIMIT_BYTES:
            log_file.replace(log_file.with_suffix(".log.1"))


def log_tail(log_file: Path) -> str:
    """Give the last lines of a log; empty where there is none."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(0, log_file.stat().st_size - _TAIL_BYTES))
            return log.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""
