"""What the kernel says is mounted; pure but for `read_table`.

Only this is asked to learn whether something is mounted: a look at the mount point itself waits for
ever where its other end is gone.

Source: proc_pid_mountinfo(5): fields 3 (device), 5 (mount point), and behind " - " type and source;
blanks, tabs, newlines and backslashes stand as octal.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TABLE = Path("/proc/self/mountinfo")
SSHFS = "fuse.sshfs"

_OCTAL = re.compile(rb"\\([0-7]{3})")
_DEVICE, _POINT = 2, 4
_LEAST_FIELDS = 3


@dataclass(frozen=True, slots=True)
class Mounted:
    """One line."""

    point: Path
    kind: str
    source: str
    minor: str
    """Of its device; FUSE calls the connection so."""


def read_table() -> Mapping[Path, Mounted]:
    """Read what is mounted now, by mount point; of several on one, the uppermost."""
    return {one.point: one for one in parse_table(TABLE.read_bytes())}


def parse_table(text: bytes) -> Iterator[Mounted]:
    """Read the lines that can be read."""
    for line in text.splitlines():
        head, found, tail = line.partition(b" - ")
        fields, behind = head.split(b" "), tail.split(b" ")
        if not found or len(fields) <= _POINT or len(behind) < _LEAST_FIELDS:
            continue
        yield Mounted(
            point=Path(_plain(fields[_POINT])),
            kind=_plain(behind[0]),
            source=_plain(behind[1]),
            minor=fields[_DEVICE].decode("ascii", "replace").rpartition(":")[2],
        )


def _plain(field: bytes) -> str:
    return _OCTAL.sub(lambda one: bytes([int(one[1], 8)]), field).decode(errors="surrogateescape")
