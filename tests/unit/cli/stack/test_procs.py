"""Real processes: identity, ending, and the tether that ends orphans."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from slurmfleet.cli.stack.parts import ModuleProcess
from slurmfleet.cli.stack.procs import ProcessId, end_all, identify, is_alive, send
from slurmfleet.timing.clock import SystemClock

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('up', flush=True); time.sleep(60)"
)
PARENT = """
import asyncio, os, sys
from pathlib import Path
from slurmfleet.cli.stack.parts import ModuleProcess

async def main():
    part = ModuleProcess(
        name="child", module="http.server", log_file=Path(sys.argv[1]),
        environment=lambda: dict(os.environ),
    )
    await part.start()
    print(part.pid, flush=True)
    await part.wait_ended()

asyncio.run(main())
"""


def _start(code: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_a_process_is_known_by_its_birth_so_a_recycled_number_is_another():
    ours = identify("test", os.getpid())

    assert ours is not None
    assert is_alive(ours)
    assert not is_alive(ProcessId(name="test", pid=os.getpid(), birth="0"))


def test_a_process_with_another_birth_is_never_signalled():
    with _start("import time; time.sleep(60)") as process:
        send(ProcessId(name="x", pid=process.pid, birth="0"), signal.SIGKILL)
        alive = process.poll() is None
        process.kill()

    assert alive


async def test_a_stubborn_process_is_ended_by_force():
    process = _start(STUBBORN)
    assert process.stdout is not None
    process.stdout.readline()
    known = identify("stubborn", process.pid)
    assert known is not None

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.to_thread(process.wait))
        await end_all([known], clock=SystemClock(), grace_s=0.3)

    assert process.returncode == -signal.SIGKILL
    assert identify("stubborn", process.pid) is None
    process.stdout.close()


def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path):
    if sys.platform != "linux":
        pytest.skip("by design: only Linux can tie a child to its parent")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "child.log")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = identify("child", int(parent.stdout.readline()))
    assert child is not None

    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not is_alive(child)


async def test_a_module_writes_to_its_log_and_is_asked_for_its_environment_each_time(
    tmp_path: Path,
):
    asked: list[int] = []

    def environment() -> Mapping[str, str]:
        asked.append(1)
        return {**os.environ, "PYTHONSAFEPATH": "1"}

    part = ModuleProcess(
        name="this", module="this", log_file=tmp_path / "this.log", environment=environment
    )
    for _ in range(2):
        await part.start()
        assert await part.wait_ended() == 0

    assert part.pid is None
    assert asked == [1, 1]
    assert part.log_file.read_text().count("The Zen of Python") == 2
    assert part.log_file.stat().st_mode & 0o777 == 0o600
