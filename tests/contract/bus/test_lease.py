"""The lease, on both buses."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest

from slurmfleet.bus.errors import LeaseLostError
from slurmfleet.bus.lease import Grant, Lease
from slurmfleet.bus.port import Bus
from slurmfleet.timing.clock import SystemClock

Outage = Callable[[], AbstractAsyncContextManager[None]]

TTL_S = 1.5


def contender(bus: Bus, holder: str) -> Lease:
    return Lease(bus, bucket="brief", key="alpha", holder=holder, clock=SystemClock(), ttl_s=TTL_S)


async def test_the_first_gets_it_and_the_second_not(bus: Bus):
    first = await contender(bus, "one").try_acquire()
    second = await contender(bus, "two").try_acquire()

    assert first is not None
    assert (first.holder, first.is_held, second) == ("one", True, None)


async def test_a_release_lets_the_next_in_with_a_larger_token(bus: Bus):
    async with contender(bus, "one").hold() as first:
        pass
    async with contender(bus, "two").hold() as second:
        pass

    assert second.token > first.token


async def test_it_is_held_for_longer_than_its_ttl(bus: Bus):
    async with contender(bus, "one").hold() as grant:
        await asyncio.sleep(TTL_S * 1.7)
        grant.check()
        other = await contender(bus, "two").try_acquire()

    assert other is None


async def test_never_two_hold_it_at_once(bus: Bus):
    holding = 0
    tokens: list[int] = []

    async def work(name: str) -> None:
        nonlocal holding
        async with contender(bus, name).hold() as grant:
            holding += 1
            assert holding == 1
            tokens.append(grant.token)
            await asyncio.sleep(0.1)
            holding -= 1

    async with asyncio.timeout(9), asyncio.TaskGroup() as group:
        for name in ("one", "two", "three"):
            group.create_task(work(name))

    assert tokens == sorted(set(tokens))
    assert len(tokens) == 3


async def test_a_dead_holder_is_followed_after_its_ttl(bus: Bus):
    dead = await contender(bus, "dead").try_acquire()
    began = asyncio.get_running_loop().time()

    async with asyncio.timeout(8):
        heir = await contender(bus, "heir").acquire()

    assert dead is not None
    assert not dead.is_held
    assert heir.token > dead.token
    assert asyncio.get_running_loop().time() - began > TTL_S * 0.9


async def test_a_holder_cut_off_gives_up_in_time(bus: Bus, outage: Outage):
    loop = asyncio.get_running_loop()
    grants: list[Grant] = []

    async def hold_until_cut_off() -> None:
        async with contender(bus, "one").hold() as grant:
            grants.append(grant)
            await stack.enter_async_context(outage())
            await asyncio.sleep(TTL_S * 3)

    async with AsyncExitStack() as stack:
        began = loop.time()
        with pytest.raises(LeaseLostError):
            await hold_until_cut_off()
        lost_after_s = loop.time() - began

    assert [grant.is_held for grant in grants] == [False]
    assert lost_after_s <= TTL_S


async def test_a_body_that_fails_is_told_as_it_is(bus: Bus):
    with pytest.raises(ZeroDivisionError):
        async with contender(bus, "one").hold():
            raise ZeroDivisionError

    assert await contender(bus, "two").try_acquire() is not None
