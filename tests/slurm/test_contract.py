"""A job's life as REST, the event stream and MCP tell it: the same on every kind of cluster."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from fastmcp import Client

from tests.harness.feed import Feed
from tests.harness.sites import Site, submit
from tests.harness.stack import Stack

TERMINAL = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL"}


@dataclass(frozen=True, kw_only=True)
class View:
    """One cluster through all three doors."""

    site: Site
    stack: Stack
    feed: Feed

    def state(self, job_id: str) -> str:
        job = self.stack.job(self.site.name, job_id)
        return job["state"] if job is not None else "not there"

    def reaches(self, job_id: str, *states: str, within_s: float = 60) -> dict[str, Any]:
        job = self.stack.eventually(
            f"{self.site.name} {job_id} is {' or '.join(states)}",
            lambda: self.stack.job(self.site.name, job_id),
            lambda job: job is not None and job["state"] in states,
            within_s=within_s,
        )
        assert job is not None
        return job

    def told(self, job_id: str, *verbs: str) -> list[str]:
        """Wait until the stream has told these verbs; give all without the changes between."""
        self.stack.eventually(
            f"{verbs} of {job_id} in the event stream",
            lambda: self.feed.of(self.site.name, job_id),
            lambda told: set(verbs) <= set(told),
        )
        return [verb for verb in self.feed.of(self.site.name, job_id) if verb != "changed"]

    def by_mcp(self, job_id: str) -> dict[str, Any]:
        async def ask() -> dict[str, Any]:
            async with Client(f"{self.stack.mcp}/mcp") as client:
                answer = await client.call_tool(
                    "get_job", {"cluster": self.site.name, "job_id": job_id}
                )
                return answer.structured_content or {}

        return asyncio.run(ask())


@pytest.fixture
def view(site: Site, stack: Stack, feed: Feed) -> View:
    stack.eventually(
        f"{site.name} is watched",
        lambda: stack.cluster(site.name),
        lambda cluster: cluster["observed_at"] is not None and not cluster["stale"],
    )
    return View(site=site, stack=stack, feed=feed)


def test_a_job_is_seen_pending_running_and_completed(view: View):
    held = submit(view.site, "--hold", "-J", "sees", runs_s=6)
    waiting = view.reaches(held, "PENDING")
    view.site.run(f"scontrol release {held}")
    running = view.reaches(held, "RUNNING")
    ended = view.reaches(held, "COMPLETED")

    assert waiting["reason"] == "JobHeldUser"
    assert running["started_at"] is not None
    assert running["ended_at"] is None
    assert ended["ended_at"] is not None
    assert (ended["exit_code"], ended["name"]) == (0, "sees")
    assert view.told(held, "ended") == ["submitted", "started", "ended"]
    assert view.by_mcp(held)["state"] == "COMPLETED"


def test_every_answer_has_an_age_and_a_source(view: View):
    job_id = submit(view.site, runs_s=5)
    job = view.reaches(job_id, "RUNNING", "COMPLETED")
    cluster = view.stack.cluster(view.site.name)
    by_mcp = view.by_mcp(job_id)

    for answer in (job, cluster, by_mcp):
        assert answer["observed_at"] is not None
        assert 0 <= answer["age_s"] < 30
        assert answer["stale"] is False
        assert answer["source"]


def test_a_job_that_fails_has_its_exit_code(view: View):
    job_id = submit(view.site, runs_s=1, exits=3)

    ended = view.reaches(job_id, "FAILED")

    assert ended["exit_code"] == 3
    assert view.told(job_id, "ended") == ["submitted", "started", "ended"]


def test_a_job_that_is_cancelled_is_told_once(view: View):
    job_id = submit(view.site, runs_s=600)
    view.reaches(job_id, "RUNNING")

    view.site.run(f"scancel {job_id}")
    view.reaches(job_id, "CANCELLED")

    assert view.told(job_id, "ended") == ["submitted", "started", "ended"]


def test_a_job_that_runs_out_of_time_is_told_as_such(view: View):
    job_id = submit(view.site, "-t", "1", runs_s=3_000)
    view.reaches(job_id, "RUNNING")

    view.site.time_out(job_id)
    view.reaches(job_id, "TIMEOUT", within_s=100)

    assert view.told(job_id, "ended") == ["submitted", "started", "ended"]


def test_a_job_that_waits_for_another_says_so_and_then_runs(view: View):
    first = submit(view.site, runs_s=600)
    second = submit(view.site, "-d", f"afterany:{first}", runs_s=1)

    waiting = view.stack.eventually(
        "the dependency is shown",
        lambda: view.stack.job(view.site.name, second),
        lambda job: job is not None and job["reason"] == "Dependency",
    )
    view.reaches(first, "RUNNING")
    view.site.run(f"scancel {first}")
    view.reaches(second, "COMPLETED", within_s=90)

    assert waiting is not None
    assert waiting["state"] == "PENDING"
    assert f"afterany:{first}" in waiting["dependency"]


def test_an_array_is_one_thing_with_exact_counts_and_its_tasks_are_jobs(view: View):
    array = submit(view.site, "--array=0-5%2", runs_s=2)

    whole = view.reaches(array, "RUNNING")
    assert sum(whole["task_states"].values()) == 6
    ended = view.reaches(array, "COMPLETED", within_s=90)
    tasks = [view.reaches(f"{array}_{index}", "COMPLETED") for index in range(6)]

    assert ended["task_states"] == {"COMPLETED": 6}
    assert {task["array_job_id"] for task in tasks} == {int(array)}
    assert view.told(array, "ended") == ["submitted", "started", "ended"]


def test_an_array_with_a_failed_task_has_failed(view: View):
    script = "[ $SLURM_ARRAY_TASK_ID = 1 ] && exit 1; exit 0"
    array = view.site.run(
        f"sbatch --parsable -p {view.site.cpu_partition} --array=0-2"
        f" --comment sim:runtime=1,failtask=1,exit=0 --wrap '{script}'"
    ).split(";")[0].strip()  # fmt: skip
    if view.site.name.startswith("sim"):
        view.site.run(f"scancel {array}_1")

    ended = view.reaches(array, "FAILED", "CANCELLED", within_s=90)

    assert sum(ended["task_states"].values()) == 3
    assert ended["task_states"]["COMPLETED"] == 2


def test_a_name_with_any_character_survives(view: View):
    name = 'train|v2, "x" é 漢 <b>;$(id)'
    job_id = submit(view.site, "-J", name, runs_s=2)

    ended = view.reaches(job_id, "COMPLETED")

    assert ended["name"] == name


def test_while_the_controller_is_down_nothing_changes_and_the_cluster_is_stale(view: View):
    job_id = submit(view.site, runs_s=600)
    view.reaches(job_id, "RUNNING")
    view.told(job_id, "started")  # the stream may be behind what REST shows
    # Accounting goes on without the controller; what it alone tells must have been told by now.
    view.stack.eventually(
        "accounting has told how it was submitted",
        lambda: view.stack.job(view.site.name, job_id),
        lambda job: job is not None and job["submit_line"] != "",
        within_s=60,
    )

    view.site.stop_controller()
    try:
        stale = view.stack.eventually(
            "the cluster is stale, with its reason",
            lambda: view.stack.cluster(view.site.name),
            lambda cluster: cluster["stale"] and "slurmctld" in cluster["stale_reason"],
            within_s=60,
        )
        job = view.stack.job(view.site.name, job_id)
        during = len(view.feed.of(view.site.name, job_id))
    finally:
        view.site.start_controller()
    view.stack.eventually(
        "the cluster is fresh again",
        lambda: view.stack.cluster(view.site.name),
        lambda cluster: not cluster["stale"],
        within_s=90,
    )

    assert stale["observed_at"] is not None
    assert job is not None
    assert (job["state"], job["stale"]) == ("RUNNING", True)
    assert view.state(job_id) == "RUNNING"
    assert len(view.feed.of(view.site.name, job_id)) == during
    assert view.told(job_id, "started") == ["submitted", "started"]
    view.site.run(f"scancel {job_id}")
    view.reaches(job_id, "CANCELLED")
