"""Rolls are compared beside the ingest; a collector that does not answer costs a log line."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from services.projector.repairer import OF_NOW, Repairer
from services.projector.repairs import MOST_TRIES, Key
from services.projector.rolls import Roll
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.commands import (
    TOLD_AGAIN_AT_ONCE,
    AdoptReport,
    AdoptRequest,
    ProblemBody,
    Reply,
    TellAgainReport,
    TellAgainRequest,
    Verb,
)
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.job_codec import job_from_bytes
from slurmfleet.contracts.jobs import Evidence, Job
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.subjects import cluster_commands
from slurmfleet.contracts.surveys import RollCalled, RollEntry
from slurmfleet.store.errors import StoreError, StoreUnavailableError
from slurmfleet.store.read.rolls import Drift, MissedJob, UnnamedJob, WholeJob
from slurmfleet.testing.builders import ALPHA, NOON, a_full_job, a_job
from slurmfleet.testing.clock import ManualClock

SEEN = NOON - timedelta(hours=1)


def a_roll(*jobs: str, cluster: ClusterName = ALPHA, minute: int = 0) -> Roll:
    entries = tuple(RollEntry(job_id=JobId(one), submitted_at=NOON, revision=9) for one in jobs)
    return Roll(cluster=cluster, called_at=NOON + timedelta(minutes=minute), entries=entries)


def parts(roll: Roll) -> list[RollCalled]:
    """Give a roll in one part for each job."""
    return [
        RollCalled(
            cluster=roll.cluster,
            observed_at=roll.called_at,
            source="collector",
            part=number,
            parts=len(roll.entries),
            jobs=(one,),
        )
        for number, one in enumerate(roll.entries)
    ]


@dataclass
class Store:
    """What a comparison finds, and jobs as they are stored."""

    unnamed: list[Job] = field(default_factory=list[Job])
    missed: list[JobId] = field(default_factory=list[JobId])
    failures: list[StoreError] = field(default_factory=list[StoreError])
    compared: list[tuple[ClusterName, Sequence[RollEntry]]] = field(
        default_factory=list[tuple[ClusterName, Sequence[RollEntry]]]
    )

    async def compare(self, roll: Roll) -> Drift:
        if self.failures:
            raise self.failures.pop()
        self.compared.append((roll.cluster, roll.entries))
        return Drift(
            unnamed=tuple(
                UnnamedJob(job_id=one.job_id, submitted_at=one.submitted_at, observed_at=SEEN)
                for one in self.unnamed
            ),
            missed=tuple(MissedJob(job_id=one, submitted_at=NOON) for one in self.missed),
        )

    async def read(self, cluster: ClusterName, keys: Sequence[Key]) -> Sequence[WholeJob]:
        del cluster
        return [
            WholeJob(job=one, revision=3, observed_at=SEEN, source=Evidence.QUEUE)
            for one in self.unnamed
            if (one.job_id, one.submitted_at) in keys
        ]


@dataclass
class Collector:
    """Answers on the bus as a collector does, and keeps what it was asked."""

    adopted: list[list[Job]] = field(default_factory=list[list[Job]])
    retold: list[list[str]] = field(default_factory=list[list[str]])
    refuses: ProblemCode | None = None

    async def handle(self, request: Message) -> BusReply:
        if request.subject.endswith(f".{Verb.ADOPT}"):
            claims = AdoptRequest.model_validate_json(request.body).jobs
            self.adopted.append([job_from_bytes(one.job) for one in claims])
            answer = Reply[AdoptReport](result=AdoptReport(adopted=len(claims)))
        else:
            jobs = TellAgainRequest.model_validate_json(request.body).jobs
            self.retold.append([one.job_id for one in jobs])
            answer = Reply[TellAgainReport](result=TellAgainReport(told=len(jobs)))
        if self.refuses is not None:
            problem = ProblemBody(code=self.refuses, detail="no")
            return BusReply(body=Reply[AdoptReport](problem=problem).model_dump_json().encode())
        return BusReply(body=answer.model_dump_json().encode())


@dataclass
class Bench:
    """A repairer between a store and a collector that are not there."""

    clock: ManualClock = field(default_factory=ManualClock)
    store: Store = field(default_factory=Store)
    collector: Collector = field(default_factory=Collector)

    def __post_init__(self) -> None:
        self.bus = MemoryBus(self.clock)
        self.repairer = Repairer(
            bus=self.bus, compare=self.store.compare, read=self.store.read, clock=self.clock
        )

    def serving(self) -> AbstractAsyncContextManager[None]:
        return self.bus.serve(cluster_commands(ALPHA), self.collector.handle)

    async def settle(self) -> None:
        """Let the repairer run until it has nothing to do."""
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.repairer.run())
            for _ in range(50):
                await asyncio.sleep(0)
            running.cancel()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def counted(kind: str) -> float:
    labels = {"cluster": "alpha", "kind": kind}
    return REGISTRY.get_sample_value("slurmfleet_roll_repairs_total", labels) or 0.0


async def test_a_roll_is_compared_when_its_last_part_is_heard(bench: Bench):
    roll = a_roll("1", "2")
    first, second = parts(roll)

    bench.repairer.hear([second])
    await bench.settle()
    early = list(bench.store.compared)
    bench.repairer.hear([first])
    await bench.settle()

    assert (early, bench.store.compared) == ([], [(ALPHA, roll.entries)])


async def test_of_several_rolls_of_a_cluster_the_newest_is_compared(bench: Bench):
    other = a_roll("7", cluster=ClusterName("beta"))
    newest = a_roll("1", "2", minute=10)
    for roll in (a_roll("1"), other, newest):
        bench.repairer.hear(parts(roll))

    await bench.settle()

    assert bench.store.compared == [(ALPHA, newest.entries), (other.cluster, other.entries)]


async def test_rolls_of_a_replayed_stream_are_passed_over(bench: Bench):
    bench.clock.advance(OF_NOW.total_seconds() + 1)

    bench.repairer.hear(parts(a_roll("1")))
    await bench.settle()

    assert bench.store.compared == []


async def test_what_differs_is_asked_for(bench: Bench):
    bench.store.unnamed = [a_full_job(), a_job("8")]
    bench.store.missed = [JobId("9")]
    before = {kind: counted(kind) for kind in ("adopt", "tell_again")}

    async with bench.serving():
        await bench.repairer.repair(a_roll())

    assert bench.collector.adopted == [[a_full_job(), a_job("8")]]
    assert bench.collector.retold == [["9"]]
    assert {kind: counted(kind) - was for kind, was in before.items()} == {
        "adopt": 2,
        "tell_again": 1,
    }


async def test_what_does_not_fit_one_message_goes_in_several(bench: Bench):
    large = {"command": "x" * 200_000}
    bench.store.unnamed = [a_job(str(number), **large) for number in range(1, 6)]
    bench.store.missed = [JobId(str(number)) for number in range(1, TOLD_AGAIN_AT_ONCE + 3)]

    async with bench.serving():
        await bench.repairer.repair(a_roll())

    assert [len(one) for one in bench.collector.adopted] == [2, 2, 1]
    assert [len(one) for one in bench.collector.retold] == [TOLD_AGAIN_AT_ONCE, 2]


async def test_a_collector_that_is_not_there_is_asked_again_at_every_roll(bench: Bench):
    bench.store.unnamed = [a_job("8")]
    for minute in range(MOST_TRIES + 1):
        await bench.repairer.repair(a_roll(minute=minute))

    async with bench.serving():
        await bench.repairer.repair(a_roll(minute=MOST_TRIES + 1))

    assert bench.collector.adopted == [[a_job("8")]]


async def test_what_the_collector_refuses_is_given_up_and_the_rest_goes_on(bench: Bench):
    bench.store.unnamed = [a_job("8")]
    bench.store.missed = [JobId("9")]
    bench.collector.refuses = ProblemCode.INVALID_PARAMETER
    before = counted("given_up")

    async with bench.serving():
        for minute in range(MOST_TRIES + 2):
            await bench.repairer.repair(a_roll(minute=minute))

    assert bench.collector.adopted == [[a_job("8")]] * MOST_TRIES
    assert bench.collector.retold == [["9"]] * MOST_TRIES
    assert counted("given_up") - before == 2


async def test_a_collector_of_an_older_version_costs_no_tries(bench: Bench):
    bench.store.missed = [JobId("9")]
    bench.collector.refuses = ProblemCode.NOT_AVAILABLE_YET

    async with bench.serving():
        for minute in range(MOST_TRIES + 2):
            await bench.repairer.repair(a_roll(minute=minute))

    assert bench.collector.retold == [["9"]] * (MOST_TRIES + 2)


async def test_a_store_that_is_away_waits_for_the_next_roll(bench: Bench):
    bench.store.failures = [StoreUnavailableError("find_unnamed_jobs", "refused")]
    next_roll = a_roll("1", minute=10)

    bench.repairer.hear(parts(a_roll("1")))
    await bench.settle()
    bench.repairer.hear(parts(next_roll))
    await bench.settle()

    assert bench.store.compared == [(ALPHA, next_roll.entries)]
