from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from slurmfleet.contracts.events import (
    JobSubmitted,
    LinkState,
    PartitionCount,
    PollFinished,
)
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import LEFT_QUEUE, Evidence, Job, JobState
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.clusters import get_cluster, list_clusters
from slurmfleet.store.read.jobs import get_job
from slurmfleet.store.rows import ClusterView, PartitionView
from slurmfleet.store.write.clusters import remove_cluster, upsert_cluster
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, NOON, a_job, a_poll

SECOND = timedelta(seconds=1)
DETAIL = SectionOutcome(name=SectionName.DETAIL, ok=True, exit_status=0)
NO_DETAIL = SectionOutcome(name=SectionName.DETAIL, ok=False, exit_status=1, error="slow")


def poll(at: datetime, **changes: object) -> PollFinished:
    wanted: dict[str, object] = {"sections": (DETAIL,), "population": None, **changes}
    return a_poll("alpha", started_at=at, finished_at=at + SECOND, **wanted)


def told(job: Job, at: datetime = NOON) -> JobSubmitted:
    return JobSubmitted(cluster=ALPHA, job=job, observed_at=at, revision=1, source=Evidence.QUEUE)


RUNNING = a_job(state=JobState.RUNNING)


@dataclass(frozen=True)
class Case:
    polls: tuple[PollFinished, ...]
    now: datetime
    observed_at: datetime
    stale_reason: str
    job: Job = RUNNING


CASES = {
    "no look yet": Case((), NOON + SECOND, NOON, "No look at this cluster has been recorded yet."),
    "fresh": Case((poll(NOON),), NOON + 2 * SECOND, NOON + SECOND, ""),
    "a later good look renews it": Case(
        (poll(NOON), poll(NOON + 600 * SECOND)), NOON + 610 * SECOND, NOON + 601 * SECOND, ""
    ),
    "three intervals are not too old": Case((poll(NOON),), NOON + 91 * SECOND, NOON + SECOND, ""),
    "more than three intervals are": Case(
        (poll(NOON),), NOON + 91.1 * SECOND, NOON + SECOND, "Older than three polling intervals."
    ),
    "the cluster cannot be reached": Case(
        (poll(NOON), poll(NOON + 30 * SECOND, link=LinkState.AUTH_DENIED, sections=())),
        NOON + 31 * SECOND,
        NOON + SECOND,
        "The last look at the cluster failed: auth denied.",
    ),
    "Slurm does not answer": Case(
        (poll(NOON), poll(NOON + 30 * SECOND, sections=(NO_DETAIL,))),
        NOON + 31 * SECOND,
        NOON + SECOND,
        f"The last look at the cluster failed: {NO_DETAIL.error}",
    ),
    "a look without jobs renews nothing": Case(
        (poll(NOON), poll(NOON + 30 * SECOND, sections=())),
        NOON + 31 * SECOND,
        NOON + SECOND,
        "The last look at the cluster failed: it told no jobs.",
    ),
    "the look failed and says why": Case(
        (poll(NOON), poll(NOON + 30 * SECOND, sections=(), error="There is no squeue.")),
        NOON + 31 * SECOND,
        NOON + SECOND,
        "The last look at the cluster failed: There is no squeue.",
    ),
    "it left the queue": Case(
        (poll(NOON), poll(NOON + 30 * SECOND)),
        NOON + 31 * SECOND,
        NOON,
        "It left the queue, and accounting has not told how it ended.",
        a_job(state=JobState.RUNNING, state_flags=(LEFT_QUEUE,)),
    ),
    "it works again": Case(
        (poll(NOON, link=LinkState.TIMED_OUT, sections=()), poll(NOON + 30 * SECOND)),
        NOON + 31 * SECOND,
        NOON + 31 * SECOND,
        "",
    ),
    "the collector forgot it": Case(
        (poll(NOON + 30 * SECOND, state_since=NOON + 20 * SECOND),),
        NOON + 31 * SECOND,
        NOON,
        "Not seen again since the collector began to remember.",
    ),
    "an ended job is never stale": Case(
        (poll(NOON, link=LinkState.UNREACHABLE, sections=()),),
        NOON + timedelta(days=9),
        NOON,
        "",
        a_job(state=JobState.FAILED),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_job_says_how_old_it_is(
    store_writer: StorePool, store_reader: StorePool, case: Case
):
    await apply_facts(store_writer, [told(case.job), *case.polls])

    job = await get_job(store_reader, ALPHA, case.job.job_id, now=case.now)

    age_s = (case.now - case.observed_at).total_seconds()
    assert (job.observed_at, job.age_s, job.stale, job.stale_reason) == (
        case.observed_at,
        pytest.approx(age_s),
        case.stale_reason != "",
        case.stale_reason,
    )


async def test_a_clock_behind_ours_gives_no_negative_age(
    store_writer: StorePool, store_reader: StorePool
):
    await apply_facts(store_writer, [told(a_job()), poll(NOON)])

    job = await get_job(store_reader, ALPHA, a_job().job_id, now=NOON - SECOND)

    assert (job.age_s, job.stale) == (0, False)


async def test_failing_since_survives_until_a_good_look(
    store_writer: StorePool, store_reader: StorePool
):
    await upsert_cluster(store_writer, ClusterConfig(name=ALPHA, host="h"), revision=1, now=NOON)
    bad = {"link": LinkState.UNREACHABLE, "sections": ()}
    seen: list[datetime | None] = []
    for minute, changes in enumerate([{}, bad, bad, {}, bad]):
        await apply_facts(store_writer, [poll(NOON + timedelta(minutes=minute), **changes)])
        seen.append((await get_cluster(store_reader, ALPHA, now=NOON)).failing_since)

    first, last = NOON + timedelta(minutes=1), NOON + timedelta(minutes=4)
    assert seen == [None, first, first, None, last]


async def test_a_cluster_comes_back_with_everything_public(
    store_writer: StorePool, store_reader: StorePool
):
    config = ClusterConfig(
        name=ALPHA,
        host="login.example",
        port=2222,
        user="alice",
        key_files=("~/.ssh/secret",),
        host_keys=("login ssh-ed25519 AAAA",),
        track_users=("alice", "bob"),
        track_accounts=("ml",),
        poll_interval_s=20,
        account="ml",
        gpu_type="h100",
        gpus_per_node=8,
        mount_paths=("/data",),
        simulated=True,
    )
    await upsert_cluster(store_writer, config, revision=3, now=NOON)
    await apply_facts(store_writer, [told(a_job("1")), told(a_job("2")), a_poll()])

    view = await get_cluster(store_reader, ALPHA, now=NOON + 2.5 * SECOND)

    seen = NOON + 1.5 * SECOND
    assert view == ClusterView(
        name=ALPHA,
        host="login.example",
        port=2222,
        user="alice",
        transport=Transport.ASYNCSSH,
        track_users=("alice", "bob"),
        track_accounts=("ml",),
        poll_interval_s=20,
        account="ml",
        gpu_type="h100",
        gpus_per_node=8,
        mount_paths=("/data",),
        simulated=True,
        registry_revision=3,
        link=LinkState.OK,
        error="",
        failing_since=None,
        last_poll_started_at=NOON,
        last_poll_finished_at=seen,
        interval_s=30,
        state_since=NOON - timedelta(days=1),
        slurm_version="24.11.5",
        slurm_rpcs=3,
        clock_offset_s=-0.25,
        tracked_jobs=4,
        detail_error="",
        queue_observed_at=seen,
        queue_error="",
        accounting_observed_at=None,
        accounting_error="Slurm's accounting database (slurmdbd) does not answer.",
        observed_at=seen,
        age_s=1,
        stale=False,
        stale_reason="",
        live_jobs={JobState.PENDING: 2},
        partitions=(
            PartitionView(
                partition="batch", state=JobState.PENDING, jobs=90, gpus=720, observed_at=seen
            ),
            PartitionView(
                partition="batch", state=JobState.RUNNING, jobs=3, gpus=24, observed_at=seen
            ),
        ),
    )


async def test_without_counts_nothing_is_counted(store_writer: StorePool, store_reader: StorePool):
    await upsert_cluster(store_writer, ClusterConfig(name=ALPHA, host="h"), revision=1, now=NOON)
    await apply_facts(store_writer, [told(a_job()), a_poll()])

    (counted,) = await list_clusters(store_reader, now=NOON)
    (bare,) = await list_clusters(store_reader, now=NOON, with_counts=False)

    assert bare == replace(counted, live_jobs={}, partitions=())


async def test_a_cluster_nobody_looked_at_is_stale(
    store_writer: StorePool, store_reader: StorePool
):
    await upsert_cluster(store_writer, ClusterConfig(name=ALPHA, host="h"), revision=1, now=NOON)

    (view,) = await list_clusters(store_reader, now=NOON)

    assert (view.observed_at, view.age_s, view.stale, view.stale_reason) == (
        None,
        None,
        True,
        "No look at this cluster has been recorded yet.",
    )


async def test_a_new_count_replaces_the_old_as_a_whole(
    store_writer: StorePool, store_reader: StorePool
):
    await upsert_cluster(store_writer, ClusterConfig(name=ALPHA, host="h"), revision=1, now=NOON)
    count = PartitionCount(partition="cpu", state=JobState.RUNNING, jobs=1, gpus=0)
    older = poll(NOON - SECOND * 60, population=())
    await apply_facts(store_writer, [a_poll(), poll(NOON + 60 * SECOND, population=(count, count))])
    await apply_facts(store_writer, [older, poll(NOON + 90 * SECOND)])

    view = await get_cluster(store_reader, ALPHA, now=NOON)

    assert view.partitions == (
        PartitionView(
            partition="cpu",
            state=JobState.RUNNING,
            jobs=2,
            gpus=0,
            observed_at=NOON + 61 * SECOND,
        ),
    )


async def test_only_a_newer_revision_of_a_document_is_applied(
    store_writer: StorePool, store_reader: StorePool
):
    config = ClusterConfig(name=ALPHA, host="one")
    other = replace_host(config, "two")

    applied = [
        await upsert_cluster(store_writer, config, revision=2, now=NOON),
        await upsert_cluster(store_writer, other, revision=2, now=NOON),
        await upsert_cluster(store_writer, other, revision=1, now=NOON),
    ]

    view = await get_cluster(store_reader, ALPHA, now=NOON)
    assert (applied, view.host) == ([True, False, False], "one")


async def test_an_old_document_does_not_revive_a_removed_cluster(
    store_writer: StorePool, store_reader: StorePool
):
    config = ClusterConfig(name=ALPHA, host="one")

    removed = await remove_cluster(store_writer, ALPHA, revision=5, now=NOON)
    late = await upsert_cluster(store_writer, config, revision=4, now=NOON)

    assert (removed, late, await list_clusters(store_reader, now=NOON)) == (True, False, ())
    await upsert_cluster(store_writer, config, revision=6, now=NOON)
    assert [view.name for view in await list_clusters(store_reader, now=NOON)] == [ALPHA]


async def test_without_clusters_the_remedy_is_to_add_one(store_reader: StorePool):
    with pytest.raises(ProblemError) as caught:
        await get_cluster(store_reader, ClusterName("gamma"), now=NOON)

    assert (caught.value.code, caught.value.remedy) == (
        ProblemCode.UNKNOWN_CLUSTER,
        "None is configured yet; add one with `slurmfleet cluster add`.",
    )


def replace_host(config: ClusterConfig, host: str) -> ClusterConfig:
    return config.model_copy(update={"host": host})
