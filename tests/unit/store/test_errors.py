import psycopg
import psycopg_pool
import pytest
from psycopg import errors as pg
from psycopg.errors import lookup

from slurmfleet.store.errors import (
    SchemaOutdatedError,
    StatementError,
    StoreConflictError,
    StoreError,
    StoreForbiddenError,
    StoreTimeoutError,
    StoreUnavailableError,
    translate,
)

SQLSTATES = sorted(
    {
        kind.sqlstate
        for kind in vars(pg).values()
        if isinstance(kind, type) and issubclass(kind, psycopg.Error) and kind.sqlstate
    }
)
WITHOUT_SQLSTATE = {
    psycopg.Error: StatementError,
    psycopg.InterfaceError: StatementError,
    psycopg.DatabaseError: StatementError,
    psycopg.DataError: StatementError,
    psycopg.OperationalError: StoreUnavailableError,
    psycopg.IntegrityError: StatementError,
    psycopg.InternalError: StatementError,
    psycopg.ProgrammingError: StatementError,
    psycopg.NotSupportedError: StatementError,
    pg.ConnectionTimeout: StoreUnavailableError,
    pg.CancellationTimeout: StoreUnavailableError,
    pg.PipelineAborted: StoreUnavailableError,
    psycopg_pool.PoolTimeout: StoreUnavailableError,
    psycopg_pool.PoolClosed: StoreUnavailableError,
    psycopg_pool.TooManyRequests: StoreUnavailableError,
}
BY_CLASS = {
    "08": StoreUnavailableError,
    "53": StoreUnavailableError,
    "58": StoreUnavailableError,
    "40": StoreConflictError,
    "28": StoreForbiddenError,
}
SINGLE = {
    "25006": StoreUnavailableError,
    "55000": StoreUnavailableError,
    "57P01": StoreUnavailableError,
    "57P02": StoreUnavailableError,
    "57P03": StoreUnavailableError,
    "57P05": StoreUnavailableError,
    "57014": StoreTimeoutError,
    "55006": StoreConflictError,
    "55P03": StoreConflictError,
    "42501": StoreForbiddenError,
    "42P01": SchemaOutdatedError,
    "42703": SchemaOutdatedError,
    "42704": SchemaOutdatedError,
    "42883": SchemaOutdatedError,
    "3F000": SchemaOutdatedError,
    "3D000": SchemaOutdatedError,
}


def expected(sqlstate: str) -> type[StoreError]:
    return SINGLE.get(sqlstate) or BY_CLASS.get(sqlstate[:2], StatementError)


def test_every_sqlstate_of_the_driver_has_its_place():
    found = {sqlstate: type(translate(lookup(sqlstate)(), "x")) for sqlstate in SQLSTATES}

    assert len(found) > 200
    assert found == {sqlstate: expected(sqlstate) for sqlstate in SQLSTATES}


def test_every_error_of_the_driver_without_sqlstate_has_its_place():
    modules = [psycopg, pg, psycopg_pool]
    kinds = {
        kind
        for module in modules
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, psycopg.Error) and not kind.sqlstate
        if not name.startswith("_")
    }

    assert {kind: type(translate(kind(), "x")) for kind in kinds} == WITHOUT_SQLSTATE


def test_text_that_is_no_unicode_is_the_statement_s_fault():
    with pytest.raises(UnicodeEncodeError) as caught:
        "\ud800".encode()

    assert type(translate(caught.value, "list_jobs")) is StatementError


def test_only_what_may_pass_is_retryable():
    kinds = [
        StoreUnavailableError,
        StoreTimeoutError,
        StoreConflictError,
        StoreForbiddenError,
        SchemaOutdatedError,
        StatementError,
    ]

    assert [kind.retryable for kind in kinds] == [True, True, True, False, False, False]


def test_an_error_says_what_was_tried_and_what_was_told():
    error = translate(pg.DivisionByZero("division\n by zero"), "list_jobs")

    assert str(error) == "list_jobs: division by zero [22012]"
