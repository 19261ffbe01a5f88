"""The paths that are told of jobs, against the files that real jobs left behind."""

import json
import re
from pathlib import Path

import pytest

from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.paths import PathFacts, job_files

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm"
FIELD_END, RECORD_END = "\x1f7f3a\x1f", "\x1e7f3a\x1f\n"


def number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


@pytest.mark.parametrize("version", ["22.05.8", "24.11.5", "26.05.5"])
def test_told_paths_are_those_of_the_files(version: str):
    folder = RECORDINGS / version / "queue-requests"
    details = (RECORDINGS / version / "jobs-detail" / "stdout").read_text(errors="replace")
    hosts = dict(re.findall(r"JobId=(\d+) .*? BatchHost=(\S+)", details))
    labels: dict[str, int] = json.loads((folder / "meta.json").read_text())["labels"]
    mine = {str(job) for label, job in labels.items() if label.startswith("path-")}
    completed: set[str] = set()
    failed: set[str] = set()
    for record in (folder / "stdout").read_text(errors="replace").split(RECORD_END)[:-1]:
        shown, raw_id, state, *_, work_dir, stdout, stderr, name = record.split(FIELD_END)
        array, _, task = shown.partition("_")
        # only the first part of a het job runs the script
        if array.removesuffix("+0") not in mine:
            continue
        facts = PathFacts(
            raw_id=int(raw_id),
            array_job_id=number(array) if task else None,
            array_task_id=number(task),
            name=name,
            user="alice",
            work_dir=work_dir,
            batch_host=hosts[raw_id],
            slurm=Abilities(slurm_version=version).release,
        )
        told = job_files(stdout=stdout, stderr=stderr, stdin="", facts=facts, is_batch=True)
        assert told.unexpanded_paths == ()
        paths = {told.stdout_path, told.stderr_path} - {"/dev/null"}
        (completed if state == "COMPLETED" else failed).update(paths)

    home = next(iter(completed)).partition("/paths/")[0]
    files = (RECORDINGS / version / "output-files" / "stdout").read_text().splitlines()
    there = {f"{home}/paths{file[1:]}" for file in files}
    assert len(there) >= 15
    assert there - failed == completed
