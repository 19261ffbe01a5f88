"""After a loss every collector is asked, as often as it takes, and once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from services.projector.recaller import Recaller
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.commands import ProblemBody, Reply, RollReport, Verb
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.subjects import cluster_commands, command_subject
from slurmfleet.testing.clock import ManualClock

ALPHA, BETA = ClusterName("alpha"), ClusterName("beta")


@dataclass
class Collectors:
    """Answer on the bus, and keep who was asked."""

    refusals: int = 0
    asked: list[str] = field(default_factory=list[str])

    async def handle(self, request: Message) -> BusReply:
        self.asked.append(request.subject)
        if self.refusals:
            self.refusals -= 1
            problem = ProblemBody(code=ProblemCode.CLUSTER_UNREACHABLE, detail="not seen yet")
            return BusReply(body=Reply[RollReport](problem=problem).model_dump_json().encode())
        return BusReply(body=Reply(result=RollReport(named=3)).model_dump_json().encode())


@dataclass
class Bench:
    """A recaller between collectors that are not there and a registry that may be away."""

    clock: ManualClock = field(default_factory=ManualClock)
    collectors: Collectors = field(default_factory=Collectors)
    was_hurt: bool = False
    registry_is_away: bool = False

    async def clusters(self) -> Sequence[ClusterName]:
        if self.registry_is_away:
            raise ProblemError(ProblemCode.BUS_UNAVAILABLE, "away")
        return [ALPHA, BETA]

    async def hurt(self) -> bool:
        return self.was_hurt

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Recaller]:
        bus = MemoryBus(self.clock)
        recaller = Recaller(bus=bus, clusters=self.clusters, was_hurt=self.hurt, clock=self.clock)
        async with (
            bus.serve(cluster_commands(ALPHA), self.collectors.handle),
            bus.serve(cluster_commands(BETA), self.collectors.handle),
        ):
            task = asyncio.create_task(recaller.run())
            try:
                yield recaller
            finally:
                task.cancel()

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)


BOTH = [command_subject(one, Verb.CALL_ROLL) for one in (ALPHA, BETA)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_nobody_is_asked_where_nothing_was_lost(bench: Bench):
    async with bench.running():
        await bench.settle()

    assert bench.collectors.asked == []


async def test_each_loss_asks_every_collector_once(bench: Bench):
    async with bench.running() as recaller:
        recaller.notice()
        recaller.notice()
        await bench.settle()
        first = list(bench.collectors.asked)
        recaller.notice()
        await bench.settle()

    assert first == BOTH
    assert bench.collectors.asked == BOTH * 2


async def test_a_process_that_starts_shortly_after_a_loss_asks(bench: Bench):
    bench.was_hurt = True
    async with bench.running():
        await bench.settle()

    assert bench.collectors.asked == BOTH


async def test_who_could_not_answer_is_asked_again_and_the_others_are_not(bench: Bench):
    bench.collectors.refusals = 1
    async with bench.running() as recaller:
        recaller.notice()
        await bench.settle()
        bench.clock.advance(2)
        await bench.settle()
        bench.clock.advance(600)
        await bench.settle()

    assert bench.collectors.asked == [*BOTH, BOTH[0]]


async def test_a_loss_is_not_forgotten_while_the_registry_is_away(bench: Bench):
    bench.registry_is_away = True
    recaller = Recaller(
        bus=MemoryBus(bench.clock), clusters=bench.clusters, was_hurt=bench.hurt, clock=bench.clock
    )
    recaller.notice()

    for _ in range(2):
        with pytest.raises(ProblemError):
            await recaller.run()
