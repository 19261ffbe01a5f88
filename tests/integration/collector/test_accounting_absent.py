"""A site that keeps no accounting: nobody is asked, and what left the queue is told in time."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.collector.diagnosis import diagnose
from services.collector.jobs.tracked import Tracked
from services.collector.jobs.verdicts import VANISHED_AFTER
from services.collector.state import StateFile
from services.collector.station import Station
from slurmfleet.contracts.events import JobVanished
from slurmfleet.contracts.jobs import LEFT_QUEUE, Evidence, JobState
from slurmfleet.testing.builders import a_job
from slurmfleet.timing.clock import SystemClock
from tests.integration.collector.stub import Cluster
from tests.integration.collector.test_watch import facts, watching

NONE_BY_SACCT = "Slurm accounting storage is disabled\n"


def _missing(user: str) -> Tracked:
    """Give a job that left the queue longer ago than anybody waits for its end."""
    since = SystemClock().now() - VANISHED_AFTER - timedelta(minutes=1)
    job = a_job(
        user=user,
        state=JobState.RUNNING,
        state_flags=(LEFT_QUEUE,),
        submitted_at=since,
        started_at=since,
        node_list="n1",
    )
    return Tracked(
        job=job,
        revision=1,
        observed_at=since,
        source=Evidence.QUEUE,
        run_submitted_at=since,
        missing_since=since,
    )


async def _vanished(station: Station, state: StateFile) -> JobVanished:
    while True:
        await station.watch.look_now()
        for fact in facts(state):
            if isinstance(fact, JobVanished):
                return fact


def _remember(tmp_path: Path, user: str) -> None:
    with StateFile(tmp_path / "alpha.sqlite") as state:
        missing = _missing(user)
        state.commit({missing.job.job_id: missing}, [])


@pytest.mark.parametrize("version", ["24.11", "25.05"])
async def test_settings_without_accounting_spare_every_question(
    version: str, cluster: Cluster, tmp_path: Path
):
    storage = "accounting_storage/none" if version == "24.11" else "(null)"
    cluster.says("config.out", f"AccountingStorageType   = {storage}\n")
    _remember(tmp_path, "alice")

    async with watching(cluster.config(track_users=["alice"]), tmp_path) as (station, state):
        fact = await _vanished(station, state)
        told = {one.name: one for one in diagnose(station).questions}

    assert fact.source is Evidence.NONE
    assert cluster.sacct_asked == []
    assert (told["accounting"].ok, told["accounting"].error) == (True, "")
    assert told["accounting"].detail.startswith("no accounting on this site")


async def test_sacct_that_says_so_is_asked_once(cluster: Cluster, tmp_path: Path):
    cluster.says("sacct.err", NONE_BY_SACCT)
    _remember(tmp_path, "alice")

    async with watching(cluster.config(track_users=["alice"]), tmp_path) as (station, state):
        await _vanished(station, state)
        asked = len(cluster.sacct_asked)
        for _ in range(5):
            await station.watch.look_now()
            await station.inquiry.inquire()
        told = {one.name: one for one in diagnose(station).questions}

    assert asked > 0
    assert len(cluster.sacct_asked) == asked
    assert told["accounting"].detail.startswith("no accounting on this site")
