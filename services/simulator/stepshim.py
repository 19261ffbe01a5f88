"""srun of the simulated login node: runs a step's program once per node, while the job runs.

Runs as `python3 -I -S stepshim.py SOCKET PYTHON SHIM [ARGUMENT…]`, without the project's packages.
The simulator says whether the step may be and with which environment; the program gets a copy of
standard input on each node, and is ended when the job is over or srun is.
"""

import os
import signal
import subprocess
import sys
import time

FIRST_ARGUMENT = 4
LOOK_EVERY_S = 0.5
CANCELLED = 143


def main(argv: list[str]) -> int:
    """Run the step; gives srun's exit status."""
    ask = [argv[2], "-I", "-S", argv[3], argv[1], "srun"]
    said = subprocess.run([*ask, *argv[FIRST_ARGUMENT:]], stdout=subprocess.PIPE, check=False)  # noqa: S603 our own shim
    if said.returncode != 0:
        return said.returncode
    environments, _, program = said.stdout.partition(b"\n\0")
    words = program.split(b"\0")
    given = sys.stdin.buffer.read()
    tasks = [_task(line, words, given) for line in environments.splitlines()]
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: _end(tasks, CANCELLED))
    job = _pairs(environments.splitlines()[0])[b"SIMULATED_JOB"].decode()
    while any(task.poll() is None for task in tasks):
        time.sleep(LOOK_EVERY_S)
        alive = subprocess.run([*ask, "--simulator-alive", job], check=False)  # noqa: S603 our own shim
        if alive.returncode != 0:
            sys.stderr.write(f"srun: Force Terminated StepId={job}.0\n")
            sys.stderr.write(f"slurmstepd: error: *** STEP {job}.0 CANCELLED AT now ***\n")
            sys.stderr.flush()
            _end(tasks, CANCELLED)
        if os.getppid() == 1:
            _end(tasks, CANCELLED)  # the session that started srun is gone
    return max(task.returncode for task in tasks)


def _pairs(line: bytes) -> dict[bytes, bytes]:
    return dict(pair.split(b"=", 1) for pair in line.split(b" "))


def _task(line: bytes, words: list[bytes], given: bytes) -> "subprocess.Popen[bytes]":
    environment = os.environb | _pairs(line)  # srun passes on what its user exported
    task = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment)  # noqa: S603 as its user wishes
    if task.stdin is not None:
        try:
            task.stdin.write(given)
            task.stdin.close()
        except BrokenPipeError:
            pass  # it reads nothing
    return task


def _end(tasks: "list[subprocess.Popen[bytes]]", status: int) -> None:
    for task in tasks:
        task.kill()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
