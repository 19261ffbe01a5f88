"""What watching a cluster costs its controller, as the controller itself counts it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.collector.chosen import open_surveys
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from services.collector.station import Station
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.site.http import Places
from slurmfleet.timing.clock import SystemClock
from tests.harness.requests import requests_of
from tests.harness.sites import RealSite
from tests.slurm.conftest import REAL

CONTROLLERS_COMMANDS = ("squeue", "scontrol", "sshare", "sinfo")
WATCHED_S = 20


def counted(cluster: str) -> float:
    """Give what our own metric says of requests to the controller."""
    return sum(
        REGISTRY.get_sample_value(
            "slurmfleet_slurm_rpcs_total", {"cluster": cluster, "command": command}
        )
        or 0.0
        for command in CONTROLLERS_COMMANDS
    )


async def told_while_watched(
    site: RealSite, folder: Path, watchers: Sequence[int]
) -> list[tuple[int, float]]:
    """Watch a cluster with so many people asking for looks; give what each side counted."""
    config = ClusterConfig.model_validate(
        {**site.config, "poll_interval_s": 2, "hot_interval_s": 1, "rpcs_per_minute": 240}
    )
    with StateFile(folder / "requests.sqlite") as state:
        async with open_surveys(config, places=Places(), clock=SystemClock()) as surveys:
            station = Station(
                config,
                CollectorSettings(known_hosts=(), ssh_config=()),
                clock=SystemClock(),
                state=state,
                on_queued=lambda: None,
                surveys=surveys,
            )
            working = asyncio.get_running_loop().create_task(station.run())
            try:
                return [await _watched_by(station, site, count) for count in watchers]
            finally:
                working.cancel()
                await asyncio.wait({working})


async def _watched_by(station: Station, site: RealSite, count: int) -> tuple[int, float]:
    await station.watch.look_now()  # so that nothing is half done as the counting begins
    theirs, ours = await asyncio.to_thread(requests_of, site), counted(site.name)
    until = asyncio.get_running_loop().time() + WATCHED_S

    async def ask() -> None:
        while asyncio.get_running_loop().time() < until:
            await station.watch.look_now()
            await asyncio.sleep(1)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(ask())
        await asyncio.sleep(WATCHED_S)
    await station.watch.look_now()
    made, said = await asyncio.to_thread(requests_of, site), counted(site.name)
    return made - theirs - 1, said - ours  # the second sdiag counts itself


@pytest.mark.parametrize("place", REAL)
@pytest.mark.timeout(120)
async def test_the_controller_counts_what_we_count_and_watchers_share_looks(
    place: str, real: dict[str, RealSite], tmp_path: Path
):
    site = replace(real[place], user="carol")

    (few, few_counted), (many, many_counted) = await told_while_watched(site, tmp_path, (1, 30))

    assert few > 0
    # A request may be on its way as sdiag is asked.
    assert few == pytest.approx(few_counted, abs=6)
    assert many == pytest.approx(many_counted, abs=6)
    assert many <= 2 * few, "thirty people who ask cost what one costs: a look is shared"
