"""Real parts that integration suites share."""

from tests.plugins.postgres import (
    community_server,
    database,
    database_server,
    store_reader,
    store_writer,
    timescale_server,
    wheel_server,
)

__all__ = [
    "community_server",
    "database",
    "database_server",
    "store_reader",
    "store_writer",
    "timescale_server",
    "wheel_server",
]
