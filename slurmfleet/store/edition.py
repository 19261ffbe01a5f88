"""Which PostgreSQL this is: with TimescaleDB of either licence, or plain.

Source: TimescaleDB 2.x, setting `timescaledb.license` ("timescale" or "apache").
"""

from enum import StrEnum

from slurmfleet.store.errors import EditionLostError
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
    """Tell which edition this database is.

    Its first migration settles that: tables that were made plain stay plain when the server gets
    TimescaleDB later. A database without migrations is what the server offers.
    """
    recorded = await _recorded(connection)
    return await offered_edition(connection) if recorded is None else recorded


async def offered_edition(connection: Connection) -> Edition:
    """Ask what a database on this server, with what is installed in it, could be."""
    cursor = await connection.execute(statement("find_edition").text)
    row = await cursor.fetchone()
    installed, licence = row or (False, None)
    if not installed:
        return Edition.PLAIN
    return Edition.APACHE if licence == "apache" else Edition.COMMUNITY


async def prepare_edition(connection: Connection) -> Edition:
    """Settle which edition migrations are to be applied as; a new database gets what there is.

    Must be the first thing that its session does: TimescaleDB refuses to be made later.

    Raises:
        EditionLostError: The server lacks what this database was made with.
    """
    recorded = await _recorded(connection)
    if recorded is Edition.PLAIN:
        return recorded
    await _install_timescale(connection)
    offered = await offered_edition(connection)
    if recorded is None:
        return offered
    if not _can_serve(offered, recorded):
        raise EditionLostError(
            "migrate",
            f"the database was made for TimescaleDB ({recorded} edition) and the server offers the"
            f" {offered} edition; start it with TimescaleDB under the licence that it had",
        )
    return recorded


async def has_timescale(connection: Connection) -> bool:
    """Ask whether the server has loaded TimescaleDB, in whichever databases it is used."""
    cursor = await connection.execute(statement("find_timescale").text)
    row = await cursor.fetchone()
    return any(row or ())


def _can_serve(offered: Edition, recorded: Edition) -> bool:
    return offered is recorded or (offered, recorded) == (Edition.COMMUNITY, Edition.APACHE)


async def _recorded(connection: Connection) -> Edition | None:
    cursor = await connection.execute(statement("find_migrations").text)
    row = await cursor.fetchone()
    if row is None or not row[0]:
        return None
    cursor = await connection.execute(statement("recorded_edition").text)
    row = await cursor.fetchone()
    return None if row is None else Edition(row[0])


async def _install_timescale(connection: Connection) -> None:
    cursor = await connection.execute(statement("find_timescale").text)
    available, installed = await cursor.fetchone() or (False, False)
    if available and not installed:
        await connection.execute(statement("install_timescale").text)
