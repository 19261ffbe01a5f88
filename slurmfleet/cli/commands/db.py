"""`slurmfleet db migrate`: brings a database to this version's schema, for compose and admins."""

import asyncio
from typing import Annotated

import typer
from rich.text import Text

from slurmfleet.cli.errors import CliError, FailedError, UnreachableError
from slurmfleet.cli.options import AsJson
from slurmfleet.cli.output import Output
from slurmfleet.cli.settings import CliSettings, RolePasswords
from slurmfleet.store.errors import StoreError, StoreUnavailableError
from slurmfleet.store.migrate import Migrated, Migration
from slurmfleet.store.migrate import migrate as migrate_store
from slurmfleet.store.roles import Role, let_in

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.callback()
def db() -> None:
    """The database's schema."""


@app.command()
def migrate(
    *,
    dsn: Annotated[
        str,
        typer.Option(help="Owner's address of the database; default: SLURMFLEET_STORE_DSN."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Apply missing migrations and let the roles in whose passwords are given.

    The passwords come from SLURMFLEET_WRITER_PASSWORD, _READER_PASSWORD,
    _GRAFANA_PASSWORD, _KERNELS_PASSWORD and _LOGBOOK_PASSWORD.
    """
    output = Output(as_json=as_json)
    address = dsn or CliSettings().store_dsn.get_secret_value()
    if not address:
        raise typer.BadParameter("No database is named: give --dsn or set SLURMFLEET_STORE_DSN.")
    try:
        done = asyncio.run(_migrate(address, output))
    except StoreError as exc:
        raise _as_cli_error(exc) from exc
    if as_json:
        output.json(
            {
                "version": done.version,
                "edition": done.edition,
                "applied": list(done.applied),
                "leaves_timescale_unused": done.leaves_timescale_unused,
            }
        )
    else:
        what = f"{len(done.applied)} applied" if done.applied else "nothing to do"
        output.show(Text(f"Schema version {done.version}, {done.edition} edition: {what}."))
        if done.leaves_timescale_unused:
            output.say(
                "This server has TimescaleDB, and the database was made without it. To use it,"
                " restore a backup into a new database; docs/editions.md."
            )


async def _migrate(dsn: str, output: Output) -> Migrated:
    def tell(migration: Migration, place: int, total: int) -> None:
        output.say(f"{place} of {total}: {migration.name}")

    done = await migrate_store(dsn, on_progress=tell)
    given = RolePasswords()
    passwords = {
        Role.WRITER: given.writer_password.get_secret_value(),
        Role.READER: given.reader_password.get_secret_value(),
        Role.GRAFANA: given.grafana_password.get_secret_value(),
        Role.KERNELS: given.kernels_password.get_secret_value(),
        Role.LOGBOOK: given.logbook_password.get_secret_value(),
    }
    await let_in(dsn, {role: secret for role, secret in passwords.items() if secret})
    return done


def _as_cli_error(error: StoreError) -> CliError:
    if isinstance(error, StoreUnavailableError):
        return UnreachableError(
            f"The database cannot be reached: {error}.", remedy="Check the address and the server."
        )
    return FailedError(f"The database cannot be migrated: {error}.")
