"""What running a server as a child process takes, whichever server it is."""

import asyncio
import contextlib
import signal
import socket
from pathlib import Path

from slurmfleet.timing.budget import Budget, BudgetExceededError

_TAIL_CHARS = 2_000


def free_port() -> int:
    """Give a port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on a port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def log_tail(log_file: Path, start: int) -> str:
    """Give the end of what was logged from the byte `start` on; empty without a log."""
    if not log_file.exists():
        return ""
    with log_file.open(encoding="utf-8", errors="replace") as lines:
        lines.seek(start)
        return lines.read()[-_TAIL_CHARS:]


async def end(
    process: asyncio.subprocess.Process | None, how: signal.Signals, *, limit_s: float
) -> bool:
    """Ask a process to end, and kill it if it has not within `limit_s`.

    Returns:
        Whether it ended by itself, or had ended before.
    """
    if process is None or process.returncode is not None:
        return True
    process.send_signal(how)
    try:
        async with Budget(operation="stop", limit_s=limit_s).enforce():
            await process.wait()
    except BudgetExceededError:
        return False
    finally:
        await kill(process)
    return True


async def kill(process: asyncio.subprocess.Process | None) -> None:
    """End a process at once; one that has ended is left in peace."""
    if process is not None and process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
