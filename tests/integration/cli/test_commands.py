"""The commands of a client, on a running stack with two simulated clusters."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.integration.cli.conftest import Place, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
FAILED, USAGE, NOT_FOUND, UNREACHABLE, REFUSED = 1, 2, 3, 4, 5


def _simulated(place: Place, name: str) -> dict[str, object]:
    described = json.loads((place.layout.simulator_dir / "simulator.json").read_text())
    return described["clusters"][name]


def _add_like_demo(place: Place, name: str, **more: object) -> None:
    """Add a cluster that is the simulated one under another name."""
    demo = _simulated(place, "demo-h100")
    body = {
        "name": name,
        "host": demo["host"],
        "port": demo["port"],
        "user": demo["user"],
        "key_files": [demo["key_file"]],
        **more,
    }
    url = f"http://127.0.0.1:{place.api_port}/v1/clusters"
    httpx.post(url, json=body, timeout=10).raise_for_status()


def test_jobs_are_listed_filtered_and_shown_one_by_one(running_place: Place):
    eventually("jobs", lambda: bool(running_place.json("jobs")["items"]))

    running = running_place.json("jobs", "--state", "RUNNING", "--cluster", "demo-h100")["items"]
    shown = running_place.json("job", "demo-h100", running[0]["job_id"])
    text = running_place.cli("jobs", "--cluster", "demo-h100")

    assert {(one["state"], one["cluster"]) for one in running} == {("RUNNING", "demo-h100")}
    assert shown["job"]["job_id"] == running[0]["job_id"]
    assert shown["timeline"]["items"][0]["verb"] == "submitted"
    assert text.stdout.splitlines()[0].split()[:3] == ["CLUSTER", "JOB", "NAME"]
    assert re.search(r"^demo-h100: \d+ s ago$", text.stdout, re.MULTILINE)
    assert text.stderr == ""


def test_status_tells_every_service_and_cluster(running_place: Place):
    eventually(
        "all are ready",
        lambda: all(one["ready"] for one in running_place.json("status")["services"]),
    )

    found = running_place.json("status")

    assert {one["name"] for one in found["services"]} == {
        "simulator",
        "projector",
        "collector",
        "api",
        "mcp",
    }
    assert [one["name"] for one in found["clusters"]["items"]][-2:] == ["demo-a100", "demo-h100"]


def test_doctor_finds_nothing_wrong_with_a_new_stack(running_place: Place):
    eventually("clusters are seen", lambda: bool(running_place.json("jobs")["items"]))

    found = running_place.json("doctor")

    assert [check for check in found["checks"] if check["ok"] is False] == []
    assert {"this machine", "api", "collector", "demo-h100"} <= {
        check["group"] for check in found["checks"]
    }
    assert [c["detail"] for c in found["checks"] if c["name"] == "bus durability"] == [
        "sync_interval: always"
    ]


def test_a_cluster_is_added_changed_and_removed(running_place: Place):
    add = running_place.cli("cluster", "add", "far", "--host", "127.0.0.1", "--port", "1")
    twice = running_place.cli("cluster", "add", "far", "--host", "127.0.0.1", "--json")
    update = running_place.cli("cluster", "update", "far", "--gpu-type", "b200")
    shown = running_place.json("cluster", "show", "far")
    test = running_place.cli("cluster", "test", "far")
    unasked = running_place.cli("cluster", "remove", "far", stdin="n\n")
    remove = running_place.cli("cluster", "remove", "far", "--yes")
    gone = running_place.cli("cluster", "show", "far", "--json")

    assert (add.returncode, add.stdout) == (0, "Added far.\n")
    assert "slurmfleet cluster remove demo-h100 --yes" in add.stderr
    assert (twice.returncode, json.loads(twice.stderr)["code"]) == (REFUSED, "cluster_exists")
    assert (update.returncode, update.stdout) == (0, "Updated far: gpu_type.\n")
    assert (shown["gpu_type"], shown["port"]) == ("b200", 1)
    assert test.returncode == FAILED
    assert "fix: " in test.stdout
    assert unasked.returncode == REFUSED
    assert (remove.returncode, remove.stdout) == (0, "Removed far.\n")
    assert (gone.returncode, json.loads(gone.stderr)["code"]) == (NOT_FOUND, "unknown_cluster")


def test_doctor_says_how_to_trust_an_unknown_host_key_and_trust_mends_it(running_place: Place):
    _add_like_demo(running_place, "stranger")

    doctor = running_place.cli("doctor")
    unanswered = running_place.cli("hosts", "trust", "stranger")
    trust = running_place.cli("hosts", "trust", "stranger", "--yes")
    again = running_place.cli("hosts", "trust", "stranger")
    test = running_place.cli("cluster", "test", "stranger")
    running_place.cli("cluster", "remove", "stranger", "--yes")

    assert doctor.returncode == FAILED
    assert "slurmfleet hosts trust stranger" in doctor.stdout
    assert unanswered.returncode == REFUSED
    assert "SHA256:" in unanswered.stderr
    assert (trust.returncode, trust.stdout) == (0, "stranger is trusted now.\n")
    assert (again.returncode, again.stdout) == (0, "stranger is trusted already.\n")
    assert test.returncode == 0


def test_a_changed_host_key_is_shouted_and_not_taken_without_an_answer(running_place: Place):
    demo = _simulated(running_place, "demo-a100")
    other = str(demo["known_hosts"]).split(" ", 1)[1]
    port = _simulated(running_place, "demo-h100")["port"]
    _add_like_demo(running_place, "changed", host_keys=[f"[127.0.0.1]:{port} {other}"])

    unanswered = running_place.cli("hosts", "trust", "changed")
    trust = running_place.cli("hosts", "trust", "changed", "--yes")
    running_place.cli("cluster", "remove", "changed", "--yes")

    assert unanswered.returncode == REFUSED
    assert "WARNING: THE HOST KEY OF changed" in unanswered.stderr
    fingerprints = re.findall(r"SHA256:\S+", unanswered.stderr)
    assert len(set(fingerprints)) == 2, unanswered.stderr
    assert (trust.returncode, trust.stdout) == (0, "changed is trusted now.\n")


def test_events_are_printed_and_followed(running_place: Place):
    eventually("events", lambda: bool(running_place.json("events", "--limit", "5")["items"]))
    listed = running_place.json("events", "--after", "0", "--limit", "3")["items"]

    follower = subprocess.Popen(
        [sys.executable, "-m", "slurmfleet.cli.main", "events", "-f", "--after", "1", "--json"],
        env=running_place.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout is not None
    first = json.loads(follower.stdout.readline())
    follower.send_signal(signal.SIGINT)
    follower.stdout.close()
    follower.wait(10)

    assert [one["event_seq"] for one in listed] == [1, 2, 3]
    assert first == listed[1]


def test_mcp_answers_on_stdin_and_stdout(running_place: Place):
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "slurmfleet.cli.main", "mcp"],
        env=running_place.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(hello) + "\n")
    server.stdin.flush()
    answer = json.loads(server.stdout.readline())
    server.stdin.close()
    server.wait(20)
    server.stdout.close()

    assert answer["id"] == 1
    assert answer["result"]["serverInfo"]["name"] == "slurmfleet"


def test_what_is_not_there_and_what_is_wrong_have_their_own_exit_codes(running_place: Place):
    codes = {
        "no such job": running_place.cli("job", "demo-h100", "1").returncode,
        "no such cluster": running_place.cli("cluster", "test", "nowhere").returncode,
        "bad state": running_place.cli("jobs", "--state", "SLEEPING").returncode,
        "not built": running_place.cli("idle", "demo-h100", "1").returncode,
        "nothing there": running_place.cli("jobs", "--url", "http://127.0.0.1:1").returncode,
    }

    assert codes == {
        "no such job": NOT_FOUND,
        "no such cluster": NOT_FOUND,
        "bad state": USAGE,
        "not built": REFUSED,
        "nothing there": UNREACHABLE,
    }


def test_mcp_and_status_say_that_the_stack_is_down(tmp_path: Path, running_place: Place):
    elsewhere = str(tmp_path / "empty")

    mcp = running_place.cli("mcp", "--data-dir", elsewhere)
    status = running_place.cli("status", "--url", "http://127.0.0.1:1", "--data-dir", elsewhere)

    assert (mcp.returncode, mcp.stdout) == (UNREACHABLE, "")
    assert f"No stack runs below {elsewhere}" in mcp.stderr
    assert status.returncode == UNREACHABLE
    assert "does not answer" in status.stdout
