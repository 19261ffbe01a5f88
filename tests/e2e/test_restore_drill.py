"""The drill: a stack is backed up and lost; another one comes back from the file and goes on."""

import json
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.harness.sites import simulated_sites
from tests.harness.stack import PROGRAM, Stack, environment_for, running_stack

NAME = "sim-h100"
LIVE = {"PENDING", "RUNNING", "SUSPENDED"}
Row = tuple[Any, ...]


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_a_lost_stack_comes_back_from_its_backup_and_goes_on(tmp_path: Path):
    with simulated_sites(tmp_path / "sim", names=NAME, time_scale=0, populate=True) as sites:
        site = sites[NAME]
        config = {**site.config, "track_users": site.about["tracked_users"]}
        with running_stack(tmp_path / "old", [config]) as old:
            moved_on(old, site)
            written = json.loads(old.cli("backup", "--json").stdout)
            told, jobs = events(old), ended_jobs(old)
            clusters = old.get("/v1/clusters")["items"]
        site.control("advance", seconds=600)  # jobs begin and end while there is no stack

        restored = restore(Path(written["file"]), tmp_path / "new")
        with running_stack(tmp_path / "new", [config]) as new:
            assert events(new)[: len(told)] == told
            assert ended_jobs(new).items() >= jobs.items()
            moved_on(new, site)
            later, doubled = events(new), told_twice(new)
            again = new.get("/v1/clusters")["items"]
            live = new.get("/v1/jobs", live="true", limit=500)["items"]
            truth = {row["job_id"]: row for row in site.control("truth")}

    assert len(told) > 20
    assert restored["rows"] == written["rows"]
    assert later[: len(told)] == told
    assert len(later) > len(told)
    assert doubled == []
    assert [one["name"] for one in again] == [one["name"] for one in clusters]
    # What ended while there was no stack is asked about after a roll call, and says so until then.
    lost = {job["job_id"]: job["stale_reason"] for job in live if job["stale"]}
    assert set(lost.values()) <= {"Not seen again since the collector began to remember."}
    # So does a job that was requeued before: Slurm gave it another submit time (ADR-0010), and the
    # collector that knew the first one is gone; the same job is listed under the new one.
    anew = {job["job_id"] for job in live if not job["stale"]}
    assert [
        one for one in lost if _lives_once(truth.get(one)) or not _is_told(one, truth, anew)
    ] == []
    assert {_whole(job["job_id"]) for job in live} <= {_whole(job_id) for job_id in truth}


def moved_on(stack: Stack, site: Any) -> None:  # noqa: ANN401 a simulated site
    """Let jobs begin and end, and wait until it has all been seen."""
    for _ in range(3):
        site.control("advance", seconds=120)
        now = time.time()
        for _ in range(3):
            stack.eventually(
                "a later look went well",
                lambda: stack.cluster(NAME),
                lambda cluster, now=now: _seen_at(cluster) > now and not cluster["error"],
                within_s=60,
            )
            now = time.time()


def restore(file: Path, data_dir: Path) -> dict[str, Any]:
    """Bring the backup back into a new data directory."""
    data_dir.mkdir()
    done = subprocess.run(
        [PROGRAM, "restore", str(file), "--json"],
        env=environment_for(data_dir, 1, 1),
        cwd=data_dir,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def events(stack: Stack) -> list[Row]:
    """Give all events with their numbers."""
    return _rows(
        stack,
        "SELECT event_seq, event_id, job_id, verb, state, occurred_at FROM job_events"
        " ORDER BY event_seq",
    )


def ended_jobs(stack: Stack) -> dict[str, Row]:
    """Give the jobs that are over; nothing more happens to them."""
    rows = _rows(
        stack,
        "SELECT job_id, submitted_at, state, started_at, ended_at, exit_code, revision"
        " FROM jobs WHERE NOT is_live",
    )
    return {row[0]: row for row in rows}


def told_twice(stack: Stack) -> list[Row]:
    """Give what was told more than once of one run of a job."""
    return _rows(
        stack,
        "SELECT job_id, submitted_at, restart_count, verb, count(*) FROM job_events"
        " WHERE verb <> 'changed' GROUP BY 1, 2, 3, 4 HAVING count(*) > 1",
    )


def _whole(job_id: str) -> str:
    """Give the array or het job that a job belongs to: as a whole it has no run of its own."""
    return job_id.partition("_")[0].partition("+")[0]


def _lives_once(run: dict[str, Any] | None) -> bool:
    """Tell whether a job lives and was never requeued."""
    return run is not None and run["state"] in LIVE and not run["restarts"]


def _is_told(job_id: str, truth: dict[str, Any], anew: set[str]) -> bool:
    """Tell whether a job that lives is listed as such; what does not live need not be."""
    run = truth.get(job_id)
    return run is None or run["state"] not in LIVE or job_id in anew


def _rows(stack: Stack, query: str) -> list[Row]:
    with psycopg.connect(stack.store_dsn()) as db:
        return db.execute(query.encode()).fetchall()


def _seen_at(cluster: dict[str, Any]) -> float:
    started = cluster["last_poll_started_at"]
    return datetime.fromisoformat(started).timestamp() if started else 0.0
