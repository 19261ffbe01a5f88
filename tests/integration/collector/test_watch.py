"""A watch over real SSH: what it asks, what it keeps, and how it behaves when things go wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from services.collector.fleet import Fleet
from services.collector.looks.pace import ASKED_AT_ONCE, SLOW_ANSWER_S
from services.collector.looks.sight import Sight
from services.collector.serving import ClusterCommands
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from services.collector.station import Station
from slurmfleet.bus.errors import BusTimeoutError, NoResponderError
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.codec import decode
from slurmfleet.contracts.commands import ConnectionReport, HostKeyReport, Reply
from slurmfleet.contracts.events import Fact, JobFact, LinkState, PollFinished
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.streams import BUCKETS, PROJECTOR, STREAMS
from slurmfleet.contracts.subjects import command_subject
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.runtime.health import Health
from slurmfleet.runtime.process import Process
from slurmfleet.testing.clock import ManualClock
from slurmfleet.timing.clock import Clock, SystemClock
from tests.integration.collector.stub import Cluster

ALPHA = ClusterName("alpha")
CONTROLLER_DOWN = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n"


@asynccontextmanager
async def watching(
    config: ClusterConfig, tmp_path: Path, *, clock: Clock | None = None
) -> AsyncIterator[tuple[Station, StateFile]]:
    with StateFile(tmp_path / "alpha.sqlite") as state:
        station = Station(
            config,
            CollectorSettings(known_hosts=(), ssh_config=(), look_limit_s=5, section_limit_s=3),
            clock=clock or SystemClock(),
            state=state,
            on_queued=lambda: None,
        )
        task = asyncio.get_running_loop().create_task(station.run())
        try:
            yield station, state
        finally:
            task.cancel()
            await asyncio.wait({task})


def facts(state: StateFile) -> list[Fact]:
    return [fact for one in state.queued(10_000) for fact in decode(one.message.body)]


async def looks(station: Station, count: int) -> list[Sight]:
    return [await station.watch.look_now() for _ in range(count)]


async def test_one_connection_serves_every_look(cluster: Cluster, tmp_path: Path):
    async with watching(cluster.config(), tmp_path) as (station, state):
        sights = await looks(station, 5)
        polls = [fact for fact in facts(state)[:5] if isinstance(fact, PollFinished)]

    assert [sight.link for sight in sights] == [LinkState.OK] * 5
    assert [sight.error for sight in sights] == [""] * 5
    assert cluster.node.connections_accepted == 1
    assert cluster.sessions[0] == "exec bash -l -s"
    assert set(cluster.sessions[1:]) == {"exec bash --noprofile --norc -s"}
    assert [poll.link for poll in polls] == [LinkState.OK] * 5


async def test_waiting_for_the_budget_is_not_taken_for_a_slow_controller(
    cluster: Cluster, tmp_path: Path
):
    clock = ManualClock()
    config = cluster.config(rpcs_per_minute=30, hot_interval_s=100)
    async with watching(config, tmp_path, clock=clock) as (station, _):
        await station.watch.look_now()
        while station.inquiry.heard_at is None:  # noqa: ASYNC110 it takes from the budget too
            await asyncio.sleep(0.02)
        station.budget.spend(station.budget.left + 25)  # a look costs 5, a minute gives 30
        asked = asyncio.ensure_future(station.watch.look_now())
        for _ in range(60):
            await asyncio.sleep(0.02)
            clock.advance(1)
        sight = await asked

        assert sight.waited_s > SLOW_ANSWER_S
        assert (sight.good, sight.duration_s) == (True, 0)
        assert station.watch.pace.stretch == 1


async def test_whoever_asks_for_looks_without_a_pause_is_given_the_newest(
    cluster: Cluster, tmp_path: Path
):
    clock = ManualClock()
    config = cluster.config(rpcs_per_minute=6_000, hot_interval_s=100)
    async with watching(config, tmp_path, clock=clock) as (station, state):
        first = await looks(station, ASKED_AT_ONCE)
        made = len(facts(state))
        content = await looks(station, 50)
        made_for_nobody = len(facts(state)) - made
        clock.advance(2)
        later = await station.watch.look_now()

    assert len({id(sight) for sight in first}) == ASKED_AT_ONCE
    assert {id(sight) for sight in content} == {id(first[-1])}
    assert made_for_nobody == 0
    assert later.started_at > first[-1].started_at


async def test_a_wrong_key_is_tried_once_and_never_again(cluster: Cluster, tmp_path: Path):
    other = tmp_path / "other_key"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(other)
    other.chmod(0o600)
    async with watching(cluster.config(key_files=[str(other)]), tmp_path) as (station, state):
        sights = await looks(station, 4)
        polls = [fact for fact in facts(state) if isinstance(fact, PollFinished)]

    assert [sight.link for sight in sights] == [LinkState.AUTH_DENIED] * 4
    assert cluster.node.keys_offered == 1
    assert cluster.node.connections_accepted == 1
    assert all(poll.link is LinkState.AUTH_DENIED for poll in polls)
    assert "slurmfleet" in polls[-1].error


async def test_a_person_who_tests_the_connection_lets_go_of_the_latch(
    cluster: Cluster, tmp_path: Path
):
    cluster.node.refuses_logins = True
    async with watching(cluster.config(), tmp_path) as (station, _):
        await looks(station, 2)
        cluster.node.refuses_logins = False
        denied = await station.watch.look_now()
        commands = ClusterCommands(station, CollectorSettings(known_hosts=()), SystemClock())
        report = await commands.test_connection()
        after = await station.watch.look_now()

    assert denied.link is LinkState.AUTH_DENIED
    assert (report.ok, report.login_user != "", report.slurm_version) == (True, True, "24.11.5")
    assert [step.name for step in report.steps] == ["reach", "host key", "login", "slurm", "clock"]
    assert after.link is LinkState.OK


async def test_a_changed_host_key_is_refused_with_fingerprint_and_remedy(
    cluster: Cluster, tmp_path: Path
):
    config = cluster.config()
    await cluster.node.change_host_key()
    async with watching(config, tmp_path) as (station, _):
        (sight,) = await looks(station, 1)
        commands = ClusterCommands(station, CollectorSettings(known_hosts=()), SystemClock())
        report = await commands.scan_host_keys()

    assert sight.link is LinkState.HOST_KEY_CHANGED
    assert cluster.node.host_key.fingerprint in sight.error
    assert "slurmfleet hosts trust alpha" in sight.error
    assert cluster.node.keys_offered == 0
    assert report.changed
    assert [key.fingerprint for key in report.keys] == [cluster.node.host_key.fingerprint]


async def test_an_unknown_host_key_is_refused(cluster: Cluster, tmp_path: Path):
    async with watching(cluster.config(host_keys=[]), tmp_path) as (station, _):
        (sight,) = await looks(station, 1)

    assert sight.link is LinkState.HOST_KEY_UNKNOWN
    assert "slurmfleet hosts trust alpha" in sight.error


async def test_a_controller_that_is_down_ends_nothing(cluster: Cluster, tmp_path: Path):
    async with watching(cluster.config(), tmp_path) as (station, state):
        await looks(station, 1)
        cluster.says("squeue.err", CONTROLLER_DOWN)
        cluster.says("squeue.rc", "1")
        sights = await looks(station, 2)
        cluster.says("squeue.err", "")
        cluster.says("squeue.rc", "0")
        (well,) = await looks(station, 1)
        told = facts(state)

    assert all("slurmctld" in sight.error for sight in sights)
    assert [sight.link for sight in sights] == [LinkState.OK] * 2
    assert well.error == ""
    assert [fact for fact in told if isinstance(fact, JobFact)] == []


async def test_a_login_node_that_goes_away_and_comes_back(cluster: Cluster, tmp_path: Path):
    async with watching(cluster.config(), tmp_path) as (station, _):
        await looks(station, 1)
        await cluster.node.stop()
        (gone,) = await looks(station, 1)
        await cluster.node.start()
        (back,) = await looks(station, 1)

    assert gone.link is not LinkState.OK
    assert back.link is LinkState.OK


async def test_a_cluster_in_the_registry_is_watched_served_and_let_go(
    cluster: Cluster, tmp_path: Path
):
    clock = SystemClock()
    bus = MemoryBus(clock)
    await bus.prepare(streams=STREAMS, buckets=BUCKETS, consumers=(PROJECTOR,))
    registry = ClusterRegistry(bus)
    settings = CollectorSettings(state_dir=tmp_path, known_hosts=(), ssh_config=())
    async with asyncio.TaskGroup() as tasks:
        process = Process(
            tasks=tasks, health=Health("collector"), clock=clock, stopping=asyncio.Event()
        )
        fleet = tasks.create_task(Fleet(process, settings, bus).run())
        await registry.add_cluster(cluster.config())
        consumer = await bus.consumer(PROJECTOR)
        (delivery, *_) = await consumer.fetch(1, wait_s=5)
        tested = await bus.request(command_subject(ALPHA, "test_connection"), limit_s=5)
        scanned = await bus.request(command_subject(ALPHA, "scan_host_keys"), limit_s=5)
        unknown = await bus.request(command_subject(ALPHA, "format_disk"), limit_s=5)
        await registry.remove_cluster(ALPHA)
        await _until_let_go(bus)
        fleet.cancel()

    assert [type(fact) for fact in decode(delivery.message.body)] == [PollFinished]
    scan = Reply[HostKeyReport].model_validate_json(scanned.body).unwrap()
    assert Reply[ConnectionReport].model_validate_json(tested.body).unwrap().ok
    assert [key.trusted for key in scan.keys] == [True]
    problem = Reply[ConnectionReport].model_validate_json(unknown.body).problem
    assert problem is not None
    assert problem.code is ProblemCode.NOT_AVAILABLE_YET


async def _until_let_go(bus: MemoryBus) -> None:
    while True:
        try:
            await bus.request(command_subject(ALPHA, "refresh"), limit_s=0.5)
        except BusTimeoutError:
            continue  # it was being let go while we asked
        except NoResponderError:
            return
