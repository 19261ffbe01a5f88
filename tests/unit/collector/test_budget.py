"""The bucket lets few requests through, in order, whatever the askers do."""

import asyncio

import pytest

from services.collector.budget import RpcBudget
from slurmfleet.testing.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_a_full_bucket_is_not_waited_for(clock: ManualClock):
    budget = RpcBudget(per_minute=12, burst=6, clock=clock)

    assert budget.wait_s(6) == 0
    assert budget.wait_s(7) == 0, "more than it holds is lent once it is full"


def test_it_fills_evenly_and_never_overflows(clock: ManualClock):
    budget = RpcBudget(per_minute=12, burst=6, clock=clock)
    budget.spend(6)

    waits = [budget.wait_s(1), budget.wait_s(6)]
    clock.advance(3_600)

    assert waits == [5, 30]
    assert budget.left == 6


def test_what_must_not_wait_leaves_a_debt_that_others_pay(clock: ManualClock):
    budget = RpcBudget(per_minute=12, burst=6, clock=clock)

    budget.spend(8)

    assert budget.left == -2
    assert budget.wait_s(1) == 15


def test_some_may_be_kept_for_those_who_need_them_more(clock: ManualClock):
    budget = RpcBudget(per_minute=12, burst=6, clock=clock)
    budget.spend(3)

    assert budget.wait_s(3) == 0
    assert budget.wait_s(3, keep=2) == 10


async def test_askers_are_served_in_order_and_no_faster_than_the_bucket_fills(clock: ManualClock):
    budget = RpcBudget(per_minute=60, burst=2, clock=clock)
    served: list[tuple[str, float]] = []

    async def asker(name: str) -> None:
        await budget.take(2)
        served.append((name, clock.monotonic_s()))

    began_s = clock.monotonic_s()
    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(asker(name))
        for _ in range(5):
            for _ in range(5):  # every asker gets as far as it can
                await asyncio.sleep(0)
            clock.advance(1)

    assert [name for name, _ in served] == ["a", "b", "c"]
    assert [at_s - began_s for _, at_s in served] == [0, 2, 4]


async def test_no_limit_never_waits(clock: ManualClock):
    budget = RpcBudget(per_minute=0, burst=0, clock=clock)

    await budget.take(1_000)
    budget.spend(1_000)

    assert budget.wait_s(1_000) == 0
