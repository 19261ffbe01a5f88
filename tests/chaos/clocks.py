"""A wall clock for one stack that can be stepped while it runs.

libfaketime stands between the stack's programs and the C library. It reaches the supervisor and all
services of ours, and PostgreSQL. It does not reach nats-server: a Go program asks the kernel
itself. So the bus keeps true time while all others step, as a bus on another machine would; a step
of the bus' own clock needs a machine of its own. The monotonic clock is left alone, as a step of a
real clock leaves it.
"""

from dataclasses import dataclass
from pathlib import Path

_LIBRARIES = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"),
)


@dataclass(frozen=True, slots=True)
class StepClock:
    """The clock of one stack."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        """Give what a program must be started with; nothing where the library is absent."""
        library = find_library()
        if library is None:
            return {}
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def set(self, offset_s: int) -> None:
        """Let the clock be so far ahead of, or behind, the true time."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{offset_s:+d}\n")
        draft.chmod(0o644)
        draft.replace(self.file)


def find_library() -> Path | None:
    """Give libfaketime; None where it is not installed."""
    return next((one for one in _LIBRARIES if one.exists()), None)


def why_no_clocks() -> str:
    """Say why no clock can be stepped here; empty where one can."""
    return "" if find_library() else "libfaketime is not installed (make testbed installs it)"
