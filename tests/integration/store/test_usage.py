"""What jobs held, by day and by whom: each run once, on each of its days, to the second."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from slurmfleet.analysis.projects import ProjectRule
from slurmfleet.contracts.events import JobChanged, JobEnded, JobStarted, JobSubmitted, JobVanished
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.use import GpuSampled
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.usage import UsageBy, UsageFilter, UsageView, read_usage
from slurmfleet.store.write.clusters import upsert_cluster
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.store.write.job_use import roll_up_job_use
from slurmfleet.store.write.projects import assign_projects
from slurmfleet.store.write.usage import work_out_usage
from slurmfleet.testing.builders import ALPHA, a_job
from slurmfleet.testing.samples import filled

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

DAY = timedelta(days=1)
DAYS = 14
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
OVER = JobState.COMPLETED
BETA = ClusterName("beta")
Told = JobSubmitted | JobStarted | JobChanged | JobEnded | JobVanished
FAILED = {JobState.FAILED, JobState.TIMEOUT, JobState.NODE_FAIL, JobState.OUT_OF_MEMORY}


def fact(
    kind: type[JobSubmitted | JobStarted | JobEnded | JobVanished],
    job: Job,
    *,
    revision: int = 1,
    at: datetime = MONDAY,
    cluster: ClusterName = ALPHA,
) -> Told:
    return kind(cluster=cluster, job=job, observed_at=at, revision=revision, source=Evidence.QUEUE)


def a_run(job_id: str, started_at: datetime, hours: float, *, gpus: int = 2, **more: object) -> Job:
    fields: dict[str, object] = {
        "submitted_at": MONDAY - DAY,
        "state": OVER,
        "started_at": started_at,
        "ended_at": started_at + timedelta(hours=hours),
        "gpu_count": gpus,
        "cpu_count": 8,
    }
    return a_job(job_id, **{**fields, **more})


async def told(pool: StorePool, *facts: Told) -> None:
    await apply_facts(pool, facts)
    await work_out_usage(pool)


async def usage(
    pool: StorePool, *by: UsageBy, days: int = 7, now: datetime = MONDAY + 7 * DAY, **more: object
) -> list[UsageView]:
    wanted = UsageFilter(since=MONDAY.date(), until=(MONDAY + days * DAY).date(), by=by)
    return list(await read_usage(pool, replace(wanted, **more), now=now))


async def by_day(pool: StorePool) -> dict[date | None, tuple[float, int]]:
    rows = await usage(pool, UsageBy.DAY)
    return {row.day: (row.gpu_hours, row.jobs) for row in rows}


def day(number: int) -> date:
    return (MONDAY + number * DAY).date()


async def test_a_run_over_midnight_counts_on_each_day_and_its_job_on_the_last(
    store_writer: StorePool,
):
    run = a_run("1", MONDAY + timedelta(hours=22), 30)

    await told(store_writer, fact(JobEnded, run))

    assert await by_day(store_writer) == {day(0): (4, 0), day(1): (48, 0), day(2): (8, 1)}


async def test_a_correction_of_the_end_moves_the_use(store_writer: StorePool):
    await told(store_writer, fact(JobEnded, a_run("1", MONDAY + timedelta(hours=22), 30)))

    await told(
        store_writer, fact(JobEnded, a_run("1", MONDAY + timedelta(hours=22), 1), revision=2)
    )

    assert await by_day(store_writer) == {day(0): (2, 1)}


async def test_each_run_of_a_requeued_job_counts_and_the_job_once(store_writer: StorePool):
    first = a_run("1", MONDAY, 2, state=JobState.PREEMPTED)
    second = a_run("1", MONDAY + timedelta(hours=3), 1, restart_count=1)

    await told(store_writer, fact(JobEnded, first), fact(JobEnded, second, revision=2))

    (row,) = await usage(store_writer)
    assert (row.jobs, row.requeued_runs, row.gpu_hours, row.requeued_gpu_hours) == (1, 1, 6, 4)


async def test_what_failed_is_wasted(store_writer: StorePool):
    await told(
        store_writer,
        fact(JobEnded, a_run("1", MONDAY, 1, state=JobState.FAILED)),
        fact(JobEnded, a_run("2", MONDAY, 1, state=JobState.CANCELLED)),
        fact(JobEnded, a_run("3", MONDAY, 1)),
    )

    (row,) = await usage(store_writer)
    assert (row.jobs, row.failed_jobs, row.gpu_hours, row.wasted_gpu_hours) == (3, 1, 6, 2)


async def test_wholes_do_not_count_beside_their_members(store_writer: StorePool):
    tasks = [
        a_run(f"9_{index}", MONDAY, 1, array_job_id=9, array_task_id=index) for index in range(3)
    ]
    whole = a_run("9", MONDAY, 3, gpus=6, array_job_id=9)

    await told(store_writer, *(fact(JobEnded, one) for one in (*tasks, whole)))

    (row,) = await usage(store_writer)
    assert (row.jobs, row.gpu_hours, row.cpu_hours) == (3, 6, 24)


async def test_a_live_job_counts_up_to_now_and_once_as_live(store_writer: StorePool):
    await upsert_cluster(store_writer, ClusterConfig(name=ALPHA, host="h"), revision=1, now=MONDAY)
    running = a_run("1", MONDAY + timedelta(hours=22), 0, state=JobState.RUNNING, ended_at=None)
    seen = MONDAY + timedelta(hours=25)

    await told(store_writer, fact(JobStarted, running, at=seen))

    rows = await usage(store_writer, UsageBy.DAY, now=seen + timedelta(hours=9))
    assert [(row.day, row.gpu_hours, row.live_jobs, row.jobs) for row in rows] == [
        (day(0), 4, 0, 0),
        (day(1), 2, 1, 0),  # nobody has looked since
    ]


async def test_a_job_that_lives_again_is_counted_as_live_alone(store_writer: StorePool):
    await upsert_cluster(store_writer, ClusterConfig(name=ALPHA, host="h"), revision=1, now=MONDAY)
    run = a_run("1", MONDAY, 1)
    await told(store_writer, fact(JobEnded, run))

    again = JobChanged(
        cluster=ALPHA,
        job=a_run("1", MONDAY, 1, state=JobState.RUNNING, ended_at=None),
        observed_at=MONDAY + timedelta(hours=4),
        revision=2,
        source=Evidence.QUEUE,
        changed=("state", "ended_at"),
    )
    await told(store_writer, again)

    (row,) = await usage(store_writer, now=MONDAY + timedelta(hours=4))
    assert (row.gpu_hours, row.live_jobs, row.jobs) == (8, 1, 0)


async def test_a_vanished_job_held_no_longer_than_its_limit(store_writer: StorePool):
    run = a_run("1", MONDAY, 0, state=JobState.VANISHED, ended_at=None, time_limit_s=3_600)

    await told(store_writer, fact(JobVanished, run, at=MONDAY + timedelta(hours=5)))

    (row,) = await usage(store_writer)
    assert (row.gpu_hours, row.jobs, row.failed_jobs) == (2, 1, 0)


def half_an_hour_of_samples(run: Job, start: datetime) -> list[GpuSampled]:
    return [
        filled(
            GpuSampled,
            cluster=ALPHA,
            job_id=run.job_id,
            submitted_at=run.submitted_at,
            observed_at=start + timedelta(seconds=30 * step),
            utilization_pct=50.0,
            span_s=30.0,
            gpu_count=2,
        )
        for step in range(60)
    ]


async def test_a_live_job_counts_with_its_samples_of_each_day(store_writer: StorePool):
    await upsert_cluster(store_writer, ClusterConfig(name=ALPHA, host="h"), revision=1, now=MONDAY)
    start = MONDAY + timedelta(hours=23, minutes=45)
    run = a_run("1", start, 0, state=JobState.RUNNING, ended_at=None)
    seen = start + timedelta(hours=1)
    await told(store_writer, fact(JobStarted, run, at=seen))

    await apply_facts(store_writer, half_an_hour_of_samples(run, start))
    await roll_up_job_use(store_writer)

    rows = await usage(store_writer, UsageBy.DAY, now=seen)
    assert [(one.day, one.gpu_hours, one.sampled_gpu_hours) for one in rows] == [
        (day(0), 0.5, 0.5),
        (day(1), 1.5, 0.5),
    ]


async def test_samples_tell_how_well_what_was_held_was_used(store_writer: StorePool):
    start = MONDAY + timedelta(hours=1)
    run = a_run("1", start, 1)
    await told(store_writer, fact(JobEnded, run))

    await apply_facts(store_writer, half_an_hour_of_samples(run, start))
    await roll_up_job_use(store_writer)
    await work_out_usage(store_writer)

    (row,) = await usage(store_writer)
    assert (row.gpu_hours, row.sampled_gpu_hours, row.gpu_utilization_pct) == (2, 1, 50)


async def test_new_rules_move_stored_jobs_and_their_use(store_writer: StorePool):
    names = {"1": "llm_train", "2": "vlm-eval", "3": "plain"}
    runs = [a_run(job_id, MONDAY, 1, name=name) for job_id, name in names.items()]
    await told(store_writer, *(fact(JobEnded, run) for run in runs))
    before = {row.project: row.jobs for row in await usage(store_writer, UsageBy.PROJECT)}

    rules = [ProjectRule(name="vision", prefixes=("vlm-",))]
    moved = [await assign_projects(store_writer, rules, step_jobs=2) for _ in range(2)]
    await work_out_usage(store_writer)

    after = {row.project: row.jobs for row in await usage(store_writer, UsageBy.PROJECT)}
    assert before == {"llm": 1, "": 2}
    assert moved == [1, 0]
    assert after == {"llm": 1, "vision": 1, "": 1}


async def test_filters_and_groups_hold_together(store_writer: StorePool):
    for name in (ALPHA, BETA):
        await upsert_cluster(
            store_writer, ClusterConfig(name=name, host="h"), revision=1, now=MONDAY
        )
    runs = [
        (ALPHA, a_run("1", MONDAY, 1, user="ada", account="a", partition="gpu")),
        (ALPHA, a_run("2", MONDAY, 2, user="bob", account="a", partition="gpu")),
        (BETA, a_run("3", MONDAY, 4, user="ada", account="b", partition="cpu")),
    ]
    await told(store_writer, *(fact(JobEnded, job, cluster=name) for name, job in runs))

    by_user = await usage(store_writer, UsageBy.USER)
    on_alpha = await usage(store_writer, UsageBy.CLUSTER, UsageBy.USER, clusters=(ALPHA,))
    of_b = await usage(store_writer, UsageBy.PARTITION, accounts=("b",))

    assert [(row.user, row.cluster, row.gpu_hours) for row in by_user] == [
        ("ada", None, 10),
        ("bob", None, 4),
    ]
    assert [(row.cluster, row.user, row.gpu_hours) for row in on_alpha] == [
        (ALPHA, "bob", 4),
        (ALPHA, "ada", 2),
    ]
    assert [(row.partition, row.gpu_hours) for row in of_b] == [("cpu", 8)]


@pytest.mark.parametrize("days", [0, 4_000])
async def test_days_that_make_no_period_are_refused(store_writer: StorePool, days: int):
    with pytest.raises(ProblemError, match=r"No day lies|longer than"):
        await usage(store_writer, days=days)


@pytest.mark.parametrize("seed", range(6))
async def test_days_add_up_to_what_the_runs_held(store_writer: StorePool, seed: int):
    """Random lives, told in random order and more than once, against a count second by second."""
    dice = random.Random(seed)  # noqa: S311  no secret
    facts: list[Told] = []
    held: defaultdict[tuple[str, date], float] = defaultdict(float)
    over: defaultdict[tuple[str, date], int] = defaultdict(int)
    for number in range(60):
        user, start = dice.choice(["ada", "bob"]), MONDAY + DAY * dice.random() * 3
        runs = dice.choice([1, 1, 2, 3])
        for restart in range(runs):
            state = dice.choice([OVER, *FAILED]) if restart == runs - 1 else JobState.PREEMPTED
            run = a_run(
                str(number),
                start,
                dice.choice([0, 0.001, 1, 20, 60]),
                gpus=dice.choice([0, 1, 8]),
                state=state,
                user=user,
                restart_count=restart,
            )
            assert run.ended_at is not None
            facts.append(fact(JobEnded, run, revision=10 * (restart + 1)))
            wrong = dice.random() < 0.3
            if wrong:  # the queue told another end before accounting did
                early = a_run(str(number), start, 70, state=state, user=user, restart_count=restart)
                facts.append(fact(JobEnded, early, revision=10 * (restart + 1) - 5))
            for place in range(DAYS):
                begins, ends = MONDAY + place * DAY, MONDAY + (place + 1) * DAY
                part_s = (min(run.ended_at, ends) - max(start, begins)).total_seconds()
                held[user, day(place)] += max(0.0, part_s) * run.gpu_count
            if restart == runs - 1:
                over[user, run.ended_at.date()] += 1
            start = run.ended_at + timedelta(minutes=5)
    facts += dice.sample(facts, 20)
    dice.shuffle(facts)

    for place in range(0, len(facts), 25):
        await apply_facts(store_writer, facts[place : place + 25])
        await work_out_usage(store_writer, at_most_days=dice.randrange(4))
    await work_out_usage(store_writer)

    rows = await usage(store_writer, UsageBy.DAY, UsageBy.USER, days=DAYS)
    found = {(row.user, row.day): row for row in rows}
    for key in held.keys() | over.keys():
        row = found.get(key)
        assert (row.gpu_hours if row else 0) == pytest.approx(held[key] / 3_600, abs=1e-5), key
        assert (row.jobs if row else 0) == over[key], key
