"""Connections to PostgreSQL, kept and renewed; every call has a budget and our own errors."""

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow, class_row, scalar_row
from psycopg_pool import AsyncConnectionPool

from slurmfleet.store.errors import StoreTimeoutError, StoreUnavailableError, translate
from slurmfleet.store.statements import statement
from slurmfleet.timing.budget import Budget, BudgetExceededError

Row = TypeVar("Row")
Connection = psycopg.AsyncConnection[TupleRow]
Params = Mapping[str, object]

_RECONNECT_FOR_S = 2.0
"""The pool doubles its pause without bound; after this it starts afresh at the next call."""

_IDLE_S = 300.0
_CLOSE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """How one process connects; plain values, read from the environment by its own settings."""

    dsn: str
    """libpq's key words or URL; may hold the password."""

    application_name: str
    """Shown in pg_stat_activity: "slurmfleet api"."""

    min_connections: int = 1
    max_connections: int = 8
    acquire_timeout_s: float = 2.0
    """How long a call waits for a connection before the store counts as down."""

    statement_timeout_s: float = 10.0
    """PostgreSQL itself stops a statement that runs longer."""

    call_timeout_s: float = 15.0
    """Our own limit for one call, when PostgreSQL does not even say that it stopped."""


class StorePool:
    """Connections of one process; an async context manager that starts without the server too."""

    def __init__(self, settings: StoreSettings) -> None:
        """Keep the settings; nothing is connected yet."""
        self._settings = settings
        self._pool: AsyncConnectionPool[Connection] | None = None

    @property
    def settings(self) -> StoreSettings:
        """How this pool connects."""
        return self._settings

    async def open(self) -> None:
        """Start connecting in the background; returns at once, with or without a server."""
        wanted = self._settings
        self._pool = AsyncConnectionPool(
            conninfo(wanted),
            connection_class=Connection,
            kwargs={"autocommit": True},
            min_size=wanted.min_connections,
            max_size=wanted.max_connections,
            timeout=wanted.acquire_timeout_s,
            max_idle=_IDLE_S,
            reconnect_timeout=_RECONNECT_FOR_S,
            check=AsyncConnectionPool.check_connection,
            name=wanted.application_name,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close(timeout=_CLOSE_S)

    async def __aenter__(self) -> Self:
        """Open."""
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    @asynccontextmanager
    async def connection(self, operation: str) -> AsyncGenerator[Connection]:
        """Lend a connection in autocommit mode, for at most one call's budget.

        Args:
            operation: What is done with it, for errors.

        Raises:
            StoreError: In every kind of its tree.
        """
        if self._pool is None:
            raise StoreUnavailableError(operation, "the pool is not open")
        with translated(operation):
            budget = Budget(operation=operation, limit_s=self._settings.call_timeout_s)
            async with budget.enforce(), self._pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self, operation: str) -> AsyncGenerator[Connection]:
        """Lend a connection inside one transaction: all of it or nothing.

        Raises:
            StoreError: In every kind of its tree.
        """
        async with self.connection(operation) as connection, connection.transaction():
            yield connection

    async def rows(self, name: str, row: type[Row], params: Params) -> list[Row]:
        """Run a named statement; columns become the row's fields.

        Raises:
            StoreError: In every kind of its tree.
        """
        async with self.connection(name) as connection:
            cursor = connection.cursor(row_factory=class_row(row))
            await cursor.execute(statement(name).text, params)
            return await cursor.fetchall()

    async def rows_within(
        self, limit_ms: int, name: str, row: type[Row], params: Params
    ) -> list[Row]:
        """Run a named statement that PostgreSQL gives up after so many milliseconds.

        Raises:
            StoreTimeoutError: It took longer; the connection is as good as before.
            StoreError: In every other kind of its tree.
        """
        async with self.transaction(name) as connection:
            await connection.execute(statement("limit_statement").text, {"limit_ms": str(limit_ms)})
            cursor = connection.cursor(row_factory=class_row(row))
            await cursor.execute(statement(name).text, params)
            return await cursor.fetchall()

    async def values(self, name: str, params: Params) -> Sequence[object]:
        """Run a named statement; give the first column of each row.

        Raises:
            StoreError: In every kind of its tree.
        """
        async with self.connection(name) as connection:
            cursor = connection.cursor(row_factory=scalar_row)
            await cursor.execute(statement(name).text, params)
            return await cursor.fetchall()


def conninfo(settings: StoreSettings) -> str:
    """Give libpq's connection string for this process.

    Plans are made for the values at hand: one list statement serves every combination of filters,
    and a plan that fits all of them fits none.
    """
    timeout_ms = round(settings.statement_timeout_s * 1_000)
    return make_conninfo(
        settings.dsn,
        application_name=settings.application_name,
        connect_timeout=max(2, round(settings.acquire_timeout_s)),
        options=f"-c statement_timeout={timeout_ms} -c plan_cache_mode=force_custom_plan"
        " -c timezone=UTC -c jit=off",
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
        tcp_user_timeout=30_000,
    )


@contextmanager
def translated(operation: str) -> Generator[None]:
    """Turn the driver's errors, and an overrun budget, into our own."""
    try:
        yield
    except (psycopg.Error, UnicodeError) as exc:
        raise translate(exc, operation) from exc
    except BudgetExceededError as exc:
        raise StoreTimeoutError(operation, str(exc)) from exc
