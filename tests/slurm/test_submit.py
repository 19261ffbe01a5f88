"""A job is submitted once for each token, whatever becomes of the connection and the answers."""

import secrets
from typing import Any

import httpx
import pytest

from slurmfleet.contracts.submission import SubmitRequest
from tests.harness.sites import Site
from tests.harness.stack import Stack
from tests.slurm.conftest import SIMULATED

SCRIPT = "#!/bin/bash\n#SBATCH --comment=sim:runtime=600\nsleep 600\n"


@pytest.fixture(scope="module", params=[SIMULATED, "alpha", "gamma"])
def site(request: pytest.FixtureRequest, stack: Stack) -> Site:
    """Give the simulated cluster, the oldest Slurm and the newest: a third costs CI a minute."""
    name = request.param
    if name == SIMULATED:
        site: Site = request.getfixturevalue("simulated")[name]
    else:
        site = request.getfixturevalue("watched")(name)
    stack.eventually(
        f"{name} has been seen",
        lambda: stack.cluster(name),
        lambda cluster: cluster["observed_at"] is not None,
    )
    return site


def submit(stack: Stack, site: Site, **body: object) -> httpx.Response:
    told = {"cluster": site.name, "script": SCRIPT, "options": {}, **body}
    options = {"partition": site.cpu_partition, **told["options"]}
    return httpx.post(f"{stack.api}/v1/jobs:submit", json={**told, "options": options}, timeout=90)


def job_in(stack: Stack, site: Site, job_id: str, *states: str) -> dict[str, Any]:
    job = stack.eventually(
        f"{site.name} {job_id} is {' or '.join(states)}",
        lambda: stack.job(site.name, job_id),
        lambda job: job is not None and job["state"] in states,
        within_s=60,
    )
    assert job is not None
    return job


def with_mark(site: Site, token: str) -> list[str]:
    """Give the jobs that the cluster knows under a token."""
    listed = site.run("squeue -h -a -t all -o '%F|%k'").splitlines()
    return [line.partition("|")[0] for line in listed if line.endswith(f"sf:{token}")]


def test_a_job_is_submitted_and_the_board_shows_it(site: Site, stack: Stack):
    answer = submit(stack, site, options={"job-name": "a 'quoted' $name; é", "time": "0:30:00"})

    job_id = answer.json()["job_id"]
    job = job_in(stack, site, job_id, "RUNNING", "PENDING")
    stack.cli("cancel", site.name, job_id)
    assert (answer.status_code, answer.json()["was_known"]) == (201, False)
    assert (job["name"], job["time_limit_s"]) == ("a 'quoted' $name; é", 1_800)


def test_the_same_token_gives_the_same_job(site: Site, stack: Stack):
    token = secrets.token_urlsafe(12)

    answers = [submit(stack, site, token=token, options={"hold": True}) for _ in range(3)]
    other = submit(stack, site, token=token, options={"hold": True, "time": "0:10:00"})

    (job_id,) = {one.json()["job_id"] for one in answers}
    assert [one.status_code for one in answers] == [201, 200, 200]
    assert (other.status_code, other.json()["code"]) == (400, "invalid_parameter")
    assert with_mark(site, token) == [job_id]
    site.run(f"scancel {job_id}")


def test_what_slurm_does_not_take_is_told_and_may_be_mended(site: Site, stack: Stack):
    token = secrets.token_urlsafe(12)

    refused = submit(stack, site, token=token, options={"partition": "nowhere"})
    mended = submit(stack, site, token=token, options={"hold": True})

    assert (refused.status_code, refused.json()["code"]) == (409, "not_possible")
    assert "partition" in refused.json()["detail"]
    assert mended.status_code == 201
    site.run(f"scancel {mended.json()['job_id']}")


def test_a_folder_that_is_not_there_is_told(site: Site, stack: Stack):
    answer = submit(stack, site, work_dir="/no/such/folder")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert "folder" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("wrap", "id"),
        ("parsable", True),
        ("clusters", "other"),
        ("time", "1\n--wrap=id"),
        ("-o", "x"),
        ("job-name; id", "x"),
        ("test-only", True),
    ],
)
def test_what_is_no_option_of_a_job_reaches_no_cluster(
    site: Site, stack: Stack, option: str, value: object
):
    answer = submit(stack, site, options={option: value})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize("lost", ["the number", "all but the beginning"])
def test_a_job_whose_answer_was_lost_is_found_and_not_submitted_again(
    site: Site, stack: Stack, lost: str
):
    """As if the login node had died after Slurm took the job and before that was written down."""
    token = secrets.token_urlsafe(12)
    first = submit(stack, site, token=token, options={"hold": True, "comment": "mine"})
    place = f"~/.slurmfleet/submissions/{token}"
    site.run(f"rm -f {place}.id" + ("" if lost == "the number" else f" {place}.out {place}.err"))

    again = submit(stack, site, token=token, options={"hold": True, "comment": "mine"})

    assert (again.status_code, again.json()["was_known"]) == (200, True), again.text
    assert again.json()["job_id"] == first.json()["job_id"]
    assert with_mark(site, token) == [first.json()["job_id"]]
    site.run(f"scancel {first.json()['job_id']}")


def test_an_attempt_of_which_nothing_is_known_waits_before_it_is_made_again(
    site: Site, stack: Stack
):
    """As if the login node had died before sbatch had run."""
    token = secrets.token_urlsafe(12)
    options = {"partition": site.cpu_partition, "hold": True}
    request = SubmitRequest(token=token, script=SCRIPT, options=options)
    begun = f"~/.slurmfleet/submissions/{token}.begun"
    site.run(f"mkdir -p ~/.slurmfleet/submissions && echo {request.digest} > {begun}")

    early = submit(stack, site, token=token, options={"hold": True})
    site.run(f"touch -d '2 minutes ago' {begun}")
    late = submit(stack, site, token=token, options={"hold": True})

    assert (early.status_code, early.json()["code"]) == (503, "cluster_busy")
    assert token in early.json()["remedy"]
    assert late.status_code == 201
    assert with_mark(site, token) == [late.json()["job_id"]]
    site.run(f"scancel {late.json()['job_id']}")


def test_the_command_line_submits_a_file(site: Site, stack: Stack):
    script = stack.data_dir / "train.sh"
    script.write_text(SCRIPT)
    partition = f"partition={site.cpu_partition}"

    done = stack.cli(
        *("submit", site.name, str(script), "-o", partition, "-o", "hold", "--reason", "to see")
    )
    job_id = done.stdout.strip()
    job = job_in(stack, site, job_id, "PENDING")
    stack.cli("cancel", site.name, job_id)

    assert job["reason"] == "JobHeldUser"
