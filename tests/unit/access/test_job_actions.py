"""From a wish to outcomes: which jobs are meant, who may, what is told, and what is not known."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from slurmfleet.access.audit import Auditor
from slurmfleet.access.job_actions import JobActions, Named, Wish
from slurmfleet.access.principal import Principal, acting_as, local_principal
from slurmfleet.access.scoped import ScopedReader
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.access import TOOLSETS_OF, ActorKind, Role
from slurmfleet.contracts.actions import (
    ActOutcome,
    ActReport,
    ActRequest,
    ActWord,
    JobAct,
    Signal,
)
from slurmfleet.contracts.audit import AuditRecord, Via
from slurmfleet.contracts.commands import ProblemBody, Reply
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.streams import AUDIT, BUCKETS
from slurmfleet.contracts.subjects import cluster_commands
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.reader import MemoryReader
from slurmfleet.testing.views import cluster_view, job_view

ALPHA, BETA = ClusterName("alpha"), ClusterName("beta")


@dataclass
class Collector:
    """Answers as a collector does, and keeps what it was asked."""

    asked: list[ActRequest] = field(default_factory=list[ActRequest])
    words: dict[str, ActWord] = field(default_factory=dict[str, ActWord])
    problem: ProblemCode | None = None

    async def handle(self, request: Message) -> BusReply:
        told = ActRequest.model_validate_json(request.body)
        self.asked.append(told)
        if self.problem is not None:
            body = ProblemBody(code=self.problem, detail="the login node is away")
            return BusReply(body=Reply[ActReport](problem=body).model_dump_json().encode())
        outcomes = tuple(
            ActOutcome(job_id=one.job_id, word=self.words.get(one.job_id, ActWord.DONE))
            for one in told.jobs
        )
        answer = Reply(result=ActReport(outcomes=outcomes))
        return BusReply(body=answer.model_dump_json().encode())


@dataclass
class Bench:
    """The library path between a reader, a bus and two collectors."""

    clock: ManualClock
    reader: MemoryReader
    bus: MemoryBus
    actions: JobActions
    collectors: dict[ClusterName, Collector]

    async def audited(self) -> list[AuditRecord]:
        stored = await self.bus.list_stored(AUDIT.name, limit=100)
        return [AuditRecord.model_validate_json(one.message.body) for one in stored]

    async def refused(self, wish: Wish) -> ProblemError:
        with pytest.raises(ProblemError) as caught:
            await self.actions.act(wish)
        return caught.value


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    reader = MemoryReader(clock)
    reader.cluster_views = [cluster_view(), cluster_view(name=BETA)]
    reader.job_views = [
        *(job_view(job_id=str(one)) for one in range(1, 80)),
        job_view(job_id="100", cluster=BETA, user="bob"),
    ]
    bus = MemoryBus(clock)
    await bus.prepare(buckets=BUCKETS)
    actions = JobActions(
        reader=ScopedReader(reader), bus=bus, auditor=Auditor(bus, clock), clock=clock, limit_s=1
    )
    collectors = {ALPHA: Collector(), BETA: Collector()}
    async with AsyncExitStack() as stack:
        for name, collector in collectors.items():
            await stack.enter_async_context(bus.serve(cluster_commands(name), collector.handle))
        with acting_as(local_principal(Via.REST)):
            yield Bench(clock=clock, reader=reader, bus=bus, actions=actions, collectors=collectors)


def jobs(*names: str, cluster: ClusterName = ALPHA) -> tuple[Named, ...]:
    return tuple((cluster, JobId(one)) for one in names)


def cancel(*named: Named, **more: Any) -> Wish:  # noqa: ANN401 passed on
    return Wish(act=JobAct.CANCEL, jobs=named, **more)


def somebody(**changes: Any) -> Principal:  # noqa: ANN401 passed on
    return Principal(
        **{
            "name": "bot",
            "kind": ActorKind.AGENT,
            "role": Role.OPERATOR,
            "via": Via.MCP,
            "toolsets": TOOLSETS_OF[Role.OPERATOR],
            **changes,
        }
    )


async def test_a_job_is_named_by_its_submission_too(bench: Bench):
    (outcome,) = await bench.actions.act(cancel(*jobs("7"), reason="why not"))

    (request,) = bench.collectors[ALPHA].asked
    assert (outcome.ok, outcome.word) == (True, "done")
    assert request.jobs[0].submitted_at == bench.reader.job_views[6].submitted_at
    tried, done = await bench.audited()
    assert (tried.action, tried.target, tried.reason) == ("job.cancel", "7", "why not")
    assert (done.outcome, done.details) == ("ok", {"jobs": {"7": "done"}})


async def test_a_task_that_waits_is_its_arrays(bench: Bench):
    (outcome,) = await bench.actions.act(cancel(*jobs("7_4")))

    assert outcome.word is ActWord.DONE
    assert bench.collectors[ALPHA].asked[0].jobs[0].job_id == "7_4"


async def test_what_is_not_there_is_told_and_the_others_are_done(bench: Bench):
    bench.collectors[ALPHA].words = {"2": ActWord.DENIED}

    outcomes = await bench.actions.act(cancel(*jobs("1", "999", "2")))

    assert [(one.job_id, one.word.value, one.ok) for one in outcomes] == [
        *(("1", "done", True), ("999", "not_found", False), ("2", "denied", False)),
    ]
    *_, done = await bench.audited()
    assert done.outcome == "failed"


async def test_many_jobs_go_in_pieces(bench: Bench):
    named = jobs(*(str(one) for one in range(1, 71)))
    word = (await bench.refused(cancel(*named))).remedy.rpartition("=")[2]

    outcomes = await bench.actions.act(cancel(*named, confirm=word))

    assert [len(one.jobs) for one in bench.collectors[ALPHA].asked] == [50, 20]
    assert all(one.ok for one in outcomes)
    assert len(await bench.audited()) == 2


@pytest.mark.parametrize("count", [1, 10])
async def test_ten_need_no_second_word(bench: Bench, count: int):
    outcomes = await bench.actions.act(cancel(*jobs(*(str(one + 1) for one in range(count)))))

    assert len(outcomes) == count


async def test_a_second_word_is_for_just_this_by_just_them_and_not_for_ever(bench: Bench):
    named = jobs(*(str(one) for one in range(1, 12)))
    problem = await bench.refused(cancel(*named))
    word = problem.remedy.rpartition("=")[2]

    others = [
        await bench.refused(cancel(*named, *jobs("12"), confirm=word)),
        await bench.refused(cancel(*named[:-1], *jobs("12"), confirm=word)),
        await bench.refused(Wish(act=JobAct.REQUEUE, jobs=named, confirm=word)),
        await bench.refused(cancel(*named, confirm=word, signal=Signal.TERM)),
        await bench.refused(cancel(*named, confirm="x")),
    ]
    with acting_as(somebody()):
        others.append(await bench.refused(cancel(*named, confirm=word)))
    bench.clock.advance(1_300)
    others.append(await bench.refused(cancel(*named, confirm=word)))

    assert {one.code for one in (problem, *others)} == {ProblemCode.CONFIRMATION_NEEDED}
    assert "cancel would be done to 11 jobs: alpha 1, alpha 2" in problem.detail
    assert bench.collectors[ALPHA].asked == []


async def test_named_twice_is_done_once(bench: Bench):
    outcomes = await bench.actions.act(cancel(*jobs("7", "7")))

    assert len(outcomes) == len(bench.collectors[ALPHA].asked[0].jobs) == 1


async def test_one_clusters_failure_hides_nothing_of_anothers(bench: Bench):
    bench.collectors[ALPHA].problem = ProblemCode.CLUSTER_UNREACHABLE

    outcomes = await bench.actions.act(cancel(*jobs("7"), *jobs("100", cluster=BETA)))

    assert [(one.cluster, one.word.value) for one in outcomes] == [
        *((ALPHA, "unreachable"), (BETA, "done")),
    ]


@pytest.mark.parametrize("who", ["nobody serves", "an error inside"])
async def test_without_an_answer_nobody_knows(bench: Bench, who: str):
    if who == "nobody serves":
        gamma = ClusterName("gamma")
        bench.reader.cluster_views.append(cluster_view(name=gamma))
        bench.reader.job_views.append(job_view(job_id="5", cluster=gamma))
        named = jobs("5", cluster=gamma)
    else:
        bench.collectors[ALPHA].problem = ProblemCode.INTERNAL
        named = jobs("5")

    (outcome,) = await bench.actions.act(cancel(*named))
    with pytest.raises(ProblemError, match="Look at the job before you try again"):
        await bench.actions.act_on_one(cancel(*named))

    assert (outcome.word, outcome.ok) == (ActWord.UNKNOWN, False)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        (ActWord.NOT_FOUND, ProblemCode.JOB_NOT_FOUND),
        (ActWord.DENIED, ProblemCode.FORBIDDEN),
        (ActWord.NOT_POSSIBLE, ProblemCode.NOT_POSSIBLE),
        (ActWord.CHANGED, ProblemCode.NOT_POSSIBLE),
        (ActWord.UNREACHABLE, ProblemCode.CLUSTER_UNREACHABLE),
        (ActWord.UNKNOWN, ProblemCode.CLUSTER_UNREACHABLE),
    ],
)
async def test_of_one_job_what_is_not_done_is_a_problem(
    bench: Bench, word: ActWord, code: ProblemCode
):
    bench.collectors[ALPHA].words = {"7": word}

    with pytest.raises(ProblemError) as caught:
        await bench.actions.act_on_one(cancel(*jobs("7")))

    assert caught.value.code is code


async def test_who_may_not_is_refused_and_audited(bench: Bench):
    viewer = somebody(role=Role.VIEWER, toolsets=TOOLSETS_OF[Role.VIEWER])
    narrow = somebody(clusters=frozenset({BETA}))

    with acting_as(viewer):
        first = await bench.refused(cancel(*jobs("7")))
    with acting_as(narrow):
        second = await bench.refused(cancel(*jobs("7")))

    assert {first.code, second.code} == {ProblemCode.FORBIDDEN}
    assert bench.collectors[ALPHA].asked == []
    assert (await bench.audited())[0].outcome == "refused"


async def test_somebody_elses_job_is_not_there(bench: Bench):
    with acting_as(somebody(users=frozenset({"ada"}))):
        (outcome,) = await bench.actions.act(cancel(*jobs("100", cluster=BETA)))

    assert outcome.word is ActWord.NOT_FOUND
    assert bench.collectors[BETA].asked == []


async def test_the_days_budget_counts_jobs(bench: Bench):
    with acting_as(somebody(token_id="abcdefghjk", actions_per_day=3)):  # noqa: S106 public
        await bench.actions.act(cancel(*jobs("1", "2")))
        problem = await bench.refused(cancel(*jobs("3", "4")))
        await bench.actions.act(cancel(*jobs("3")))

    assert problem.code is ProblemCode.RATE_LIMITED
    assert [len(one.jobs) for one in bench.collectors[ALPHA].asked] == [2, 1]


async def test_nothing_is_done_that_cannot_be_audited(bench: Bench):
    with bench.bus.outage():
        problem = await bench.refused(cancel(*jobs("7")))

    assert problem.code is ProblemCode.BUS_UNAVAILABLE
    assert bench.collectors[ALPHA].asked == []


@pytest.mark.parametrize("count", [0, 1_001])
async def test_none_and_too_many_are_refused(bench: Bench, count: int):
    problem = await bench.refused(cancel(*jobs(*(str(one + 1) for one in range(count)))))

    assert problem.code is ProblemCode.INVALID_PARAMETER


async def test_a_projects_jobs_are_its_live_ones_and_an_array_stands_for_its_tasks(bench: Bench):
    bench.reader.job_views = [
        job_view(job_id="7"),
        job_view(job_id="8", array_job_id=8),
        job_view(job_id="8_1", array_job_id=8, array_task_id=1),
        job_view(job_id="9+1", het_job_id=9, het_offset=1),
    ]

    named = await bench.actions.live_jobs_of_project("atlas", ())

    assert named == jobs("7", "8", "9+1")
    assert bench.reader.asked[-1].projects == ("atlas",)
    assert bench.reader.asked[-1].live is True


async def test_a_project_without_live_jobs_is_told(bench: Bench):
    bench.reader.job_views = []

    with pytest.raises(ProblemError) as caught:
        await bench.actions.live_jobs_of_project("atlas", ())

    assert caught.value.code is ProblemCode.JOB_NOT_FOUND
