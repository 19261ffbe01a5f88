"""The registry over the in-memory bus."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig, Transport, cluster_key
from slurmfleet.contracts.streams import BUCKETS, REGISTRY
from slurmfleet.registry.clusters import ClusterChange, ClusterRegistry
from slurmfleet.testing.clock import ManualClock

ALPHA, BETA = ClusterName("alpha"), ClusterName("beta")
ALPHA_CONFIG = ClusterConfig(name=ALPHA, host="login.alpha.example", track_users=("ada",))
BETA_CONFIG = ClusterConfig(name=BETA, host="login.beta.example")


@pytest.fixture
async def bus() -> MemoryBus:
    made = MemoryBus(ManualClock())
    await made.prepare(buckets=BUCKETS)
    return made


@pytest.fixture
def registry(bus: MemoryBus) -> ClusterRegistry:
    return ClusterRegistry(bus)


async def follow(changes: AsyncIterator[ClusterChange], count: int) -> list[ClusterChange]:
    async with asyncio.timeout(2):
        return [await anext(changes) for _ in range(count)]


async def test_added_clusters_are_listed_by_name(registry: ClusterRegistry):
    await registry.add_cluster(BETA_CONFIG)
    await registry.add_cluster(ALPHA_CONFIG)

    assert await registry.list_clusters() == (ALPHA_CONFIG, BETA_CONFIG)


async def test_a_cluster_is_read_with_its_revision(registry: ClusterRegistry):
    revision = await registry.add_cluster(ALPHA_CONFIG)

    assert await registry.get_cluster(ALPHA) == (ALPHA_CONFIG, revision)


async def test_a_name_is_taken_once(registry: ClusterRegistry):
    await registry.add_cluster(ALPHA_CONFIG)

    with pytest.raises(ProblemError) as caught:
        await registry.add_cluster(ALPHA_CONFIG)

    assert caught.value.code is ProblemCode.CLUSTER_EXISTS
    assert caught.value.remedy


@pytest.mark.parametrize("transport", Transport)
async def test_every_transport_may_be_chosen_and_changed(
    registry: ClusterRegistry, transport: Transport
):
    await registry.add_cluster(ALPHA_CONFIG.model_copy(update={"transport": transport}))
    changed, _ = await registry.update_cluster(
        ALPHA, {"transport": Transport.MASTER, "control_path": "~/.ssh/cm-%C"}
    )

    assert (changed.transport, changed.control_path) == (Transport.MASTER, "~/.ssh/cm-%C")
    assert await registry.list_clusters() == (changed,)


async def test_an_unknown_cluster_is_told_with_those_known(registry: ClusterRegistry):
    await registry.add_cluster(ALPHA_CONFIG)

    for asked in (registry.get_cluster(BETA), registry.remove_cluster(BETA)):
        with pytest.raises(ProblemError) as caught:
            await asked
        assert caught.value.code is ProblemCode.UNKNOWN_CLUSTER
        assert caught.value.remedy == "Known clusters: alpha."


async def test_an_update_changes_what_it_names(registry: ClusterRegistry):
    revision = await registry.add_cluster(ALPHA_CONFIG)

    changed = await registry.update_cluster(ALPHA, {"port": 2222, "track_users": ["ada", "bob"]})

    expected = ALPHA_CONFIG.model_copy(update={"port": 2222, "track_users": ("ada", "bob")})
    assert changed == (expected, revision + 1)
    assert await registry.get_cluster(ALPHA) == changed


async def test_an_update_of_an_older_revision_is_refused(registry: ClusterRegistry):
    revision = await registry.add_cluster(ALPHA_CONFIG)
    await registry.update_cluster(ALPHA, {"port": 2222}, revision)

    with pytest.raises(ProblemError) as caught:
        await registry.update_cluster(ALPHA, {"port": 2223}, revision)

    assert caught.value.code is ProblemCode.REVISION_CONFLICT
    assert (await registry.get_cluster(ALPHA))[0].port == 2222


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"port": 0}, "port: Input should be greater than or equal to 1"),
        ({"host": "a b; rm -rf /"}, "host: 'a b; rm -rf /' is not a host name or address"),
        ({"prot": 22}, "prot: Extra inputs are not permitted"),
        ({"track_users": ["ada", "x y"]}, "track_users: 'x y' is not a login name"),
        ({"name": "gamma"}, "name: a cluster cannot be renamed"),
    ],
)
async def test_a_wrong_change_names_field_and_mend(
    registry: ClusterRegistry, changes: dict[str, object], says: str
):
    await registry.add_cluster(ALPHA_CONFIG)

    with pytest.raises(ProblemError) as caught:
        await registry.update_cluster(ALPHA, changes)

    assert caught.value.code is ProblemCode.INVALID_PARAMETER
    assert says in caught.value.detail
    assert caught.value.remedy
    assert (await registry.get_cluster(ALPHA))[0] == ALPHA_CONFIG


async def test_a_removed_cluster_may_be_added_again(registry: ClusterRegistry):
    await registry.add_cluster(ALPHA_CONFIG)
    await registry.remove_cluster(ALPHA)
    gone = await registry.list_clusters()
    await registry.add_cluster(ALPHA_CONFIG)

    assert (gone, await registry.list_clusters()) == ((), (ALPHA_CONFIG,))


async def test_a_watch_tells_what_is_there_then_what_changes(registry: ClusterRegistry):
    await registry.add_cluster(ALPHA_CONFIG)
    watch = registry.watch_clusters()

    there = await follow(watch, 1)
    await registry.add_cluster(BETA_CONFIG)
    added = await follow(watch, 1)
    await registry.remove_cluster(ALPHA)
    removed = await follow(watch, 1)

    assert there + added + removed == [
        ClusterChange(name=ALPHA, config=ALPHA_CONFIG, revision=1),
        ClusterChange(name=BETA, config=BETA_CONFIG, revision=2),
        ClusterChange(name=ALPHA, config=None, revision=3),
    ]


async def test_a_document_that_cannot_be_read_is_told_and_harms_no_other(
    bus: MemoryBus, registry: ClusterRegistry
):
    await bus.kv_put(REGISTRY.name, cluster_key(ALPHA), b'{"host": 7}')
    await bus.kv_put(REGISTRY.name, "cluster.NOT_A_NAME", b"{}")
    await registry.add_cluster(BETA_CONFIG)

    broken, good = await follow(registry.watch_clusters(), 2)

    assert (broken.name, broken.config, broken.revision) == (ALPHA, None, 1)
    assert "name: Field required" in broken.problem
    assert good == ClusterChange(name=BETA, config=BETA_CONFIG, revision=3)
    assert await registry.list_clusters() == (BETA_CONFIG,)
    with pytest.raises(ProblemError, match="stored document"):
        await registry.get_cluster(ALPHA)


async def test_a_document_under_another_name_is_not_believed(
    bus: MemoryBus, registry: ClusterRegistry
):
    await bus.kv_put(REGISTRY.name, cluster_key(ALPHA), BETA_CONFIG.model_dump_json().encode())

    (change,) = await follow(registry.watch_clusters(), 1)

    assert (change.name, change.config) == (ALPHA, None)
    assert "'beta'" in change.problem


async def test_an_unreachable_bus_is_told_with_a_remedy(bus: MemoryBus, registry: ClusterRegistry):
    with bus.outage(), pytest.raises(ProblemError) as caught:
        await registry.list_clusters()

    assert caught.value.code is ProblemCode.BUS_UNAVAILABLE
    assert caught.value.remedy
