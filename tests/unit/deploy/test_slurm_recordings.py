"""What every recording of Slurm's output must carry, so that a reader can trust and repeat it."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm"
CASES = sorted(path for path in RECORDINGS.glob("*/*") if path.is_dir())


def test_every_version_has_the_same_cases():
    cases_by_version = {
        version.name: {case.name for case in version.iterdir()} for version in RECORDINGS.iterdir()
    }

    assert set(cases_by_version) >= {"22.05.8", "24.11.5"}
    assert len({frozenset(cases) for cases in cases_by_version.values()}) == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_recording_says_what_where_when_and_how(case: Path):
    meta = json.loads((case / "meta.json").read_text())

    assert {path.name for path in case.iterdir()} == {
        "command.txt",
        "meta.json",
        "stderr",
        "stdout",
    }
    assert (meta["case"], meta["slurm_version"]) == (case.name, case.parent.name)
    assert datetime.fromisoformat(meta["recorded_at"]).tzinfo is not None
    assert meta["how"].startswith("deploy/testbed/record.py; jobs by ")
    assert isinstance(meta["exit_status"], int)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_recording_is_scrubbed_of_the_machine(case: Path):
    content = b"".join(path.read_bytes() for path in case.iterdir())

    assert re.findall(rb"/tmp/slurmfleet-testbed|/var/lib/slurmfleet-testbed", content) == []


@pytest.mark.parametrize("version", ["22.05.8", "24.11.5"])
def test_long_separators_survive_a_name_that_forges_a_record(version: str):
    folder = RECORDINGS / version / "queue-long-separators"
    job_id = json.loads((folder / "meta.json").read_text())["labels"]["odd-forged-record"]
    records = (folder / "stdout").read_bytes().split(b"\x1e7f3a\x1f\n")[:-1]
    fields = [record.split(b"\x1f7f3a\x1f") for record in records]

    forged = [record for record in fields if record[1] == str(job_id).encode()]

    assert {len(record) for record in fields} == {32}
    assert [record[-1] for record in forged] == [b"x\x1e\n1\x1f1\x1f1\x1fRUNNING"]
