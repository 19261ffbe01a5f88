"""A bus, a database and our own services as real processes, for a benchmark."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import sql

from slurmfleet.bus.nats import NatsOptions, open_nats_bus
from slurmfleet.contracts.events import Fact, JobStarted, JobSubmitted
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, Job
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.streams import BUCKETS, STREAMS
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_server import NatsServerOptions, nats_server
from slurmfleet.embedded.postgres_server import PostgresServerOptions, postgres_server
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.slurm.records import separators_for
from slurmfleet.slurm.squeue import parse_detail
from slurmfleet.store.migrate import migrate
from slurmfleet.store.pool import StorePool
from slurmfleet.store.roles import Role, let_in
from slurmfleet.store.write.clusters import upsert_cluster
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import a_poll
from slurmfleet.timing.clock import SystemClock
from tests.bench.collector_look import CLUSTER
from tests.bench.measure import family_cpu_s
from tests.bench.queue_text import NONCE, fake_queue
from tests.plugins.postgres import PASSWORDS, DatabaseServer, database_on
from tests.plugins.services import Fleet

_BATCH_FACTS = 20_000
_REVISION = 1_000_000


@asynccontextmanager
async def fleet_in(folder: Path) -> AsyncGenerator[Fleet]:
    """Run a bus and a migrated, empty database with what `slurmfleet up` sets; fsync is on."""
    clock = SystemClock()
    bus_options = NatsServerOptions(data_dir=folder / "nats", port=free_port())
    database_options = PostgresServerOptions(data_dir=folder / "pg", port=free_port())
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(postgres_server(database_options, clock))
        server = DatabaseServer(superuser_dsn=postgres.dsn(), template=None)
        database = await stack.enter_async_context(database_on(server))
        await migrate(database.superuser_dsn)
        await let_in(database.superuser_dsn, PASSWORDS)
        nats = await stack.enter_async_context(nats_server(bus_options, clock))
        login = nats.login
        options = NatsOptions(servers=(nats.url,), name="bench", login=login)
        bus = await stack.enter_async_context(open_nats_bus(options, clock))
        await bus.prepare(streams=STREAMS, buckets=BUCKETS)
        fleet = Fleet(folder=folder, nats=nats, bus=bus, database=database)
        try:
            yield fleet
        finally:
            for service in fleet.running:
                await service.stop()


def cpu_by_part(fleet: Fleet) -> dict[str, float]:
    """Give the CPU seconds that each part has used so far, PostgreSQL's workers included."""
    postgres = fleet.folder / "pg" / "postgres" / "postmaster.pid"
    spent = {"postgres": family_cpu_s(int(postgres.read_text().splitlines()[0]))}
    if fleet.nats.pid is not None:
        spent["nats"] = family_cpu_s(fleet.nats.pid)
    return spent | {one.name: family_cpu_s(one.process.pid) for one in fleet.running}


def queue_jobs(count: int) -> Sequence[Job]:
    """Give the jobs of the made-up queue, as the collector would read them."""
    _, _, rest = fake_queue(count).answer().partition(b" BEGIN detail\n")
    listed = rest.partition(f"\n%%{NONCE} ERRORS".encode())[0]
    return parse_detail(listed, separators_for(NONCE)).jobs


def live_facts(jobs: Sequence[Job], *, observed_at: datetime) -> list[Fact]:
    """Give the newest fact of each job: submitted for those that wait, started for the others."""
    return [
        (JobSubmitted if job.started_at is None else JobStarted)(
            cluster=CLUSTER,
            job=job,
            observed_at=observed_at,
            revision=_REVISION,
            source=Evidence.QUEUE,
        )
        for job in jobs
    ]


async def fill_with_live_jobs(fleet: Fleet, count: int) -> Sequence[JobId]:
    """Store a cluster, a fresh look at it and that many live jobs; give the jobs' ids."""
    now = datetime.now(tz=UTC)
    jobs = queue_jobs(count)
    facts = live_facts(jobs, observed_at=now - timedelta(seconds=2))
    look = a_poll(
        CLUSTER,
        started_at=now - timedelta(seconds=2),
        finished_at=now - timedelta(seconds=1),
        state_since=now - timedelta(days=1),
        interval_s=600,
    )
    config = ClusterConfig(name=CLUSTER, host="login.alpha")
    revision = await ClusterRegistry(fleet.bus).add_cluster(config)
    async with StorePool(fleet.database.settings(Role.WRITER)) as pool:
        await upsert_cluster(pool, config, revision=revision, now=now)
        for start in range(0, count, _BATCH_FACTS):
            await apply_facts(pool, facts[start : start + _BATCH_FACTS])
        await apply_facts(pool, [look])
    async with fleet.superuser() as connection:
        # What autovacuum does within a minute; a measurement does not wait for it.
        await connection.execute(sql.SQL("VACUUM ANALYZE"))
    return [job.job_id for job in jobs]
