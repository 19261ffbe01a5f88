"""What every recording of Slurm's output must carry, so that a reader can trust and repeat it."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm"
VERSIONS = ("22.05.8", "24.11.5", "26.05.5")
CASES = sorted(path for path in RECORDINGS.glob("*/*") if path.is_dir())


def test_every_version_has_the_same_cases():
    cases_by_version = {
        version.name: {case.name for case in version.iterdir()} for version in RECORDINGS.iterdir()
    }

    assert set(cases_by_version) >= set(VERSIONS)
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

    assert (
        re.findall(rb"/tmp/tb-|/tmp/slurmfleet-testbed|/var/lib/slurmfleet-testbed", content) == []
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_long_separators_survive_a_name_that_forges_a_record(version: str):
    folder = RECORDINGS / version / "queue-long-separators"
    job_id = json.loads((folder / "meta.json").read_text())["labels"]["odd-forged-record"]
    records = (folder / "stdout").read_bytes().split(b"\x1e7f3a\x1f\n")[:-1]
    fields = [record.split(b"\x1f7f3a\x1f") for record in records]

    forged = [record for record in fields if record[1] == str(job_id).encode()]

    assert {len(record) for record in fields} == {32}
    assert [record[-1] for record in forged] == [b"x\x1e\n1\x1f1\x1f1\x1fRUNNING"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_form_of_request_and_dependency_is_in_a_recording(version: str):
    folder = RECORDINGS / version / "queue-requests"
    labels = json.loads((folder / "meta.json").read_text())["labels"]
    records = (folder / "stdout").read_text(errors="replace").split("\x1e7f3a\x1f\n")[:-1]
    by_id = {record[1]: record for record in (line.split("\x1f7f3a\x1f") for line in records)}

    def column(index: int, prefix: str) -> set[str]:
        rows = (by_id.get(str(job)) for label, job in labels.items() if label.startswith(prefix))
        return {row[index] for row in rows if row is not None} - {"N/A", "(null)"}

    assert {len(row) for row in by_id.values()} == {26}
    assert all(column(index, "g") for index in (6, 7, 8, 9))
    assert len(column(21, "dep-")) >= 9
