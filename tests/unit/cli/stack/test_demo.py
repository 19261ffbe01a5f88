"""Whether simulated clusters stand in, and what becomes of them."""

import json
from pathlib import Path

import pytest

from slurmfleet.bus.memory import MemoryBus
from slurmfleet.cli.stack.demo import (
    Board,
    forget_description,
    prepare_board,
    register_demo,
)
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.streams import BUCKETS
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.testing.clock import ManualClock


@pytest.fixture
async def bus() -> MemoryBus:
    made = MemoryBus(ManualClock())
    await made.prepare(buckets=BUCKETS)
    return made


def _config(name: str, *, simulated: bool = False) -> ClusterConfig:
    return ClusterConfig(name=ClusterName(name), host="h", simulated=simulated)


def _ignore(_part: str, _what: str) -> None:
    return


def _describe(layout: Layout, *names: str, port: int = 2222) -> None:
    layout.simulator_dir.mkdir(parents=True, exist_ok=True)
    clusters = {
        name: {
            "host": "127.0.0.1",
            "port": port,
            "user": "ada",
            "key_file": "/keys/ada",
            "known_hosts": "[127.0.0.1]:2222 ssh-ed25519 AAAA",
            "tracked_users": ["ada", "ben"],
            "gpu_type": "h100",
            "gpus_per_node": 8,
        }
        for name in names
    }
    document = {"control": "/somewhere", "clusters": clusters}
    (layout.simulator_dir / "simulator.json").write_text(json.dumps(document))


async def test_an_empty_registry_asks_for_a_demo(bus: MemoryBus, tmp_path: Path):
    board = await prepare_board(bus, tmp_path / "absent.toml", _ignore)

    assert board == Board(clusters=(), demo=True)


async def test_a_file_fills_the_registry_and_sends_the_demo_away(bus: MemoryBus, tmp_path: Path):
    registry = ClusterRegistry(bus)
    await registry.add_cluster(_config("demo-a", simulated=True))
    file = tmp_path / "slurmfleet.toml"
    file.write_text('[[cluster]]\nname = "mine"\nhost = "login"\n')
    said: list[str] = []

    board = await prepare_board(bus, file, lambda part, what: said.append(f"{part}: {what}"))

    assert board == Board(clusters=("mine",), demo=False)
    assert [one.name for one in await registry.list_clusters()] == ["mine"]
    assert said == [
        f"registry: added from {file}: mine",
        "registry: removed the simulated cluster demo-a",
    ]


async def test_simulated_clusters_are_entered_moved_and_removed(bus: MemoryBus, tmp_path: Path):
    registry, layout, clock = ClusterRegistry(bus), Layout(tmp_path), ManualClock()
    _describe(layout, "demo-a", "demo-b")
    await register_demo(bus, layout, clock)
    forget_description(layout)
    _describe(layout, "demo-b", port=3333)

    names = await register_demo(bus, layout, clock)

    found = await registry.list_clusters()
    assert names == ("demo-b",)
    assert [(one.name, one.port, one.simulated) for one in found] == [("demo-b", 3333, True)]
    assert found[0].key_files == ("/keys/ada",)
    assert found[0].host_keys == ("[127.0.0.1]:2222 ssh-ed25519 AAAA",)
    assert found[0].track_users == ("ada", "ben")
