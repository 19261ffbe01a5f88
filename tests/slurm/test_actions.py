"""Each action, on real clusters and on the simulated one, through every face."""

from typing import Any

import httpx
import pytest

from tests.harness.sites import Site, submit
from tests.harness.stack import Stack
from tests.slurm.conftest import SIMULATED

LONG_S = 600


@pytest.fixture(scope="module", params=[SIMULATED, "alpha", "gamma"])
def site(request: pytest.FixtureRequest) -> Site:
    """Give the simulated cluster, the oldest Slurm and the newest: a third costs CI a minute."""
    if request.param == SIMULATED:
        return request.getfixturevalue("simulated")[SIMULATED]
    return request.getfixturevalue("watched")(request.param)


def act(stack: Stack, site: Site, job_id: str, word: str, **body: object) -> httpx.Response:
    path = f"{stack.api}/v1/jobs/{site.name}/{job_id}/{word}"
    return httpx.post(path, json=body, timeout=90)


def job_in(stack: Stack, site: Site, job_id: str, *states: str) -> dict[str, Any]:
    """Wait until the board shows a job in one of these states."""
    job = stack.eventually(
        f"{site.name} {job_id} is {' or '.join(states)}",
        lambda: stack.job(site.name, job_id),
        lambda job: job is not None and job["state"] in states,
        within_s=90,
    )
    assert job is not None
    return job


def running(stack: Stack, site: Site, *arguments: str) -> str:
    job_id = submit(site, *arguments, runs_s=LONG_S)
    job_in(stack, site, job_id, "RUNNING")
    return job_id


def held(stack: Stack, site: Site, *arguments: str) -> str:
    job_id = submit(site, "--hold", *arguments, runs_s=LONG_S)
    job_in(stack, site, job_id, "PENDING")
    return job_id


def done(stack: Stack, site: Site, job_id: str) -> list[tuple[str, str]]:
    """Give what the audit has of a job, newest first; other clusters have jobs of that id."""
    items = httpx.get(f"{stack.api}/v1/audit", params={"target": job_id}).json()["items"]
    return [(one["action"], one["outcome"]) for one in items if one["cluster"] == site.name]


def test_a_running_job_is_cancelled_and_the_board_shows_it_soon(site: Site, stack: Stack):
    job_id = running(stack, site)

    answer = act(stack, site, job_id, "cancel", reason="it is not needed")
    again = act(stack, site, job_id, "cancel")

    assert (answer.status_code, answer.json()["word"]) == (200, "done"), answer.text
    job_in(stack, site, job_id, "CANCELLED")
    assert again.json()["word"] in {"done", "already_over"}
    stack.eventually(
        "the audit has it",
        lambda: done(stack, site, job_id),
        lambda told: told == [("job.cancel", "ok"), ("job.cancel", "ok")],
    )


def test_a_waiting_job_is_held_released_and_runs(site: Site, stack: Stack):
    job_id = held(stack, site)

    released = act(stack, site, job_id, "release")
    job_in(stack, site, job_id, "RUNNING")
    in_vain = act(stack, site, job_id, "hold")
    act(stack, site, job_id, "cancel")

    assert released.json()["word"] == "done"
    assert (in_vain.status_code, in_vain.json()["code"]) == (409, "not_possible")
    assert "keeps a job that waits" in in_vain.json()["detail"]


def test_a_job_that_waits_is_kept_from_starting(site: Site, stack: Stack):
    job_id = submit(site, "--begin=now+1hour", runs_s=1)
    job_in(stack, site, job_id, "PENDING")

    answer = act(stack, site, job_id, "hold")
    job = stack.eventually(
        "it is held",
        lambda: stack.job(site.name, job_id),
        lambda job: job is not None and job["reason"] == "JobHeldUser",
    )
    act(stack, site, job_id, "cancel")

    assert job is not None
    assert (answer.json()["word"], job["state"]) == ("done", "PENDING")


def test_a_job_is_requeued_under_its_id(site: Site, stack: Stack):
    job_id = running(stack, site)

    answer = act(stack, site, job_id, "requeue")
    job = job_in(stack, site, job_id, "PENDING")
    refused = act(stack, site, job_id, "requeue")
    act(stack, site, job_id, "cancel")

    assert (answer.json()["word"], job["restart_count"]) == ("done", 1)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_possible")
    assert "pending" in refused.json()["detail"]


def test_one_task_of_an_array_is_cancelled_and_then_all(site: Site, stack: Stack):
    array = submit(site, "--array=1,11-12%1", runs_s=LONG_S)
    job_in(stack, site, f"{array}_1", "RUNNING")

    waiting = act(stack, site, f"{array}_11", "cancel")
    # Of a task that never was a job by itself, Slurm 22.05 keeps nothing: it only waits no more.
    stack.eventually(
        "the task waits no more",
        lambda: stack.job(site.name, array),
        lambda job: job is not None and "11" not in (job["array_pending"] or ""),
    )
    still = stack.job(site.name, f"{array}_1")
    whole = act(stack, site, array, "cancel")
    job_in(stack, site, f"{array}_1", "CANCELLED")

    assert (waiting.json()["word"], whole.json()["word"]) == ("done", "done")
    assert still is not None
    assert still["state"] == "RUNNING"


def test_of_many_each_outcome_is_told(site: Site, stack: Stack):
    first, second = held(stack, site), held(stack, site)
    gone = "99999999"

    answer = httpx.post(
        f"{stack.api}/v1/jobs:cancel",
        json={
            "jobs": [{"cluster": site.name, "job_id": one} for one in (first, gone, second)],
            "reason": "a mistake",
        },
        timeout=90,
    ).json()

    assert not answer["ok"]
    assert [(one["job_id"], one["word"]) for one in answer["items"]] == [
        *((first, "done"), (gone, "not_found"), (second, "done")),
    ]
    for one in (first, second):
        job_in(stack, site, one, "CANCELLED")


def test_more_than_ten_are_asked_about_first(site: Site, stack: Stack):
    jobs = [submit(site, "--hold", "-J", "atlas-sweep", runs_s=1) for _ in range(11)]
    for one in jobs:
        job_in(stack, site, one, "PENDING")

    refused = stack.cli("cancel", site.name, *jobs, "--json", expect=5)
    before = [stack.job(site.name, one) for one in jobs]
    done_ = stack.cli("cancel", site.name, ",".join(jobs), "--yes", "--reason", "tidy up")

    assert "confirmation_needed" in refused.stderr
    assert {one["state"] for one in before if one} == {"PENDING"}
    assert done_.stdout.count(" done ") == 11
    for one in jobs:
        job_in(stack, site, one, "CANCELLED")


def test_a_job_is_signalled_first_and_ended_after_its_grace(site: Site, stack: Stack):
    job_id = running(stack, site)

    signalled = act(stack, site, job_id, "cancel", signal="CONT")
    answer = act(stack, site, job_id, "cancel", signal="USR1", grace_s=2)

    assert signalled.status_code == 400
    assert answer.json()["word"] in {"done", "already_over"}, answer.text
    job_in(stack, site, job_id, "CANCELLED", "FAILED")


def test_a_job_that_nobody_has_is_not_found(site: Site, stack: Stack):
    for word in ("cancel", "hold", "release", "requeue"):
        answer = act(stack, site, "99999999", word)
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


@pytest.mark.parametrize("job_id", ["7;id", "$(id)", "-u", "7 8", "%2e%2e", "7_x", "0"])
def test_what_is_no_id_reaches_no_cluster(site: Site, stack: Stack, job_id: str):
    answer = act(stack, site, job_id, "cancel")

    assert answer.status_code in {400, 404}
