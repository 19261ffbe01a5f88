"""Clusters that hang, flood or talk nonsense, beside one that is well."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from slurmfleet.contracts.events import PollFinished
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.registry.clusters import ClusterRegistry
from tests.integration.collector.test_replicas import REPOSITORY, Replicas, replicas

__all__ = ["replicas"]

WATCHED_S = 12
Neighbours = Mapping[str, Mapping[str, Any]]


@pytest.fixture
async def neighbours(tmp_path: Path) -> AsyncIterator[Neighbours]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.collector.neighbours", str(tmp_path / "bad")),
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


def config_of(name: str, about: Mapping[str, Any]) -> ClusterConfig:
    return ClusterConfig(
        name=ClusterName(name),
        host="127.0.0.1",
        port=about["port"],
        user="alice",
        key_files=(about["key"],),
        host_keys=(about["host_key"],),
        poll_interval_s=1,
        hot_interval_s=1,
        rpcs_per_minute=0,
    )


async def looks_within(replicas: Replicas, seconds: float) -> int:
    """Count the looks at the healthy cluster within a time."""
    await replicas.read()
    before = sum(one.poll.cluster == "alpha" for one in replicas.told)
    await asyncio.sleep(seconds)
    await replicas.read()
    return sum(one.poll.cluster == "alpha" for one in replicas.told) - before


def told_of(replicas: Replicas) -> dict[str, PollFinished]:
    """Give the newest look at each cluster."""
    return {str(one.poll.cluster): one.poll for one in replicas.told}


@pytest.mark.timeout(240)
async def test_a_cluster_that_hangs_floods_or_talks_nonsense_slows_no_other(
    replicas: Replicas, neighbours: Neighbours
) -> None:
    await replicas.start("one")
    await replicas.until(lambda: len(replicas.told) >= 3, within_s=40)
    alone = await looks_within(replicas, WATCHED_S)
    registry = ClusterRegistry(replicas.bus)
    for name, about in neighbours.items():
        await registry.add_cluster(config_of(name, about))
    beside = await looks_within(replicas, WATCHED_S)
    await replicas.until(lambda: "flood" in told_of(replicas), within_s=120)
    told = told_of(replicas)

    assert alone > 0
    # A margin for the two cores that carry both ends of the flood as well.
    assert beside >= alone * 0.6
    assert told["alpha"].error == ""
    assert "did not run the command" in told["garbage"].error
    assert "wrote more than" in told["flood"].error
