"""A person's script on real login nodes: with Slurm's own commands, as csh users, beside looks."""

import secrets
from collections.abc import Iterator

import httpx
import pytest

from tests.harness.sites import Site
from tests.harness.stack import Stack


@pytest.fixture
def allowed(site: Site, stack: Stack) -> Iterator[Site]:
    """Give a cluster that allows scripts while the test runs."""
    stack.cli("cluster", "update", site.name, "--allow-scripts")
    seen(stack, site)
    yield site
    stack.cli("cluster", "update", site.name, "--forbid-scripts")
    seen(stack, site)


def seen(stack: Stack, site: Site) -> None:
    """Wait for a look after its collector began anew, as it does after each change."""
    revision = stack.cluster(site.name)["registry_revision"]
    stack.eventually(
        f"{site.name} is looked at with revision {revision}",
        lambda: stack.cluster(site.name),
        lambda one: one["observed_at"] is not None and not one["stale"],
    )


def run(stack: Stack, site: Site, script: str, **body: object) -> httpx.Response:
    told = {"cluster": site.name, "script": script, "interpreter": "bash", **body}
    return httpx.post(f"{stack.api}/v1/scripts:run", json=told, timeout=120)


def test_a_script_is_refused_until_an_admin_allows_it(site: Site, stack: Stack):
    answer = run(stack, site, "true")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "--allow-scripts" in answer.json()["remedy"]


def test_it_has_slurms_commands_and_hurts_no_look(allowed: Site, stack: Stack):
    def asked() -> dict[str, object]:
        answer = run(stack, allowed, "sinfo -h -o %P | sort | head -1; whoami; exit 255")
        return answer.json()

    answer = stack.eventually("a script runs", asked, lambda told: "exit_status" in told)
    # By a number of its own: processes of other clusters are seen as well.
    sleep = f"sleep 619.{secrets.randbelow(10**9):09}"
    hung = run(stack, allowed, f"{sleep} & wait", limit_s=1).json()
    flooded = run(stack, allowed, "yes", limit_s=20).json()
    cluster = stack.cluster(allowed.name)

    assert answer["exit_status"] == 255
    partition, user = str(answer["stdout"]).split()
    assert partition.rstrip("*") in allowed.run("sinfo -h -o %P")
    assert user == allowed.run("whoami").strip()
    assert (hung["timed_out"], hung["exit_status"]) == (True, 124)
    assert flooded["flooded"]
    assert sleep not in allowed.run("ps -eo args")
    assert (cluster["stale"], cluster["link"]) == (False, "ok")
