"""The simulator as a process: it announces its clusters and ends cleanly."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


@pytest.mark.timeout(30)
async def test_a_signal_ends_it_and_leaves_nothing_behind(tmp_path: Path):
    env = {
        **os.environ,
        "PYTHONSAFEPATH": "1",
        "TMPDIR": str(tmp_path),
        "SLURMFLEET_SIMULATOR_DATA_DIR": str(tmp_path / "data"),
    }
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.simulator"),
        env=env,
        stderr=asyncio.subprocess.PIPE,
    )
    announcement = tmp_path / "data" / "simulator.json"
    async with asyncio.timeout(20):
        while not announcement.exists():  # noqa: ASYNC110 another process tells no event
            await asyncio.sleep(0.05)
    announced = json.loads(announcement.read_text(encoding="utf-8"))

    child.send_signal(signal.SIGTERM)
    await child.communicate()

    assert set(announced["clusters"]) == {"demo-h100", "demo-a100"}
    assert child.returncode == 0
    assert _names_in(tmp_path) == ["data"]
    assert not announcement.exists()


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
