"""Ties a process to its parent and becomes the wanted program; run by path, never imported.

`python -I -S tether.py PARENT_PID PROGRAM ARG…`: when the parent dies, however it dies, the kernel
sends this process SIGTERM. The order survives exec. Where the kernel cannot do that (macOS) the
next supervisor finds the process in the record and ends it.

Source: prctl(2), PR_SET_PDEATHSIG.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Tie this process to its parent, then run the program in its place."""
    parent, program = int(arguments[0]), arguments[1]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # The parent may have died before the order was given.
    if os.getppid() == parent:
        os.execv(program, arguments[1:])  # noqa: S606 no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
