"""Which clusters the board begins with: the configured ones, or simulated ones where none is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from slurmfleet.bus.port import Bus
from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.registry.bootstrap import apply_bootstrap
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.registry.config_file import read_config
from slurmfleet.timing.clock import Clock

SIMULATOR_LIMIT_S = 30.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What the stack will show."""

    clusters: tuple[str, ...]
    demo: bool
    """Whether simulated clusters stand in for real ones."""


class _Simulated(BaseModel):
    """One cluster as the simulator describes it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: str
    port: int
    user: str
    key_file: str
    known_hosts: str
    tracked_users: tuple[str, ...] = ()
    gpu_type: str = ""
    gpus_per_node: int = 0


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    clusters: Mapping[str, _Simulated] = Field(min_length=1)


_DESCRIBED = TypeAdapter(_Described)


async def prepare_board(bus: Bus, config_file: Path, say: Callable[[str, str], None]) -> Board:
    """Fill the registry from the file, and decide whether simulated clusters are wanted.

    Raises:
        ProblemError: The file, or the registry, cannot be read.
    """
    registry = ClusterRegistry(bus)
    if _is_there(config_file):
        added = await apply_bootstrap(bus, read_config(config_file))
        if added:
            say(
                "registry",
                f"added from {config_file}: {', '.join(one.document_id for one in added)}",
            )
    configured = await registry.list_clusters()
    real = tuple(one.name for one in configured if not one.simulated)
    if real:
        await _remove(registry, [one for one in configured if one.simulated], say)
    return Board(clusters=real, demo=not real)


async def register_demo(bus: Bus, layout: Layout, clock: Clock) -> tuple[str, ...]:
    """Enter the simulated clusters into the registry once the simulator has described them.

    Raises:
        FailedError: It did not within `SIMULATOR_LIMIT_S`.
    """
    described = await _described(layout, clock)
    registry = ClusterRegistry(bus)
    kept = {one.name: one for one in await registry.list_clusters()}
    for name, simulated in described.items():
        config = _config(name, simulated)
        if config.name not in kept:
            await registry.add_cluster(config)
        elif kept[config.name] != config:
            await registry.update_cluster(config.name, config.model_dump())
    await _remove(registry, [one for name, one in kept.items() if name not in described])
    return tuple(described)


def forget_description(layout: Layout) -> None:
    """Remove what an earlier simulator wrote, so that it is not taken for the coming one's."""
    _description(layout).unlink(missing_ok=True)


async def _described(layout: Layout, clock: Clock) -> Mapping[str, _Simulated]:
    deadline_s = clock.monotonic_s() + SIMULATOR_LIMIT_S
    while clock.monotonic_s() < deadline_s:
        try:
            return _DESCRIBED.validate_json(_description(layout).read_bytes()).clusters
        except FileNotFoundError:
            await clock.sleep(_POLL_S)
        except ValidationError as exc:
            raise FailedError(f"The simulator's description cannot be read: {exc}") from exc
    raise FailedError(
        f"The simulator did not start within {SIMULATOR_LIMIT_S:g} s.",
        remedy=f"Its log: {layout.log_file('simulator')}",
    )


async def _remove(
    registry: ClusterRegistry,
    configs: Sequence[ClusterConfig],
    say: Callable[[str, str], None] | None = None,
) -> None:
    for config in configs:
        try:
            await registry.remove_cluster(config.name)
        except ProblemError as exc:
            if exc.code is not ProblemCode.UNKNOWN_CLUSTER:
                raise
        if say is not None:
            say("registry", f"removed the simulated cluster {config.name}")


def _config(name: str, one: _Simulated) -> ClusterConfig:
    return ClusterConfig(
        name=cluster_name(name),
        host=one.host,
        port=one.port,
        user=one.user,
        key_files=(one.key_file,),
        host_keys=(one.known_hosts,),
        track_users=one.tracked_users,
        gpu_type=one.gpu_type,
        gpus_per_node=one.gpus_per_node,
        poll_interval_s=10,
        rpcs_per_minute=120,  # nobody minds, and a demo shows what happens at once
        hot_interval_s=5,
        simulated=True,
    )


def _is_there(file: Path) -> bool:
    return file.exists()


def _description(layout: Layout) -> Path:
    return layout.simulator_dir / "simulator.json"
