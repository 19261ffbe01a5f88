"""The schema as one file, for reading and reviews: what migrations make on plain PostgreSQL.

`schema.sql` is generated; a test compares it with the migrations and renews it when
SLURMFLEET_UPDATE_SCHEMA is set.
"""

import asyncio
import re
from importlib.resources import files
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from slurmfleet.store.errors import StoreError
from slurmfleet.timing.budget import Budget

_HEADER = "-- Generated from migrations/ by slurmfleet.store.schema; never edited.\n\n"
_NOISE = re.compile(
    r"^(--.*|\\(un)?restrict .*|SET .*|SELECT pg_catalog\.set_config.*)$", re.MULTILINE
)
_GAPS = re.compile(r"\n{3,}")
_LIMIT_S = 30.0


async def dump_schema(dsn: str, *, pg_dump: Path) -> str:
    """Give the schema of a database, without what differs from one dump to the next.

    Raises:
        StoreError: pg_dump failed.
    """
    parts = conninfo_to_dict(dsn)
    # Anyone on the machine sees a program's arguments; nobody else sees its environment.
    password = str(parts.pop("password", ""))
    process = await asyncio.create_subprocess_exec(
        pg_dump,
        "--schema-only",
        "--no-owner",
        f"--dbname={make_conninfo('', **parts)}",
        env={"PGPASSWORD": password, "LC_ALL": "C.UTF-8"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with Budget(operation="pg_dump", limit_s=_LIMIT_S).enforce():
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise StoreError("pg_dump", errors.decode(errors="replace"))
    return _HEADER + _GAPS.sub("\n\n", _NOISE.sub("", output.decode())).strip() + "\n"


def shipped_schema() -> str:
    """Give the schema file that is shipped."""
    return files("slurmfleet.store").joinpath("schema.sql").read_text(encoding="utf-8")
