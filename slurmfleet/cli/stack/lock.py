"""One supervisor per data directory; the kernel lets go of the lock when it dies."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager

from slurmfleet.cli.errors import RefusedError
from slurmfleet.cli.stack.layout import PRIVATE_FILE, Layout
from slurmfleet.cli.stack.record import read_record


class AlreadyRunningError(RefusedError):
    """Another supervisor holds the data directory."""


@contextmanager
def hold_lock(layout: Layout) -> Generator[None]:
    """Hold the data directory while the body runs.

    Raises:
        AlreadyRunningError: Somebody else holds it; tells who and where its doors are.
    """
    descriptor = os.open(layout.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise _already_running(layout) from exc
        yield
    finally:
        os.close(descriptor)


def is_held(layout: Layout) -> bool:
    """Whether a supervisor runs on this data directory."""
    try:
        with hold_lock(layout):
            return False
    except AlreadyRunningError:
        return True
    except FileNotFoundError:
        return False


def _already_running(layout: Layout) -> AlreadyRunningError:
    record = read_record(layout)
    if record is None or not record.urls:
        return AlreadyRunningError(
            f"slurmfleet is already starting on {layout.data_dir}.",
            remedy="Wait for it, or stop it with `slurmfleet down`.",
        )
    return AlreadyRunningError(
        f"slurmfleet is already running on {layout.data_dir} (pid {record.supervisor.pid}): "
        f"API {record.urls.get('api', '?')}, MCP {record.urls.get('mcp', '?')}/mcp.",
        remedy="Use it, or stop it with `slurmfleet down`.",
    )
