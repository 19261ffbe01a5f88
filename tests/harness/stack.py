"""The embedded stack as a user starts it, with the means to look at it and to hurt it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from psycopg.conninfo import make_conninfo

from slurmfleet.bus.nats import NatsOptions
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_server import NatsServer, NatsServerOptions
from slurmfleet.timing.clock import SystemClock

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("slurmfleet")
START_LIMIT_S = 120
STOP_LIMIT_S = 40


@dataclass(kw_only=True)
class Stack:
    """A running `slurmfleet up`."""

    data_dir: Path
    api: str
    mcp: str
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]

    def get(self, path: str, **params: str | int) -> Any:  # noqa: ANN401 JSON
        answer = httpx.get(f"{self.api}{path}", params=params, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def job(self, cluster: str, job_id: str) -> dict[str, Any] | None:
        answer = httpx.get(f"{self.api}/v1/jobs/{cluster}/{job_id}", timeout=10)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.json()

    def cluster(self, name: str) -> dict[str, Any]:
        return self.get(f"/v1/clusters/{name}")

    def cli(self, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [PROGRAM, *arguments],
            env=dict(self.environment),
            cwd=self.data_dir,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if expect is not None:
            assert done.returncode == expect, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def record(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "run" / "stack.json").read_text())

    def pid(self, name: str) -> int:
        processes = self.record()["processes"]
        return next(int(one["pid"]) for one in processes if one["name"] == name)

    def bus_options(self, name: str) -> NatsOptions:
        """Give the way to the stack's bus for its owner, who may do anything."""
        port = self.record()["ports"]["bus"]
        server = NatsServer(
            NatsServerOptions(data_dir=self.data_dir / "nats", port=port), SystemClock()
        )
        return NatsOptions(servers=(server.url,), name=name, login=server.login)

    def store_dsn(self) -> str:
        return str(self.record()["access"]["SLURMFLEET_STORE_DSN"])

    def owner_dsn(self) -> str:
        """Give the address of the store for its owner, who may do anything."""
        password = (self.data_dir / "postgres.password").read_text().strip()
        return make_conninfo(self.store_dsn(), user="slurmfleet", password=password)

    def kill(self, name: str) -> int:
        """End one process as a crash would; the supervisor is expected to start it again."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def logs(self, limit: int = 3_000) -> str:
        parts = [
            f"--- {path.name}\n{path.read_text(errors='replace')[-limit:]}"
            for path in sorted((self.data_dir / "logs").glob("*.log"))
        ]
        return "\n".join(parts)

    def eventually(
        self, what: str, ask: Callable[[], T], good: Callable[[T], bool], *, within_s: float = 30
    ) -> T:
        """Ask until the answer is good; fail with the last answer and the logs."""
        deadline = time.monotonic() + within_s
        answer: Any = None
        while time.monotonic() < deadline:
            try:
                answer = ask()
                if good(answer):
                    return answer
            except httpx.HTTPError as exc:
                answer = exc
            time.sleep(0.1)
        raise AssertionError(f"not within {within_s} s: {what}; last: {answer}\n{self.logs()}")


def environment_for(data_dir: Path, api_port: int, mcp_port: int) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SLURMFLEET_")}
    return {
        **inherited,
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
        "SLURMFLEET_DATA_DIR": str(data_dir),
        "SLURMFLEET_API_PORT": str(api_port),
        "SLURMFLEET_MCP_PORT": str(mcp_port),
        "SLURMFLEET_CONFIG_FILE": str(data_dir / "slurmfleet.toml"),
    }


@contextmanager
def running_stack(
    data_dir: Path,
    clusters: Sequence[Mapping[str, object]] = (),
    *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Run the embedded stack on free ports while the body runs; `environment` adds to its own."""
    api_port, mcp_port = free_port(), free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "slurmfleet.toml").write_text("\n".join(_toml(one) for one in clusters))
    environment = {**environment_for(data_dir, api_port, mcp_port), **(environment or {})}
    output = (data_dir / "up.log").open("wb")
    process = subprocess.Popen(
        [PROGRAM, "up"],
        env=environment,
        cwd=data_dir,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    stack = Stack(
        data_dir=data_dir,
        api=f"http://127.0.0.1:{api_port}",
        mcp=f"http://127.0.0.1:{mcp_port}",
        process=process,
        environment=environment,
    )
    try:
        _wait_until_ready(stack)
        yield stack
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_LIMIT_S)
        finally:
            process.kill()
            process.wait()
            output.close()


def _wait_until_ready(stack: Stack) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if stack.process.poll() is not None:
            break
        try:
            if httpx.get(f"{stack.api}/readyz", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    said = (stack.data_dir / "up.log").read_text(errors="replace")
    raise AssertionError(f"the stack did not start:\n{said}\n{stack.logs()}")


def _toml(cluster: Mapping[str, object]) -> str:
    return "[[cluster]]\n" + "".join(
        f"{name} = {json.dumps(value)}\n" for name, value in cluster.items()
    )
