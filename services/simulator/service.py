"""The simulator as a whole: for each cluster an engine, a gateway and a login node."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.simulator.control import serve_control
from services.simulator.engine import Engine
from services.simulator.gateway import serve_clients
from services.simulator.home import LoginFolder
from services.simulator.joblogs import JobLogs
from services.simulator.login import Door, LoginNode
from services.simulator.presets import demo_spec
from services.simulator.settings import SimulatorSettings
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

ANNOUNCEMENT = "simulator.json"

ID_EPOCH_S = 1_760_000_000
ID_INTERVAL_S = 10
"""A new cluster's first job id grows with time, so that a restart reuses no id of the last run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One simulated cluster with its login node."""

    engine: Engine
    login: LoginNode
    folder: LoginFolder
    users: tuple[str, ...]

    async def set_door(self, door: str) -> None:
        """Open, refuse, hang or drop logins."""
        if door == "drop":
            self.login.drop()
        else:
            await self.login.set_door(Door(door))

    def set_noise(self, *, noisy: bool) -> None:
        """Let dotfiles print banners."""
        self.folder.set_noise(self.users, noisy=noisy)


class Simulator:
    """Runs simulated clusters from `async with` to its end."""

    def __init__(self, settings: SimulatorSettings, clock: Clock) -> None:
        """Prepare; nothing is started or written before `async with`."""
        self.sites: dict[str, Site] = {}
        self._settings = settings
        self._clock = clock
        self._stack = AsyncExitStack()

    @property
    def announcement(self) -> Path:
        """The file that says where the clusters are and how to log in."""
        return self._settings.data_dir / ANNOUNCEMENT

    @property
    def control(self) -> Path:
        """The socket that `control.ControlClient` talks to."""
        return self._sockets / "control"

    async def __aenter__(self) -> Self:
        """Start every cluster, then announce them."""
        settings = self._settings
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Not under data_dir: a unix socket's path may have 107 bytes at most.
        self._sockets = Path(tempfile.mkdtemp(prefix="slurmfleet-sim-"))
        self._stack.callback(shutil.rmtree, self._sockets, ignore_errors=True)
        try:
            ports = _known_ports(self.announcement)
            for index, name in enumerate(settings.cluster_names):
                wanted = settings.port + index if settings.port else ports.get(name, 0)
                self.sites[name] = await self._open(name, wanted)
            await self._stack.enter_async_context(serve_control(self.control, self.sites))
            self._announce()
            _remember_ports(self.announcement, self.sites)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything; the announcement goes first."""
        self.announcement.unlink(missing_ok=True)
        await self._stack.aclose()

    async def run(self) -> None:
        """Keep the clusters moving; never returns."""
        async with asyncio.TaskGroup() as tasks:
            for name, site in self.sites.items():
                tasks.create_task(site.engine.run(), name=f"engine-{name}")
                if self._settings.populate:
                    logs = JobLogs(site.engine.cluster, site.folder.root / "home")
                    tasks.create_task(logs.run(self._clock), name=f"logs-{name}")

    async def _open(self, name: str, port: int) -> Site:
        settings = self._settings
        root = settings.data_dir / "clusters" / name
        folder = LoginFolder(root=root, socket=self._sockets / name)
        folder.make(settings.user_names)
        spec = demo_spec(
            name,
            users=settings.user_names,
            operators=settings.operators,
            gpu_nodes=settings.gpu_nodes,
            history_s=settings.history_s,
            home_root=str(root / "home"),
            first_job_id=int(self._clock.now().timestamp() - ID_EPOCH_S) // ID_INTERVAL_S,
        )
        engine = Engine(
            spec,
            clock=self._clock,
            seed=settings.seed,
            time_scale=settings.time_scale,
            speed=settings.speed,
            failure_scale=settings.failure_scale,
            populate=settings.populate,
        )
        await self._stack.enter_async_context(serve_clients(folder.socket, engine.answer))
        login = LoginNode(folder, users=settings.user_names, keys=root / "keys")
        try:
            await login.open(settings.host, port)
        except OSError:
            if settings.port:
                raise
            await login.open(settings.host, 0)
        self._stack.push_async_callback(login.close)
        logger().info(
            "cluster opened", cluster=name, port=login.port, jobs=len(engine.cluster.jobs)
        )
        return Site(engine=engine, login=login, folder=folder, users=settings.user_names)

    def _announce(self) -> None:
        clusters = {
            name: {
                "host": site.login.host,
                "port": site.login.port,
                "user": site.users[0],
                "operator": next(iter(site.engine.spec.operators), ""),
                "key_file": str(site.login.client_key_file),
                "known_hosts": site.login.known_hosts_line,
                "host_key": site.login.host_key,
                "tracked_users": list(self._settings.tracked_users),
                "users": list(site.users),
                "gpu_type": site.engine.spec.gpu_type,
                "gpus_per_node": max(node.gpus for node in site.engine.spec.nodes),
            }
            for name, site in self.sites.items()
        }
        text = json.dumps({"control": str(self.control), "clusters": clusters}, indent=2)
        _write(self.announcement, text)


def _ports_file(announcement: Path) -> Path:
    return announcement.with_name("ports.json")


def _remember_ports(announcement: Path, sites: Mapping[str, Site]) -> None:
    ports = {name: site.login.port for name, site in sites.items()}
    _write(_ports_file(announcement), json.dumps(ports))


def _known_ports(announcement: Path) -> dict[str, int]:
    """Give the ports of last time, so that registered clusters stay where they were."""
    try:
        ports: dict[str, int] = json.loads(_ports_file(announcement).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return ports


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{text}\n", encoding="utf-8")
    fresh.replace(path)
