"""Recordings of each version."""

import json

import pytest

from slurmfleet.slurm.frames import SectionOutput
from tests.unit.slurm.recorded import RECORDINGS, Recorded, Recording


@pytest.fixture(params=["22.05.8", "24.11.5", "26.05.5"])
def slurm_version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def recorded(slurm_version: str) -> Recorded:
    def read(case: str) -> Recording:
        folder = RECORDINGS / slurm_version / case
        meta = json.loads((folder / "meta.json").read_text())
        return Recording(
            command=(folder / "command.txt").read_text(),
            output=SectionOutput(
                raw=(folder / "stdout").read_bytes(),
                stderr=(folder / "stderr").read_text(),
                exit_status=meta["exit_status"],
            ),
            labels=meta["labels"],
        )

    return read
