"""`slurmfleet up` and `down`: what they start, what they refuse, what they leave behind."""

import os
import signal
import socket

import pytest

from slurmfleet.cli.stack.ports import is_free
from slurmfleet.cli.stack.procs import is_alive
from tests.integration.cli.conftest import Place, end, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
REFUSED = 5
SERVICES = {"simulator", "projector", "collector", "api", "mcp"}


def test_up_shows_living_jobs_and_goes_on_with_them_after_down(place: Place):
    first = place.up()
    eventually("live jobs", lambda: bool(place.json("jobs")["items"]))
    seen = place.json("events", "--after", "0", "--limit", "3")["items"]
    children = place.running().children

    down = place.json("down")

    assert down == {"was_running": True, "ended_processes": 1 + len(children)}
    assert first.wait(10) == 0
    assert [child.name for child in children if is_alive(child)] == []
    assert is_free("127.0.0.1", place.api_port)
    assert is_free("127.0.0.1", place.mcp_port)

    second = place.up()

    assert place.json("events", "--after", "0", "--limit", "3")["items"] == seen
    eventually("live jobs again", lambda: bool(place.json("jobs")["items"]))
    assert end(second) == 0


def test_a_second_up_is_refused_and_told_where_the_first_is(place: Place):
    first = place.up()

    second = place.cli("up")

    assert second.returncode == REFUSED
    assert f"already running on {place.data_dir} (pid {first.pid})" in second.stderr
    assert f"http://127.0.0.1:{place.api_port}" in second.stderr
    assert end(first, signal.SIGINT) == 0


def test_a_taken_port_stops_up_before_anything_is_started(place: Place):
    with socket.socket() as other:
        other.bind(("127.0.0.1", place.api_port))
        other.listen()

        done = place.cli("up")

    assert done.returncode == 1
    assert f"Port {place.api_port} on 127.0.0.1 is taken by another program" in done.stderr
    assert f"SLURMFLEET_API_PORT={place.api_port + 10}" in done.stderr
    assert not place.layout.nats_dir.exists()


def test_a_killed_supervisor_leaves_services_dead_and_the_rest_to_the_next_up(place: Place):
    first = place.up()
    before = place.running().children
    os.kill(first.pid, signal.SIGKILL)
    first.wait()

    services = [child for child in before if child.name in SERVICES]
    eventually("services die", lambda: not any(is_alive(one) for one in services), within_s=15)
    second = place.up()

    assert [child.name for child in before if is_alive(child)] == []
    assert place.json("cluster", "list")["items"] != []
    assert end(second) == 0


def test_down_ends_what_a_killed_supervisor_left_behind(place: Place):
    first = place.up()
    before = place.running().children
    os.kill(first.pid, signal.SIGKILL)
    first.wait()

    done = place.cli("down")

    assert done.returncode == 0
    assert "a killed run had left behind" in done.stdout
    assert [child.name for child in before if is_alive(child)] == []


def test_a_part_that_dies_is_started_again(place: Place):
    process = place.up()
    killed = {
        child.name: child.pid
        for child in place.running().children
        if child.name in {"bus", "store", "collector"}
    }
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)

    def all_back() -> bool:
        now = {child.name: child.pid for child in place.running().children}
        return all(now.get(name, pid) != pid for name, pid in killed.items())

    eventually("all three are back", all_back)
    eventually("the board answers", lambda: place.cli("jobs").returncode == 0)
    eventually(
        "all are ready",
        lambda: all(one["ready"] for one in place.json("status")["services"]),
        within_s=60,
    )

    assert "was killed by signal 9; starting it again" in place.said
    assert end(process) == 0


def test_a_stop_while_starting_leaves_nothing(place: Place):
    process = place.start()
    eventually("the bus has started", lambda: "bus        started" in place.said)
    children = place.running().children

    assert end(process, signal.SIGINT) == 0
    assert [child.name for child in children if is_alive(child)] == []
    assert not place.layout.record_file.exists()


def test_real_clusters_take_the_place_of_simulated_ones(place: Place):
    end(place.up())
    place.data_dir.with_name("slurmfleet.toml").write_text(
        '[[cluster]]\nname = "mine"\nhost = "127.0.0.1"\nport = 1\n'
    )

    process = place.up()

    assert [one["name"] for one in place.json("cluster", "list")["items"]] == ["mine"]
    assert "simulator" not in {child.name for child in place.running().children}
    assert "removed the simulated cluster demo-h100" in place.said
    assert end(process) == 0


def test_down_without_a_stack_says_so(place: Place):
    done = place.cli("down")

    assert (done.returncode, done.stdout) == (0, f"Nothing runs below {place.data_dir}.\n")
