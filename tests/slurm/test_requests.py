"""What watching a cluster costs its controller, as the controller itself counts it."""

import asyncio
import shlex
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.collector.station import Station
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.slurm.step_commands import steps_section
from tests.harness.requests import counted, of_controller, requests_of
from tests.harness.sites import RealSite, submit
from tests.harness.stations import keep_asking, running_station
from tests.slurm.conftest import REAL

WATCHED_S = 20


async def told_while_watched(
    site: RealSite, folder: Path, watchers: Sequence[int]
) -> list[tuple[int, int]]:
    """Watch a cluster with so many people asking for looks; give what each side counted."""
    config = ClusterConfig.model_validate(
        {**site.config, "poll_interval_s": 2, "hot_interval_s": 1, "rpcs_per_minute": 240}
    )
    async with running_station(config, folder / "requests.sqlite") as station:
        return [await _watched_by(station, site, count) for count in watchers]


async def _watched_by(station: Station, site: RealSite, count: int) -> tuple[int, int]:
    await station.watch.look_now()  # so that nothing is half done as the counting begins
    theirs, ours = await _counts(site)
    await keep_asking(station, people=count, for_s=WATCHED_S)
    made, said = await _counts(site)
    return made - theirs, said - ours


async def _counts(site: RealSite) -> tuple[int, int]:
    return await asyncio.to_thread(requests_of, site), of_controller(counted(site.name))


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


@pytest.mark.parametrize("place", REAL)
def test_sstat_costs_the_controller_what_we_count_for_each_job(
    place: str, real: dict[str, RealSite]
):
    site = replace(real[place], user="carol")
    jobs = [submit(site, "--mem=100", runs_s=120) for _ in range(2)]
    section = steps_section(map(int, jobs), version=site.about["slurm_version"])
    try:
        asked_until_s = time.monotonic() + 60
        told, made = "", 0
        while len(told.splitlines()) < len(jobs) and time.monotonic() < asked_until_s:
            time.sleep(1)
            before = requests_of(site)
            told = site.run(shlex.join(section.argv))
            made = requests_of(site) - before

        assert len(told.splitlines()) == len(jobs), "both run"
        assert made == section.requests
    finally:
        site.run(f"scancel {' '.join(jobs)}")
