"""A byte of a stream's file is flipped under a real server: the loss is found and told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.projector.settings import ProjectorSettings
from services.projector.stream_watch import StreamWatch
from slurmfleet.bus.nats import NatsBus, NatsOptions, open_nats_bus
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import FACTS, PROJECTOR, STREAMS, ConsumerSpec
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_server import NatsServer, NatsServerOptions, nats_server
from slurmfleet.runtime.health import Health
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.roles import Role
from slurmfleet.timing.clock import SystemClock
from tests.plugins.postgres import Database

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

CLOCK = SystemClock()
MESSAGES = 40


class _LookedError(Exception):
    """Ends `run` after its first look."""


class OneLook(SystemClock):
    """Lets time stand where a loop would wait."""

    async def sleep(self, delay_s: float) -> None:
        raise _LookedError(delay_s)


class PastAll(OneLook):
    """Is past every moment that was planned before."""

    def __init__(self) -> None:
        self._moment_s = 0.0

    def monotonic_s(self) -> float:
        self._moment_s += 100
        return self._moment_s


@asynccontextmanager
async def opened(server: NatsServer) -> AsyncIterator[NatsBus]:
    login = server.login
    options = NatsOptions(servers=(server.url,), name="test", login=login, fail_fast=True)
    async with open_nats_bus(options, CLOCK) as bus:
        await bus.prepare(streams=STREAMS, consumers=(PROJECTOR,))
        yield bus


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    options = NatsServerOptions(data_dir=tmp_path / "nats", port=free_port())
    async with nats_server(options, CLOCK) as running:
        yield running


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[StorePool]:
    settings = StoreSettings(dsn=database.dsn(Role.WRITER), application_name="test")
    async with StorePool(settings) as opened_pool:
        yield opened_pool


async def filled(server: NatsServer, *, read: int) -> list[int]:
    """Publish messages and let the projector's consumer have some of them."""
    async with opened(server) as bus:
        await bus.publish_many([fact(f"fact {index:02d}") for index in range(MESSAGES)])
        consumer = await bus.consumer(PROJECTOR)
        taken = await consumer.fetch(read, 2)
        await consumer.ack_all(taken)
    return [one.sequence for one in taken]


def fact(name: str, *, more: str = "") -> Message:
    body = f"{name} {more}".encode() + b"x" * 200
    return Message(
        subject="fleet.v1.alpha.job.ended", body=body, headers={"Nats-Msg-Id": f"{name}{more}"}
    )


def flip(server: NatsServer, name: str) -> None:
    """Flip a bit of the body of one message on disk."""
    (block,) = server.options.data_dir.glob(f"jetstream/**/{FACTS.name}/msgs/1.blk")
    held = bytearray(block.read_bytes())
    held[held.rindex(name.encode()) + 50] ^= 0x40
    block.write_bytes(held)


async def look(
    server: NatsServer, pool: StorePool, *, take: bool = True, clock: SystemClock | None = None
) -> Health:
    """Look once, as a projector that was just started does."""
    health = Health("projector")
    settings = ProjectorSettings(scrub_every_s=21_600)
    async with opened(server) as bus:
        watch = StreamWatch(
            bus=bus, pool=pool, clock=clock or OneLook(), health=health, settings=settings
        )
        if take:
            consumer = await bus.consumer(PROJECTOR)
            while taken := await consumer.fetch(100, 0.5):
                watch.hear(taken)
                await consumer.ack_all(taken)
        with pytest.raises(_LookedError):
            await watch.run()
    return health


async def losses(pool: StorePool) -> list[tuple[object, ...]]:
    async with pool.connection("read losses") as connection:
        cursor = await connection.execute(
            "SELECT kind, first_sequence, last_sequence, messages FROM stream_losses"
            " ORDER BY loss_seq"
        )
        return await cursor.fetchall()


async def test_a_whole_stream_is_well(server: NatsServer, pool: StorePool):
    await filled(server, read=10)

    health = await look(server, pool)

    assert health.checks["stream"].ok
    assert await losses(pool) == []


async def test_a_message_that_is_skipped_on_the_way_is_told(server: NatsServer, pool: StorePool):
    await filled(server, read=10)
    await look(server, pool, take=False)
    await server.stop()
    flip(server, "fact 20")
    await server.start()

    health = await look(server, pool)

    assert await losses(pool) == [("missing", 21, 21, 1)]
    assert not health.checks["stream"].ok
    assert health.ready
    assert health.checks["stream"].detail.startswith("1 messages lost in 1 places")


async def test_a_stream_that_a_crash_cut_is_told(server: NatsServer, pool: StorePool):
    await filled(server, read=MESSAGES)
    health = await look_after_reading_all(server, pool)
    assert health.checks["stream"].ok
    await server.kill()
    flip(server, "fact 30")
    # As a power cut leaves it: what the server writes down of a stream now and then is older.
    for index in server.options.data_dir.glob(f"jetstream/**/{FACTS.name}/msgs/index.db"):
        index.unlink()
    await server.start()
    async with opened(server) as bus:
        await bus.publish_many([fact(f"fact {index:02d}", more="later") for index in range(20)])

    await look(server, pool)

    assert ("cut", 31, 40, 10) in await losses(pool)


async def look_after_reading_all(server: NatsServer, pool: StorePool) -> Health:
    """Have the position of the whole stream kept."""
    async with opened(server) as bus:
        health = Health("projector")
        watch = StreamWatch(
            bus=bus, pool=pool, clock=OneLook(), health=health, settings=ProjectorSettings()
        )
        reader = await bus.consumer(
            ConsumerSpec(
                durable="reader",
                stream=FACTS.name,
                filter_subjects=PROJECTOR.filter_subjects,
                ack_wait_s=5,
                max_ack_pending=100,
            )
        )
        watch.hear(await reader.fetch(MESSAGES, 2))
        with pytest.raises(_LookedError):
            await watch.run()
    return health


async def test_damage_in_what_was_read_long_ago_is_found_by_reading_it_again(
    server: NatsServer, pool: StorePool
):
    await filled(server, read=MESSAGES)
    await server.stop()
    flip(server, "fact 05")
    await server.start()

    await look(server, pool, take=False)
    found_without = await losses(pool)
    await look(server, pool, take=False, clock=PastAll())

    assert found_without == []
    assert await losses(pool) == [("missing", 6, 6, 1)]


async def test_a_loss_is_told_once(server: NatsServer, pool: StorePool):
    await filled(server, read=10)
    await look(server, pool, take=False)
    await server.stop()
    flip(server, "fact 20")
    await server.start()

    await look(server, pool)
    health = await look(server, pool)

    assert len(await losses(pool)) == 1
    assert not health.checks["stream"].ok
