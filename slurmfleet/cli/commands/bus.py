"""`slurmfleet bus rights`: what each service may do on the bus, as NATS' configuration."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.text import Text

from slurmfleet.bus.nats_rights import BusUser, bus_users, password_variable, render_authorization
from slurmfleet.cli.options import AsJson
from slurmfleet.cli.output import Output
from slurmfleet.contracts.ids import cluster_name

app = typer.Typer(help="The message bus.", no_args_is_help=True)

_HEADER = """\
# Who may do what on the bus. Written by `slurmfleet bus rights`; change it there.
# Each password comes from a variable of the server's environment, as a string in quotes.
"""


@app.callback()
def bus() -> None:
    """The message bus."""


@app.command()
def rights(
    *,
    collector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLUSTER",
            help="A cluster whose collector gets a login of its own, which may tell facts of it"
            " alone; repeat it. Default: one login for all clusters.",
        ),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Where to; default: standard output.", dir_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the logins of the bus, and what each may do, for nats-server to include.

    Each service gets its login in SLURMFLEET_BUS_USER and SLURMFLEET_BUS_PASSWORD.
    """
    output = Output(as_json=as_json)
    users = bus_users([cluster_name(one) for one in dict.fromkeys(collector or ())])
    text = _HEADER + render_authorization(users)
    if as_json:
        output.json([_row(one) for one in users])
    elif write is None:
        output.show(Text(text.removesuffix("\n"), no_wrap=True))
    if write is not None:
        write.write_text(text, encoding="utf-8")
        output.say(f"{len(users)} logins, {write}.")


def _row(user: BusUser) -> JsonValue:
    return {
        "user": user.name,
        "password_variable": password_variable(user.name),
        "publish": _listed(user.rights.publish),
        "subscribe": _listed(user.rights.subscribe),
        "answers": user.rights.answers,
    }


def _listed(subjects: tuple[str, ...] | None) -> JsonValue:
    return None if subjects is None else list(subjects)
