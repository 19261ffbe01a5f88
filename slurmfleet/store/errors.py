"""What can go wrong at the door to PostgreSQL.

StoreError
├── StoreUnavailableError     the server cannot be reached, or cannot serve now
│   └── StoreTimeoutError     it was reached and did not answer within the budget
├── StoreConflictError        another transaction was in the way
├── StoreForbiddenError       the role that we are may not do this
├── EditionLostError          the server lacks the TimescaleDB that the database was made with
├── SchemaOutdatedError       the database's schema is not the one that this code was written for
└── StatementError            the server refused the statement or its values

Source: PostgreSQL 18, appendix A, "PostgreSQL Error Codes"; psycopg 3.3, `psycopg.errors`.
"""

from typing import ClassVar

import psycopg

_CONFLICTS = frozenset({"55P03", "55006"})
"""lock_not_available, object_in_use."""

_ABSENT = frozenset({"42P01", "42703", "42883", "42704", "3F000", "3D000"})
"""A table, column, function, object, schema or database that is not there."""

_UNAVAILABLE = frozenset({"25006", "57P01", "57P02", "57P03", "57P05", "55000"})
"""Read-only (a standby), being shut down, crashed, starting up, idle too long, not ready."""

_UNAVAILABLE_CLASSES = frozenset({"08", "53", "58"})
"""Connection exception, insufficient resources, system error."""

_STATEMENT_TIMEOUT = "57014"
_FORBIDDEN_STATE = "42501"
_FORBIDDEN_CLASS = "28"
_CONFLICT_CLASS = "40"
_MAX_MESSAGE_CHARS = 500


class StoreError(Exception):
    """Something went wrong between us and PostgreSQL."""

    retryable: ClassVar[bool] = False

    def __init__(self, operation: str, reason: str, *, sqlstate: str = "") -> None:
        """Keep what was tried, what PostgreSQL said, and its code."""
        told = " ".join(reason.split())[:_MAX_MESSAGE_CHARS]
        super().__init__(f"{operation}: {told}" + (f" [{sqlstate}]" if sqlstate else ""))
        self.operation = operation
        self.reason = told
        self.sqlstate = sqlstate


class StoreUnavailableError(StoreError):
    """PostgreSQL cannot be reached or cannot serve now; later it may."""

    retryable: ClassVar[bool] = True


class StoreTimeoutError(StoreUnavailableError):
    """PostgreSQL did not answer within the budget."""


class StoreConflictError(StoreError):
    """Another transaction was in the way; the same work may succeed when repeated."""

    retryable: ClassVar[bool] = True


class StoreForbiddenError(StoreError):
    """The role that we are may not do this, or its password is wrong."""


class SchemaOutdatedError(StoreError):
    """The database's schema is older or newer than this code; `slurmfleet` must migrate it."""


class EditionLostError(StoreError):
    """The server lacks the TimescaleDB, or the licence of it, that the database was made with."""


class StatementError(StoreError):
    """PostgreSQL refused the statement or its values; the fault is ours or the data's."""


def translate(exc: psycopg.Error | UnicodeError, operation: str) -> StoreError:
    """Give our error for one of psycopg's.

    Args:
        exc: What psycopg raised; a text that is no valid Unicode fails before it is sent.
        operation: What was tried: a statement's name, "connect".
    """
    if isinstance(exc, UnicodeError):
        return StatementError(operation, str(exc))
    sqlstate = exc.sqlstate or ""
    return _kind(exc, sqlstate)(operation, _message(exc), sqlstate=sqlstate)


def _message(exc: psycopg.Error) -> str:
    return exc.diag.message_primary or str(exc) or type(exc).__name__


def _kind(exc: psycopg.Error, sqlstate: str) -> type[StoreError]:
    if not sqlstate:
        lost = isinstance(exc, psycopg.OperationalError)
        return StoreUnavailableError if lost else StatementError
    if sqlstate == _STATEMENT_TIMEOUT:
        return StoreTimeoutError
    if sqlstate in _UNAVAILABLE or sqlstate[:2] in _UNAVAILABLE_CLASSES:
        return StoreUnavailableError
    if sqlstate in _CONFLICTS or sqlstate[:2] == _CONFLICT_CLASS:
        return StoreConflictError
    if sqlstate == _FORBIDDEN_STATE or sqlstate[:2] == _FORBIDDEN_CLASS:
        return StoreForbiddenError
    return SchemaOutdatedError if sqlstate in _ABSENT else StatementError
