"""The services of the embedded stack: which module, with which environment, on which port."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from slurmfleet.bus.nats import NatsLogin
from slurmfleet.bus.rights import BusRole
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.parts import ModuleProcess
from slurmfleet.embedded.child import free_port
from slurmfleet.store.roles import Role

LOOPBACK = "127.0.0.1"
_ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 recognised, not listened on


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Where the stack's own doors are."""

    api_host: str = LOOPBACK
    api_port: int
    mcp_host: str = LOOPBACK
    mcp_port: int

    @property
    def urls(self) -> Mapping[str, str]:
        """Give the base URLs as a program on this machine reaches them."""
        return {
            "api": f"http://{_reachable(self.api_host)}:{self.api_port}",
            "mcp": f"http://{_reachable(self.mcp_host)}:{self.mcp_port}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What every service must be told, and what it may find in the environment besides."""

    layout: Layout
    doors: Doors
    inherited: Mapping[str, str]
    bus_url: str
    bus_logins: Mapping[BusRole, NatsLogin]
    dsns: Mapping[Role, str]

    def bus_environment(self, role: BusRole) -> Mapping[str, str]:
        """Give what a program needs to reach the bus, and may do there."""
        login = self.bus_logins[role]
        return {
            "SLURMFLEET_BUS_URL": self.bus_url,
            "SLURMFLEET_BUS_USER": login.user,
            "SLURMFLEET_BUS_PASSWORD": login.password,
        }

    @property
    def reading(self) -> Mapping[str, str]:
        """Give what an MCP server of this user needs, which reads the board."""
        return {
            **self.bus_environment(BusRole.MCP),
            "SLURMFLEET_STORE_DSN": self.dsns[Role.READER],
        }

    def environment(self, more: Mapping[str, str]) -> Mapping[str, str]:
        """Give the environment of a service; what the stack decides beats what was inherited."""
        return {
            **self.inherited,
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
            "SLURMFLEET_HEALTH_HOST": LOOPBACK,
            "SLURMFLEET_HEALTH_PORT": "0",
            **more,
        }


@dataclass(slots=True, kw_only=True)
class Service:
    """One service: its process, and where it tells how it is."""

    process: ModuleProcess
    locate: Callable[[], str]

    @property
    def name(self) -> str:
        """Name it."""
        return self.process.name

    @property
    def url(self) -> str:
        """Give the base URL of /readyz; a restart may move it."""
        return self.locate()


@dataclass(slots=True)
class _HealthPort:
    """A port of its own for every start: the one before may be taken meanwhile."""

    port: int = field(default=0)

    def fresh(self) -> Mapping[str, str]:
        self.port = free_port()
        return {"SLURMFLEET_HEALTH_PORT": str(self.port)}

    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


def simulator(wiring: Wiring) -> Service:
    """Give the simulated clusters."""
    own = {"SLURMFLEET_SIMULATOR_DATA_DIR": str(wiring.layout.simulator_dir)}
    return _inner("simulator", wiring, own)


def board_services(wiring: Wiring) -> tuple[Service, ...]:
    """Give the services that every stack has, in the order in which they are started."""
    doors = wiring.doors
    reader = {"SLURMFLEET_STORE_DSN": wiring.dsns[Role.READER]}
    return (
        _inner(
            "projector",
            wiring,
            {
                **wiring.bus_environment(BusRole.PROJECTOR),
                "SLURMFLEET_STORE_DSN": wiring.dsns[Role.WRITER],
            },
        ),
        _inner(
            "collector",
            wiring,
            {
                **wiring.bus_environment(BusRole.COLLECTOR),
                "SLURMFLEET_COLLECTOR_STATE_DIR": str(wiring.layout.collector_dir),
                "SLURMFLEET_COLLECTOR_MOUNT_DIR": str(wiring.layout.mount_dir),
                # One collector has no rival, and need not wait for a dead one's lease to expire.
                "SLURMFLEET_COLLECTOR_LEASE": "false",
            },
        ),
        _outer(
            "api",
            wiring,
            {
                **wiring.bus_environment(BusRole.API),
                **reader,
                "SLURMFLEET_API_HOST": doors.api_host,
                "SLURMFLEET_API_PORT": str(doors.api_port),
            },
        ),
        _outer(
            "mcp",
            wiring,
            {
                **wiring.bus_environment(BusRole.MCP),
                **reader,
                "SLURMFLEET_MCP_HOST": doors.mcp_host,
                "SLURMFLEET_MCP_PORT": str(doors.mcp_port),
            },
        ),
    )


def _inner(name: str, wiring: Wiring, own: Mapping[str, str]) -> Service:
    """Give a service that serves nothing but its health."""
    health = _HealthPort()
    return Service(
        process=_process(name, wiring, lambda: {**own, **health.fresh()}), locate=health.url
    )


def _outer(name: str, wiring: Wiring, own: Mapping[str, str]) -> Service:
    """Give a service that tells its health at its own door."""
    url = wiring.doors.urls[name]
    return Service(process=_process(name, wiring, lambda: own), locate=lambda: url)


def _process(name: str, wiring: Wiring, own: Callable[[], Mapping[str, str]]) -> ModuleProcess:
    return ModuleProcess(
        name=name,
        module=f"services.{name}",
        log_file=wiring.layout.log_file(name),
        environment=lambda: wiring.environment(own()),
    )


def _reachable(host: str) -> str:
    host = LOOPBACK if host in _ANYWHERE else host
    return f"[{host}]" if ":" in host else host
