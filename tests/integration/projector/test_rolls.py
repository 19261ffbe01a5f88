"""Rolls mend what a collector or the store has lost, on a real bus, a real store and a login node.

The cluster is simulated; its time moves by hand. A roll is called when the test says so.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import nats
import pytest
from psycopg import sql
from psycopg.rows import TupleRow

from services.collector.publisher import Publisher
from services.collector.serving import ClusterCommands
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from services.collector.station import Station
from services.simulator.commands import Health
from services.simulator.control import ControlClient
from services.simulator.service import Site
from services.simulator.settings import SimulatorSettings
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.streams import BUCKETS, FACTS
from slurmfleet.contracts.subjects import cluster_commands
from slurmfleet.contracts.surveys import RollCalled, RollEntry
from slurmfleet.embedded.nats_server import NatsServer
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.testing.builders import ALPHA, NOON, a_poll
from slurmfleet.timing.clock import SystemClock
from tests.plugins.services import Fleet, eventually, log_lines

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CLUSTER = "demo-h100"
LONG_UNSEEN = sql.SQL("UPDATE jobs SET observed_at = observed_at - interval '1 hour'")
POSITIONS_KEPT = sql.SQL("SELECT count(*) > 0 FROM stream_positions")
STATES = sql.SQL("SELECT job_id, state FROM jobs ORDER BY job_id")
ROWS = sql.SQL(
    "SELECT job_id, submitted_at, state, reason, node_list, started_at, ended_at, task_states,"
    " vanished_at FROM jobs ORDER BY job_id"
)
TASKS_OF_ARRAY = sql.SQL(
    "SELECT task_states FROM jobs WHERE array_job_id IS NOT NULL AND array_task_id IS NULL"
)


@dataclass(kw_only=True)
class Collected:
    """A collector in this process, with its state in a file."""

    station: Station
    state: StateFile

    async def looks(self, count: int = 1) -> None:
        for _ in range(count):
            sight = await self.station.watch.look_now()
            assert (sight.good, sight.error) == (True, "")

    def told_all(self) -> bool:
        """Whether nothing waits for the bus."""
        return not self.state.queued(1)

    async def asked_what_ended(self) -> None:
        """Wait until accounting was asked which jobs ended lately; that is not done again soon."""
        await eventually(lambda: self.station.inquiry.heard_at)


@dataclass(kw_only=True)
class Floor:
    """All parts, and the means to look at them."""

    fleet: Fleet
    site: Site
    control: ControlClient
    folder: Path

    @property
    def state_file(self) -> Path:
        return self.folder / "state.sqlite"

    @asynccontextmanager
    async def collector(self) -> AsyncGenerator[Collected]:
        """Collect while the body runs; accounting is asked about known jobs alone."""
        login, clock, name = self.site.login, SystemClock(), ClusterName(CLUSTER)
        settings = CollectorSettings(known_hosts=(), ssh_config=(), backfill_hours=0)
        config = ClusterConfig.model_validate(
            {
                "name": CLUSTER,
                "host": login.host,
                "port": login.port,
                "user": "ada",
                "key_files": [str(login.client_key_file)],
                "host_keys": [login.known_hosts_line],
                "poll_interval_s": 0.5,
                "hot_interval_s": 0.5,
                "rpcs_per_minute": 0,
            }
        )
        with StateFile(self.state_file) as state:
            publisher = Publisher(name, state, self.fleet.bus, clock)
            station = Station(
                config, settings, clock=clock, state=state, on_queued=publisher.notice
            )
            commands = ClusterCommands(station, settings, clock)
            async with (
                self.fleet.bus.serve(cluster_commands(name), commands.handle),
                asyncio.TaskGroup() as group,
            ):
                tasks = [group.create_task(station.run()), group.create_task(publisher.run())]
                try:
                    yield Collected(station=station, state=state)
                finally:
                    for task in tasks:
                        task.cancel()

    async def submit(self, *line: str, runs_s: int) -> int:
        told = ("-p", "cpu", "--comment", f"sim:runtime={runs_s}", *line)
        return await self.control.submit(CLUSTER, "ada", *told, "--wrap", "true")

    async def rows(self, query: sql.SQL) -> list[TupleRow]:
        async with self.fleet.superuser() as connection:
            return await (await connection.execute(query)).fetchall()

    async def run(self, *statements: sql.SQL | sql.Composed) -> None:
        async with self.fleet.superuser() as connection:
            for one in statements:
                await connection.execute(one)

    async def until(self, query: sql.SQL, expected: list[TupleRow]) -> None:
        seen: list[TupleRow] = []

        async def look() -> bool:
            seen[:] = await self.rows(query)
            return seen == expected

        log = self.fleet.running[-1].log
        await eventually(
            look, limit_s=25, otherwise=lambda: f"{log.read_text()}\n{seen}\n{expected}"
        )

    async def once_per_run(self) -> Counter[tuple[object, ...]]:
        """Count what happened, but for changes, by job, run and verb."""
        events = sql.SQL(
            "SELECT job_id, restart_count, verb FROM job_events WHERE verb <> 'changed'"
        )
        return Counter(await self.rows(events))

    def compared(self) -> list[tuple[object, object]]:
        """Give, for each roll that the store differed from, what the projector said of it."""
        lines = log_lines(self.fleet.running[-1])
        return [(one["unnamed"], one["missed"]) for one in lines if one["event"] == "roll compared"]


@pytest.fixture
def settings(tmp_path: Path) -> SimulatorSettings:
    """Nobody submits but the test, and time stands still."""
    return SimulatorSettings(
        data_dir=tmp_path / "data", clusters=CLUSTER, time_scale=0, populate=False
    )


@pytest.fixture
async def floor(fleet: Fleet, site: Site, control: ControlClient, tmp_path: Path) -> Floor:
    await fleet.start("projector")
    return Floor(fleet=fleet, site=site, control=control, folder=tmp_path)


async def test_jobs_end_that_a_collector_forgot_with_its_state_file(floor: Floor):
    # When the second collector asks what ended lately, accounting knows of nothing yet.
    await floor.control.set_accounting(CLUSTER, Health.UP, lag_s=86_400)
    plain = str(await floor.submit(runs_s=2_400))
    array = str(await floor.submit("--array=0-2%2", runs_s=900))
    het = str(await floor.submit(":", "-p", "cpu", runs_s=2_400))
    await floor.control.advance(CLUSTER, 5)
    async with floor.collector() as collected:
        await collected.looks(2)
        await floor.control.advance(CLUSTER, 905)
        await collected.looks(2)
        over = {f"{array}_0", f"{array}_1"}
        live = {plain, array, f"{array}_2", het, f"{het}+0", f"{het}+1"}
        known = {**dict.fromkeys(live, "RUNNING"), **dict.fromkeys(over, "COMPLETED")}
        await floor.until(STATES, sorted(known.items()))
    floor.state_file.unlink()
    await floor.control.advance(CLUSTER, 7_200)
    await floor.run(LONG_UNSEEN)

    async with floor.collector() as collected:
        await collected.looks(2)
        await collected.asked_what_ended()
        await floor.control.set_accounting(CLUSTER, Health.UP)
        before = await floor.rows(STATES)
        await collected.station.book.call_roll()
        await floor.until(STATES, sorted(dict.fromkeys(known, "COMPLETED").items()))

    assert before == sorted(known.items())
    assert await floor.rows(TASKS_OF_ARRAY) == [({"COMPLETED": 3},)]
    assert await floor.once_per_run() == once(known, "submitted", "started", "ended")


async def test_rows_that_the_store_lost_or_has_of_old_are_right_again(floor: Floor):
    lost, erased, aged, ended = [str(await floor.submit(runs_s=2_400)) for _ in range(4)]
    array = str(await floor.submit("--array=0-1", runs_s=2_400))
    members = {array, f"{array}_0", f"{array}_1"}
    await floor.control.advance(CLUSTER, 5)
    async with floor.collector() as collected:
        await collected.looks(2)
        await floor.control.cancel(CLUSTER, int(ended))
        await floor.control.advance(CLUSTER, 60)
        await collected.looks(2)
        live = {lost, erased, aged, *members}
        known = {**dict.fromkeys(live, "RUNNING"), ended: "CANCELLED"}
        await floor.until(STATES, sorted(known.items()))
        before = await floor.rows(ROWS)
        history = await floor.once_per_run()
        await floor.run(
            sql.SQL("DELETE FROM jobs WHERE job_id IN ({}, {}) OR array_job_id = {}").format(
                lost, erased, int(array)
            ),
            sql.SQL("DELETE FROM job_events WHERE job_id = {}").format(erased),
            sql.SQL(
                "UPDATE jobs SET state = 'PENDING', node_list = '', started_at = NULL,"
                " revision = revision - 1 WHERE job_id = {}"
            ).format(aged),
            sql.SQL(
                "UPDATE jobs SET state = 'RUNNING', ended_at = NULL, revision = revision - 1"
                " WHERE job_id = {}"
            ).format(ended),
            sql.SQL("DELETE FROM job_events WHERE job_id = {} AND verb = 'ended'").format(ended),
            LONG_UNSEEN,
        )
        await collected.station.book.call_roll()
        await floor.until(ROWS, before)
        after = await floor.once_per_run()
        await collected.station.book.call_roll()
        await floor.control.advance(CLUSTER, 7_200)
        await collected.looks(2)
        over = {**dict.fromkeys(live, "COMPLETED"), ended: "CANCELLED"}
        await floor.until(STATES, sorted(over.items()))

    assert history == once(live, "submitted", "started") + once(
        {ended}, "submitted", "started", "ended"
    )
    assert after == history
    assert await floor.once_per_run() == once(over, "submitted", "started", "ended")
    assert floor.compared() == [(1, 6)]


async def test_what_the_stream_lost_before_it_was_projected_is_told_again(floor: Floor):
    """The end of a job, for which no regular roll asks, and all facts of one that came and went."""
    bus = floor.fleet.bus
    await bus.prepare(buckets=BUCKETS)
    await ClusterRegistry(bus).add_cluster(ClusterConfig(name=ClusterName(CLUSTER), host="a"))
    long = str(await floor.submit(runs_s=60))
    await floor.control.advance(CLUSTER, 5)
    async with floor.collector() as collected:
        await collected.looks(2)
        await floor.until(STATES, [(long, "RUNNING")])
        await floor.until(POSITIONS_KEPT, [(True,)])
        await floor.fleet.running[-1].stop()
        before = (await bus.stream_state(FACTS.name)).last_sequence
        short = str(await floor.submit(runs_s=10))
        await floor.control.advance(CLUSTER, 5)
        await collected.looks()
        await floor.control.advance(CLUSTER, 100)
        await collected.looks(2)
        await eventually(lambda: collected.station.book.live == 0)
        await eventually(collected.told_all)
        lost = (await bus.stream_state(FACTS.name)).last_sequence
        await erase(floor.fleet.nats, range(before + 1, lost + 1))
        await collected.looks()  # tells how it went, behind what is lost
        await floor.fleet.start("projector", ready=False)
        await floor.until(STATES, sorted([(long, "COMPLETED"), (short, "COMPLETED")]))

    assert await floor.once_per_run() == once({long, short}, "submitted", "started", "ended")
    assert "stream has lost messages" in floor.fleet.running[-1].log.read_text()


async def test_a_collector_that_does_not_answer_holds_up_nothing(floor: Floor):
    entry = RollEntry(job_id=JobId("7"), submitted_at=NOON, revision=1)
    roll = RollCalled(
        cluster=ALPHA,
        observed_at=SystemClock().now(),
        source="collector",
        part=0,
        parts=1,
        jobs=(entry,),
    )
    projector = floor.fleet.running[-1]

    await floor.fleet.tell([roll])
    await floor.fleet.tell([a_poll()])

    await floor.until(sql.SQL("SELECT count(*) FROM polls"), [(1,)])
    await eventually(lambda: "repair not made" in projector.log.read_text())
    assert floor.compared() == [(0, 1)]


async def erase(server: NatsServer, places: Iterable[int]) -> None:
    """Take messages out of the stream, as a damaged block does."""
    client = await nats.connect(server.url, user=server.login.user, password=server.login.password)
    try:
        for place in places:
            await client.jetstream().delete_msg(FACTS.name, place)
    finally:
        await client.close()


def once(jobs: Iterable[str], *verbs: str) -> Counter[tuple[object, ...]]:
    return Counter({(job, 0, verb): 1 for job in jobs for verb in verbs})
