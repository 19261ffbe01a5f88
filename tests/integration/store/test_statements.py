import re

import psycopg
import pytest

from slurmfleet.store.roles import Role
from slurmfleet.store.statements import Statement, all_statements
from tests.plugins.postgres import Database

PREPARABLE = re.compile(r"^(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
TEMPORARY = re.compile(r"^CREATE TEMPORARY TABLE\b")
CHANGES_NOTHING = {
    *("lock_writing", "notify_events", "read_cluster_status"),
    *("read_project_assignment", "list_job_names"),
    *("audit_end", "known_audit_records", "count_pins", "find_markable"),
}
PARAMETER = re.compile(r"%\((\w+)\)s")


def prepared(one: Statement) -> bytes:
    """Give the statement as PREPARE wants it: parameters by number, all of them cast."""
    names = list(dict.fromkeys(PARAMETER.findall(one.text)))
    text = PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", one.text)
    return f"PREPARE checked AS {text}".encode()


async def make_temporary_tables(connection: psycopg.AsyncConnection) -> None:
    """Run what makes a session's own tables: other statements name them."""
    for one in all_statements().values():
        if TEMPORARY.match(one.text):
            nothing = dict.fromkeys(PARAMETER.findall(one.text))
            await psycopg.AsyncClientCursor(connection).execute(one.text, nothing)


async def test_every_statement_fits_the_schema(database: Database):
    dsn = database.superuser_dsn
    failed: dict[str, str] = {}
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await make_temporary_tables(connection)
        for name, one in all_statements().items():
            if not PREPARABLE.match(one.text):
                continue
            try:
                await connection.execute(prepared(one))
                await connection.execute("DEALLOCATE checked")
            except psycopg.Error as exc:
                failed[name] = str(exc)

    assert failed == {}


async def test_every_parameter_states_its_type():
    untyped = [
        (name, parameter)
        for name, one in all_statements().items()
        for parameter in re.findall(r"%\((\w+)\)s(?!::)", one.text)
    ]

    assert untyped == []


@pytest.mark.parametrize(
    "name", sorted(name for name, one in all_statements().items() if one.room == "write")
)
async def test_the_reader_may_run_no_writing_statement(database: Database, name: str):
    one = all_statements()[name]
    names = list(dict.fromkeys(PARAMETER.findall(one.text)))
    if name in CHANGES_NOTHING:
        pytest.skip("by design: it changes nothing")

    dsn = database.dsn(Role.READER)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(one.text, dict.fromkeys(names))
