"""Damaged state files are told of for as long as they lie aside."""

import asyncio
from pathlib import Path

from prometheus_client import REGISTRY

from services.collector.state import StateFile
from services.collector.state_damage import find_aside, watch_aside
from slurmfleet.runtime.health import Health
from slurmfleet.testing.clock import ManualClock


def shown(cluster: str) -> float | None:
    return REGISTRY.get_sample_value("slurmfleet_state_files_aside", {"cluster": cluster})


async def test_a_damaged_file_is_told_of_until_it_is_taken_away(tmp_path: Path):
    clock, health = ManualClock(), Health("collector")
    (tmp_path / "worn.sqlite").write_bytes(b"no database" * 1_000)

    async def one_turn() -> None:
        clock.advance(15)
        for _ in range(3):
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch_aside(tmp_path, health, clock))
        await one_turn()
        before = (health.checks["state-files"].ok, shown("worn"))
        with StateFile(tmp_path / "worn.sqlite"):
            pass
        await one_turn()
        damaged = (health.checks["state-files"], shown("worn"))
        (tmp_path / "worn.sqlite.damaged-1").unlink()
        await one_turn()
        after = (health.checks["state-files"].ok, shown("worn"))
        watching.cancel()

    assert before == (True, None)
    assert (damaged[0].ok, damaged[0].required, damaged[1]) == (False, False, 1)
    assert damaged[0].detail == f"damaged, moved aside in {tmp_path}: worn.sqlite.damaged-1"
    assert after == (True, 0)
    assert health.ready


def test_what_sqlite_keeps_beside_a_damaged_file_is_not_counted(
    tmp_path: Path,
):
    for name in (
        "alpha.sqlite",
        "alpha.sqlite.damaged-1",
        "alpha.sqlite.damaged-1-wal",
        "alpha.sqlite.damaged-2",
        "h100-x.sqlite.damaged-10",
    ):
        (tmp_path / name).touch()

    assert find_aside(tmp_path) == {
        "alpha": ["alpha.sqlite.damaged-1", "alpha.sqlite.damaged-2"],
        "h100-x": ["h100-x.sqlite.damaged-10"],
    }


def test_a_folder_that_is_not_there_yet_has_none(tmp_path: Path):
    assert find_aside(tmp_path / "later") == {}
