"""Real parts that integration suites share."""

from tests.plugins.postgres import (
    database,
    database_server,
    store_reader,
    store_writer,
    timescale_server,
    wheel_server,
)

__all__ = [
    "database",
    "database_server",
    "store_reader",
    "store_writer",
    "timescale_server",
    "wheel_server",
]
