"""The ladder as the survey climbs it, with sources whose answers are written here."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.collector.round_trip import IncompleteAnswerError
from services.collector.sampling.jobs import SampledJob, running_jobs
from services.collector.sampling.providers import Need, ProviderAnswer
from services.collector.sampling.survey import SamplingSurvey
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.contracts.registry import ClusterConfig, SampleProvider
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.contracts.use import GpuSampled, LoadSampled, SamplingMissed
from slurmfleet.testing.clock import ManualClock
from tests.harness.sampling import (
    ScriptedProvider,
    a_desk,
    a_running_job,
    gpu_seen,
    load_seen,
    memory_of,
)

CONFIG = ClusterConfig.model_validate({"name": "alpha", "host": "127.0.0.1"})
FAILED = SectionOutcome(
    name=SectionName.PROMETHEUS, ok=False, exit_status=None, error="cannot be reached"
)


class Rungs:
    """A survey over two sources, and the clock that both stand on."""

    def __init__(self, *jobs: Job) -> None:
        self.clock = ManualClock()
        self.upper_gives = {"gpus", "loads"}
        self.lower_gives = {"gpus", "loads"}
        self.upper_fails = False
        self.upper = ScriptedProvider(name=SampleProvider.PROMETHEUS, answer=self._upper)
        self.lower = ScriptedProvider(name=SampleProvider.SSTAT, answer=self._lower)
        self.survey = SamplingSurvey(CONFIG, [self.upper, self.lower])
        self.desk = a_desk(*(jobs or (a_running_job(),)), clock=self.clock)
        self.resting = frozenset[JobId]()

    def _answer(self, source: str, jobs: Sequence[SampledJob], gives: set[str]) -> ProviderAnswer:
        now = self.clock.now()
        return ProviderAnswer(
            source=source,
            gpus=tuple(gpu_seen(job.job_id, now) for job in jobs if "gpus" in gives),
            loads=tuple(load_seen(job.job_id, now) for job in jobs if "loads" in gives),
            nothing={} if gives else {job.job_id: f"{source}: no series" for job in jobs},
        )

    def _upper(self, jobs: Sequence[SampledJob]) -> ProviderAnswer:
        if self.upper_fails:
            return ProviderAnswer(source="upper", sections=(FAILED,))
        return self._answer("upper", jobs, self.upper_gives)

    def _lower(self, jobs: Sequence[SampledJob]) -> ProviderAnswer:
        if self.resting:
            return ProviderAnswer(source="lower", resting=self.resting)
        return self._answer("lower", jobs, self.lower_gives)

    async def ask(self, *, after_s: float = 30):
        self.clock.advance(after_s)
        finding = await self.survey.ask(self.desk)
        assert finding is not None
        return finding

    async def sources(self, *, after_s: float = 30) -> dict[str, str]:
        finding = await self.ask(after_s=after_s)
        kinds = {GpuSampled: "gpu", LoadSampled: "load", SamplingMissed: "missed"}
        return {kinds[type(fact)]: fact.source for fact in finding.facts}


async def test_what_the_best_source_tells_is_not_asked_of_the_next():
    rungs = Rungs()

    assert await rungs.sources() == {"gpu": "upper", "load": "upper"}
    assert rungs.lower.asked == []


async def test_what_a_source_lacks_is_taken_from_the_next_and_each_fact_says_where_from():
    rungs = Rungs()
    rungs.upper_gives = {"gpus"}

    assert await rungs.sources() == {"gpu": "upper", "load": "lower"}


async def test_a_source_that_fails_costs_its_rung_and_is_climbed_again_later():
    rungs = Rungs()
    rungs.upper_fails = True

    first = await rungs.sources()
    second = await rungs.sources(after_s=10)
    asked_meanwhile = len(rungs.upper.asked)
    rungs.upper_fails = False
    back = await rungs.sources(after_s=60)

    assert first == second == {"gpu": "lower", "load": "lower"}
    assert asked_meanwhile == 1
    assert back == {"gpu": "upper", "load": "upper"}


async def test_a_source_that_fails_is_no_failure_of_the_whole_while_another_answers():
    rungs = Rungs()
    rungs.upper_fails = True

    stood_in = await rungs.ask()
    alone = SamplingSurvey(CONFIG, [rungs.upper])
    rungs.clock.advance(60)
    failed = await alone.ask(rungs.desk)

    assert stood_in.error == ""
    assert [section.ok for section in stood_in.sections] == [False]
    assert failed is not None
    assert failed.error == "cannot be reached"


async def test_a_source_that_keeps_failing_is_asked_more_and_more_seldom():
    rungs = Rungs()
    rungs.upper_fails = True

    for _ in range(120):
        await rungs.ask()

    assert 8 <= len(rungs.upper.asked) <= 12


async def test_a_source_that_shows_nothing_of_a_job_leaves_it_to_the_next():
    rungs = Rungs()
    rungs.upper_gives = set()

    assert await rungs.sources() == {"gpu": "lower", "load": "lower"}


async def test_asking_that_costs_requests_rests_where_it_has_never_told_what_is_missing():
    rungs = Rungs()
    rungs.upper_gives, rungs.lower_gives = {"loads"}, {"loads"}

    for _ in range(10):
        await rungs.ask()

    assert len(rungs.lower.asked) == 3


async def test_a_job_that_waits_for_its_turn_is_not_given_to_the_next_rung():
    rungs = Rungs()
    last = ScriptedProvider(
        name=SampleProvider.STEP,
        answer=lambda jobs: rungs._answer("step", jobs, set()),
        sees=frozenset({Need.GPU}),
    )
    rungs.upper_gives = set()
    rungs.survey = SamplingSurvey(CONFIG, [rungs.upper, rungs.lower, last])

    await rungs.ask()
    rungs.resting = frozenset({JobId("41")})
    await rungs.ask()

    assert [jobs for jobs in last.asked if jobs] == []


async def test_a_gap_is_told_once_with_its_reason_and_again_after_a_sample():
    rungs = Rungs()
    await rungs.ask()
    rungs.upper_gives = rungs.lower_gives = set()

    told = [fact for _ in range(8) for fact in (await rungs.ask()).facts]
    rungs.upper_gives = {"gpus"}
    await rungs.ask()
    rungs.upper_gives = set()
    again = [fact for _ in range(8) for fact in (await rungs.ask()).facts]

    assert [type(fact) for fact in told] == [SamplingMissed]
    assert isinstance(told[0], SamplingMissed)
    assert "upper: no series" in told[0].reason
    assert (told[0].observed_at - told[0].since_at) == timedelta(seconds=120)
    assert [type(fact) for fact in again] == [SamplingMissed]


async def test_a_job_without_gpus_has_no_gap_and_is_no_load_of_zero():
    rungs = Rungs(a_running_job(gpu_count=0))
    rungs.upper_gives = rungs.lower_gives = set()

    assert [(await rungs.ask()).facts for _ in range(6)] == [()] * 6


async def test_nothing_is_asked_when_no_job_runs():
    rungs = Rungs(a_running_job(state=JobState.PENDING, started_at=None))

    assert await rungs.survey.ask(rungs.desk) is None
    assert rungs.upper.asked == []


async def test_a_login_node_that_runs_nothing_does_not_hide_what_others_tell():
    rungs = Rungs()

    def fails(_: Sequence[SampledJob]) -> ProviderAnswer:
        raise IncompleteAnswerError("no bash")

    rungs.upper_gives = {"gpus"}
    rungs.lower.answer = fails

    assert await rungs.sources() == {"gpu": "upper"}


async def test_a_login_node_that_runs_nothing_is_an_error_when_nothing_else_tells():
    rungs = Rungs()

    def fails(_: Sequence[SampledJob]) -> ProviderAnswer:
        raise IncompleteAnswerError("no bash")

    rungs.upper_gives = set()
    rungs.lower.answer = fails

    with pytest.raises(IncompleteAnswerError):
        await rungs.ask()


def test_only_jobs_that_run_now_are_sampled():
    jobs = running_jobs(
        memory_of(
            a_running_job("41"),
            a_running_job("42", state=JobState.SUSPENDED),
            a_running_job("43", state_flags=("COMPLETING",)),
            a_running_job("44", array_job_id=44, raw_id=44),
            a_running_job("44_1", array_job_id=44, array_task_id=1, raw_id=46),
            a_running_job("47+1", raw_id=48, het_job_id=47, het_offset=1),
        )
    )

    assert [(job.job_id, job.raw_id, job.nodes) for job in jobs] == [
        ("41", 41, ("hgx01", "hgx02")),
        ("44_1", 46, ("hgx01", "hgx02")),
        ("47+1", 48, ("hgx01", "hgx02")),
    ]
    assert (jobs[0].gpus_per_node, jobs[0].cpus_per_node) == (2, 8)
