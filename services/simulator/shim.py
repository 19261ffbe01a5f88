"""A client program of the simulated login node: asks the simulator, prints, exits.

Runs as `python3 -I -S shim.py SOCKET PROGRAM [ARGUMENT…]`, without the project's packages; it is
started several times a minute, so it imports next to nothing.
"""

import os
import socket
import sys

KEPT = (b"SLURM_", b"SLURMD_", b"SQUEUE_", b"SACCT_", b"SINFO_", b"SBATCH_")
USAGE = "usage: shim.py SOCKET PROGRAM [ARGUMENT…]\n"
FIRST_ARGUMENT = 3


def main(argv: list[str]) -> int:
    """Ask the simulator and print what it says; gives the exit status."""
    if len(argv) < FIRST_ARGUMENT:
        sys.stderr.write(USAGE)
        return 2
    program = os.fsencode(argv[2])
    env = os.environb  # the shim is no part of the service: it passes on what its user exported
    kept = [name + b"=" + value for name, value in env.items() if name.startswith(KEPT)]
    words = [os.fsencode(word) for word in argv[FIRST_ARGUMENT:]]
    user, work_dir = env.get(b"USER", b""), os.getcwdb()  # noqa: PTH109 pathlib costs 10 ms
    request = b"\0".join([program, user, work_dir, b"%d" % len(kept), *kept, *words])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(argv[1])
        reader = connection.makefile("rb")
        _send(connection, request)
        head = reader.readline().split(b" ", 1)
        if head[0] == b"script":
            _send(connection, _script(head[1].rstrip(b"\n")))
            head = reader.readline().split(b" ", 1)
        status, out_size, err_size = (int(part) for part in b" ".join(head).split())
        sys.stdout.buffer.write(reader.read(out_size))
        sys.stdout.buffer.flush()
        sys.stderr.buffer.write(reader.read(err_size))
    return status


def _send(connection: socket.socket, payload: bytes) -> None:
    connection.sendall(b"%d\n" % len(payload) + payload)


def _script(path: bytes) -> bytes:
    if not path:
        return sys.stdin.buffer.read()
    try:
        with open(path, "rb") as script:  # noqa: PTH123 pathlib costs 10 ms
            return script.read()
    except OSError:
        return b""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except BrokenPipeError:
        os._exit(1)
    except OSError as error:
        sys.stderr.write(f"slurm_load error: Unable to contact slurm controller ({error})\n")
        sys.exit(1)
