"""Tables that were hurt are made again on a running stack, and its readers see no gap."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.harness.sites import simulated_sites
from tests.harness.stack import Stack, running_stack
from tests.harness.stillness import standing_still

NAME = "sim-h100"
Row = tuple[Any, ...]


def living(stack: Stack) -> set[str]:
    """Name the jobs that are not over."""
    items = stack.get("/v1/jobs", live="true", limit=500)["items"]
    return {one["job_id"] for one in items}


class Reader(threading.Thread):
    """Reads a list again and again, and notes the least that it saw and every refusal."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self.stack = stack
        self.counts: list[int] = []
        self.refused: list[str] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.counts.append(len(living(self.stack)))
            except httpx.HTTPError as exc:
                self.refused.append(repr(exc))


def hurt(stack: Stack) -> None:
    with psycopg.connect(stack.owner_dsn()) as db:
        db.execute("UPDATE jobs SET name = 'no', user_name = 'nobody'")
        db.execute("DELETE FROM job_events WHERE verb = 'submitted'")


def whole(stack: Stack) -> tuple[set[Row], set[Row]]:
    """Give the jobs and their events, without what depends on the moment of looking."""
    with psycopg.connect(stack.store_dsn()) as db:
        jobs = db.execute("SELECT job_id, submitted_at, name, user_name FROM jobs").fetchall()
        told = db.execute("SELECT event_id, verb, state FROM job_events").fetchall()
        return set(jobs), set(told)


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_readers_see_every_job_while_tables_are_rebuilt(tmp_path: Path):
    with simulated_sites(tmp_path / "sim", names=NAME, time_scale=0, populate=True) as sites:
        site = sites[NAME]
        config = {**site.config, "track_users": site.about["tracked_users"]}
        with running_stack(tmp_path / "stack", [config]) as stack:
            stack.eventually("jobs are there", lambda: living(stack), lambda ids: len(ids) > 5)
            # A job that is told of meanwhile would heal by that, and not by the rebuild.
            with standing_still(stack):
                jobs, told = whole(stack)
                live = living(stack)
                hurt(stack)
                hurt_jobs, hurt_told = whole(stack)
                reader = Reader(stack)
                reader.start()
                reports = [json.loads(stack.cli("rebuild", "--json").stdout) for _ in range(2)]
                reader.over.set()
                reader.join(10)
                jobs_again, told_again = whole(stack)
                shown = stack.cli("rebuild", "--show").stdout

    assert not jobs & hurt_jobs
    assert told - hurt_told
    assert jobs_again == jobs
    assert told_again == told
    assert reports[0]["tables"][0]["mended"] == len(jobs)
    assert reports[0]["tables"][1]["added"] == len(told - hurt_told)
    assert [one["mended"] + one["added"] for one in reports[1]["tables"]] == [0, 0, 0]
    assert [one["unexplained"] for one in reports[1]["tables"]] == [0, 0, 0]
    assert reader.refused == []
    assert len(reader.counts) > 3
    assert min(reader.counts) >= len(live)
    assert "jobs" in shown
