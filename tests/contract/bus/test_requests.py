"""Request and reply, on both buses."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest

from slurmfleet.bus.errors import BusTimeoutError, HandlerFailedError, NoResponderError
from slurmfleet.bus.port import Bus, Reply
from slurmfleet.contracts.envelope import Message

Outage = Callable[[], AbstractAsyncContextManager[None]]


async def echo(request: Message) -> Reply:
    verb = request.subject.rpartition(".")[2]
    return Reply(body=request.body + verb.encode(), headers={"who": request.headers.get("who", "")})


async def test_a_request_is_answered(bus: Bus):
    async with bus.serve("cmd.alpha.*", echo):
        answer = await bus.request("cmd.alpha.cancel", b"do ", headers={"who": "me"})

    assert answer == Message(subject="cmd.alpha.cancel", body=b"do cancel", headers={"who": "me"})


async def test_nobody_serves_before_and_after(bus: Bus):
    with pytest.raises(NoResponderError):
        await bus.request("cmd.alpha.cancel")
    async with bus.serve("cmd.alpha.*", echo):
        await bus.request("cmd.alpha.cancel")
    with pytest.raises(NoResponderError):
        await bus.request("cmd.alpha.cancel")


async def test_a_failing_handler_is_told_and_goes_on_serving(bus: Bus):
    async def fussy(request: Message) -> Reply:
        if request.body == b"bad":
            raise ValueError("no such job")
        return Reply(body=b"fine")

    async with bus.serve("cmd.alpha.*", fussy):
        with pytest.raises(HandlerFailedError, match="ValueError: no such job"):
            await bus.request("cmd.alpha.cancel", b"bad")
        answer = await bus.request("cmd.alpha.cancel", b"good")

    assert answer.body == b"fine"


async def test_a_slow_handler_runs_into_the_limit(bus: Bus):
    async def slow(_: Message) -> Reply:
        await asyncio.sleep(5)
        return Reply(body=b"")

    async with bus.serve("cmd.alpha.*", slow):
        with pytest.raises(BusTimeoutError):
            await bus.request("cmd.alpha.cancel", limit_s=0.1)


async def test_no_more_requests_are_served_at_once_than_allowed(bus: Bus):
    running, most = 0, 0

    async def counted(_: Message) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return Reply(body=b"")

    async with bus.serve("cmd.alpha.*", counted, max_concurrent=3), asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(bus.request("cmd.alpha.cancel"))

    assert most == 3


async def test_servers_of_one_queue_share_the_requests(bus: Bus):
    served: list[int] = []

    async def count(_: Message) -> Reply:
        served.append(1)
        return Reply(body=b"")

    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(bus.serve("cmd.alpha.*", count, queue="collectors"))
        for _ in range(5):
            await bus.request("cmd.alpha.cancel")

    assert len(served) == 5


async def test_serving_goes_on_after_an_outage(bus: Bus, outage: Outage):
    async with bus.serve("cmd.alpha.*", echo):
        async with outage():
            pass
        async with asyncio.timeout(8):
            while True:
                try:
                    answer = await bus.request("cmd.alpha.cancel", b"do ")
                    break
                except NoResponderError:
                    await asyncio.sleep(0.02)

    assert answer.body == b"do cancel"
