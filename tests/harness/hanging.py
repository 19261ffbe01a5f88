"""A file system that answers nobody: FUSE's, mounted by a process that never replies.

Whoever asks it sleeps where no signal reaches them, SIGKILL included, until `hanging` ends.

Run as a program, it mounts itself at a path and serves; it needs root and /dev/fuse.

Source: include/uapi/linux/fuse.h, protocol 7.31; fs/fuse/dev.c, request_wait_answer (Linux 6.18).
"""

import ctypes
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEVICE = Path("/dev/fuse")
INIT = 26
PROTOCOL = (7, 31)
LARGEST_REQUEST = 1 << 17


def serve(place: str) -> None:
    """Mount at `place`, shake hands, and read requests for ever."""
    device = os.open(DEVICE, os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hanging", place.encode(), b"fuse.hanging", 0, options.encode()):
        sys.exit(os.strerror(ctypes.get_errno()))
    sys.stdout.write("mounted\n")
    sys.stdout.flush()
    while True:
        request = os.read(device, LARGEST_REQUEST)
        _, operation, unique = struct.unpack_from("IIQ", request)
        if operation == INIT:
            reply = struct.pack("IIIIHHII", *PROTOCOL, 65_536, 0, 12, 10, 65_536, 1).ljust(
                64, b"\0"
            )
            os.write(device, struct.pack("IiQ", 16 + len(reply), 0, unique) + reply)


@contextmanager
def hanging(place: Path) -> Iterator[Path]:
    """Give a path under which every question hangs while the body runs."""
    if os.geteuid() != 0 or not DEVICE.exists():
        pytest.skip("by design: a file system that hangs needs root and FUSE in the kernel")
    place.mkdir()
    server = subprocess.Popen(
        [sys.executable, __file__, str(place)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        if server.stdout.readline() != "mounted\n":
            pytest.skip("by design: this machine lets nobody mount FUSE")
        yield place
    finally:
        server.kill()
        server.communicate()
        subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)


if __name__ == "__main__":
    serve(sys.argv[1])
