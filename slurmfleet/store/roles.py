"""The roles of the database and their passwords.

The migrations make them without LOGIN and grant to them; whoever runs the database lets them in.
"""

from collections.abc import Mapping
from enum import StrEnum

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from slurmfleet.store.pool import translated
from slurmfleet.timing.budget import Budget

_LIMIT_S = 10.0


class Role(StrEnum):
    """Who connects, and what it may do."""

    WRITER = "slurmfleet_writer"
    """Writes what was observed; the projector."""

    READER = "slurmfleet_reader"
    """Reads every table; api and mcp."""

    GRAFANA = "slurmfleet_grafana"
    """Reads the views of schema `grafana`, nothing else."""

    KERNELS = "slurmfleet_kernels"
    """Writes the tables of servers, sessions and executions; reads jobs and clusters."""

    LOGBOOK = "slurmfleet_logbook"
    """Writes the logbook's tables; reads jobs, runs and clusters."""


async def let_in(dsn: str, passwords: Mapping[Role, str]) -> None:
    """Let roles log in with these passwords; repeating it changes nothing else.

    The server gets the SCRAM secret alone, so that no password can show up in its log.

    Args:
        dsn: A role that may alter roles.
        passwords: One for each role that shall be able to log in.

    Raises:
        StoreError: In every kind of its tree.
    """
    budget = Budget(operation="let roles in", limit_s=_LIMIT_S)
    with translated(budget.operation):
        async with (
            budget.enforce(),
            await psycopg.AsyncConnection[TupleRow].connect(dsn) as connection,
        ):
            for role, password in passwords.items():
                secret = connection.pgconn.encrypt_password(
                    password.encode(), role.encode(), b"scram-sha-256"
                )
                # ALTER ROLE takes no parameters; both parts are quoted by libpq.
                await connection.execute(
                    sql.SQL("ALTER ROLE {role} LOGIN PASSWORD {secret}").format(
                        role=sql.Identifier(role), secret=sql.Literal(secret.decode())
                    )
                )
