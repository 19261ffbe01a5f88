import os
from pathlib import Path

import pytest

import slurmfleet.store
from slurmfleet.store.errors import StoreError
from slurmfleet.store.schema import dump_schema, shipped_schema
from tests.plugins.postgres import DatabaseServer, database_on, pg_dump

SCHEMA = Path(slurmfleet.store.__file__).with_name("schema.sql")


async def test_the_migrations_make_the_shipped_schema(wheel_server: DatabaseServer):
    async with database_on(wheel_server) as database:
        schema = await dump_schema(database.superuser_dsn, pg_dump=pg_dump())
    if os.environ.get("SLURMFLEET_UPDATE_SCHEMA"):
        SCHEMA.write_text(schema, encoding="utf-8")

    assert shipped_schema() == schema


async def test_a_dump_that_fails_says_why(wheel_server: DatabaseServer):
    with pytest.raises(StoreError, match="nowhere"):
        await dump_schema(wheel_server.dsn("nowhere"), pg_dump=pg_dump())
