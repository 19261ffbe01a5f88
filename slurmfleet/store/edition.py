"""Which PostgreSQL this is: with TimescaleDB of either licence, or plain.

Source: TimescaleDB 2.x, setting `timescaledb.license` ("timescale" or "apache").
"""

from enum import StrEnum

from slurmfleet.store.pool import Connection
from slurmfleet.store.statements import statement


class Edition(StrEnum):
    """What the schema may use; the readers see the same names in all of them."""

    COMMUNITY = "community"
    """TimescaleDB with compression, continuous aggregates and retention policies."""

    APACHE = "apache"
    """TimescaleDB with hypertables alone; what Debian ships."""

    PLAIN = "plain"
    """No TimescaleDB."""

    @property
    def has_hypertables(self) -> bool:
        """Whether measurements lie in hypertables."""
        return self is not Edition.PLAIN


async def find_edition(connection: Connection) -> Edition:
    """Ask the database which edition it is."""
    cursor = await connection.execute(statement("find_edition").text)
    row = await cursor.fetchone()
    installed, licence = row or (False, None)
    if not installed:
        return Edition.PLAIN
    return Edition.APACHE if licence == "apache" else Edition.COMMUNITY


async def install_timescale(connection: Connection) -> bool:
    """Make the extension in this database if the server has loaded it; say whether it is there.

    Must be the first thing that its session does: TimescaleDB refuses to be made later.
    """
    cursor = await connection.execute(statement("find_timescale").text)
    row = await cursor.fetchone()
    available, installed = row or (False, False)
    if available and not installed:
        await connection.execute(statement("install_timescale").text)
    return bool(available or installed)
