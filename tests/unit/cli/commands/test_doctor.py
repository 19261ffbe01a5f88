"""What the doctor finds, with and without a stack."""

import json
import socket
from pathlib import Path

from slurmfleet.cli.checks import Check, bus_file_check, clock_check, door_checks, machine_checks
from slurmfleet.cli.commands.doctor import service_checks
from slurmfleet.cli.commands.status import ServiceState
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.readiness import CheckAnswer, Readiness
from slurmfleet.cli.stack.services import Doors
from tests.unit.cli.conftest import run_cli


def _environment(folder: Path, api_port: int = 1) -> dict[str, str]:
    return {
        "SLURMFLEET_DATA_DIR": str(folder / "data"),
        "SLURMFLEET_API_PORT": str(api_port),
        "SLURMFLEET_MCP_PORT": "65431",
    }


def test_a_doctor_without_a_stack_checks_what_it_can_and_names_the_taken_port(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = int(other.getsockname()[1])

        done = run_cli("doctor", "--json", environment=_environment(tmp_path, port))

    found = json.loads(done.stdout)
    wrong = [check for check in found["checks"] if check["ok"] is False]
    assert done.exit_code == 1
    assert wrong == [
        {
            "group": "this machine",
            "name": "api port",
            "ok": False,
            "detail": f"{port} is taken by another program",
            "remedy": f"Stop that program, or choose another port: SLURMFLEET_API_PORT={port + 10}",
        }
    ]
    assert found["checks"][-1]["detail"].startswith("it is down")


def test_an_open_data_directory_is_wrong_and_told_how_to_close(tmp_path: Path):
    layout = Layout(tmp_path / "data")
    layout.create()
    layout.data_dir.chmod(0o755)

    found = [check for check in machine_checks(layout) if check.ok is False]

    assert found == [
        Check(
            group="this machine",
            name="permissions",
            ok=False,
            detail=f"{layout.data_dir} has 755",
            remedy=f"chmod 700 {layout.data_dir}",
        )
    ]


def test_a_bus_that_does_not_sync_is_wrong(tmp_path: Path):
    layout = Layout(tmp_path)
    layout.nats_dir.mkdir()
    before = bus_file_check(layout).ok
    (layout.nats_dir / "nats.conf").write_text("jetstream { store_dir: x }")
    without = bus_file_check(layout).ok
    (layout.nats_dir / "nats.conf").write_text("jetstream { sync_interval: always }")

    assert (before, without, bus_file_check(layout).ok) == (None, False, True)


def test_free_doors_are_well():
    doors = Doors(api_port=65_432, mcp_port=65_433)

    assert [check.ok for check in door_checks(doors)] == [True, True]


def test_a_clock_far_from_ours_is_wrong():
    assert [clock_check("a", offset).ok for offset in (None, 0.4, -3.0, 61.0, -90.0)] == [
        None,
        True,
        True,
        False,
        False,
    ]


def test_a_part_that_only_informs_is_not_a_fault():
    parts = {
        "store": CheckAnswer(ok=True, detail="plain edition"),
        "bus": CheckAnswer(ok=False, detail="no connection", required=False),
        "facts": CheckAnswer(ok=False, detail="stuck"),
    }
    state = ServiceState(
        name="api", url="http://x", pid=1, readiness=Readiness(ready=False, checks=parts)
    )

    assert [(check.name, check.ok) for check in service_checks(state)] == [
        ("store", True),
        ("bus", None),
        ("facts", False),
    ]


def test_a_silent_service_is_one_fault():
    silent = Readiness(answered=False)
    state = ServiceState(name="mcp", url="http://x", pid=None, readiness=silent)

    assert [(check.name, check.ok, check.detail) for check in service_checks(state)] == [
        ("answers", False, "nothing at http://x")
    ]


def test_a_damaged_stream_is_a_fault_though_the_service_goes_on():
    parts = {"stream": CheckAnswer(ok=False, detail="3 messages lost", required=False)}
    state = ServiceState(
        name="projector", url="http://x", pid=1, readiness=Readiness(ready=True, checks=parts)
    )

    (check,) = service_checks(state)

    assert (check.ok, check.remedy) == (
        False,
        "Read docs/runbooks/stream-damaged.md, and have the disk looked at.",
    )
