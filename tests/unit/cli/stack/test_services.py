"""What each service is told, and by whom it is overruled."""

from pathlib import Path

from slurmfleet.bus.nats import NatsLogin
from slurmfleet.bus.rights import BusRole
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.services import Doors, Service, Wiring, board_services, simulator
from slurmfleet.store.roles import Role

WIRING = Wiring(
    layout=Layout(Path("/data")),
    doors=Doors(api_host="0.0.0.0", api_port=7272, mcp_port=7273),  # noqa: S104 not listened on
    inherited={"PATH": "/bin", "SLURMFLEET_LOG_LEVEL": "debug", "SLURMFLEET_BUS_URL": "other"},
    bus_url="nats://127.0.0.1:4222",
    bus_logins={role: NatsLogin(user=role, password=f"secret of {role}") for role in BusRole},
    dsns={role: f"postgresql://{role}" for role in Role},
)


def _told(service: Service, *names: str) -> list[str | None]:
    environment = service.process.environment()
    return [environment.get(name) for name in names]


def test_each_service_gets_the_role_that_it_needs_and_no_more():
    dsns = {one.name: _told(one, "SLURMFLEET_STORE_DSN")[0] for one in board_services(WIRING)}

    assert dsns == {
        "projector": "postgresql://slurmfleet_writer",
        "collector": None,
        "api": "postgresql://slurmfleet_reader",
        "mcp": "postgresql://slurmfleet_reader",
    }


def test_each_service_gets_its_own_login_of_the_bus_and_no_other():
    names = ("SLURMFLEET_BUS_URL", "SLURMFLEET_BUS_USER", "SLURMFLEET_BUS_PASSWORD")
    told = {one.name: _told(one, *names) for one in board_services(WIRING)}

    assert told == {
        name: ["nats://127.0.0.1:4222", name, f"secret of {name}"]
        for name in ("projector", "collector", "api", "mcp")
    }


def test_what_the_stack_decides_beats_what_was_inherited():
    collector = next(one for one in board_services(WIRING) if one.name == "collector")
    told = _told(collector, "SLURMFLEET_BUS_URL", "SLURMFLEET_LOG_LEVEL", "PYTHONSAFEPATH")

    assert told == ["nats://127.0.0.1:4222", "debug", "1"]


def test_every_start_of_an_inner_service_has_a_health_port_of_its_own():
    service = simulator(WIRING)

    first = _told(service, "SLURMFLEET_HEALTH_PORT")[0]
    second = _told(service, "SLURMFLEET_HEALTH_PORT")[0]

    assert first != second
    assert service.url == f"http://127.0.0.1:{second}"


def test_a_door_on_every_address_is_reached_over_loopback():
    assert WIRING.doors.urls == {"api": "http://127.0.0.1:7272", "mcp": "http://127.0.0.1:7273"}
    assert Doors(api_host="::1", api_port=1, mcp_port=2).urls["api"] == "http://[::1]:1"
