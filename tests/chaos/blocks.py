"""Damage inside a file of the bus: one flipped byte of a stored message."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from slurmfleet.contracts.streams import FACTS
from tests.harness.stack import Stack

_RESTART_LIMIT_S = 10.0
_SPARED_BYTES = 512
"""At the end of the newest block: what is being written just now."""


def flip(stack: Stack, *, how: str, place: float) -> str:
    """Flip a byte; say where. Empty if there was nothing to damage.

    Args:
        stack: Whose bus.
        how: `crashed` and `stopped` end the server first; it comes back by its keeper.
        place: Where in the stream's blocks, from 0 to 1.
    """
    pid = stack.pid("bus")
    if how != "running":
        # Held back by a stopped supervisor, so that the file is changed before the server is back.
        os.kill(stack.process.pid, signal.SIGSTOP)
    try:
        if how != "running":
            os.kill(pid, signal.SIGKILL if how == "crashed" else signal.SIGTERM)
            _await_end(pid)
        return _flip(stack.data_dir / "nats" / "jetstream", place)
    finally:
        os.kill(stack.process.pid, signal.SIGCONT)


def _flip(streams: Path, place: float) -> str:
    blocks = sorted(streams.glob(f"**/{FACTS.name}/msgs/*.blk"), key=lambda path: int(path.stem))
    sizes = [path.stat().st_size for path in blocks]
    at = int(place * max(0, sum(sizes) - _SPARED_BYTES))
    for path, size in zip(blocks, sizes, strict=True):
        if at < size:
            with path.open("r+b") as block:
                block.seek(at)
                (byte,) = block.read(1)
                block.seek(at)
                block.write(bytes([byte ^ 0x40]))
            return f"byte {at} of {path.name} ({size} bytes)"
        at -= size
    return ""


def _await_end(pid: int) -> None:
    """Wait until a process has ended; its parent, which is stopped, leaves it as a zombie."""
    deadline_s = time.monotonic() + _RESTART_LIMIT_S
    while time.monotonic() < deadline_s:
        with suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            if state != "Z":
                time.sleep(0.02)
                continue
        return
