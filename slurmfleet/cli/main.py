"""The command `slurmfleet`: which words it knows."""

import typer

from slurmfleet.cli.commands import (
    audit,
    backup,
    bus,
    cluster,
    config,
    db,
    documents,
    events,
    hosts,
    token,
)
from slurmfleet.cli.commands.acting import cancel, hold, release, requeue
from slurmfleet.cli.commands.backup import restore
from slurmfleet.cli.commands.doctor import doctor
from slurmfleet.cli.commands.history import history
from slurmfleet.cli.commands.jobs import job, jobs
from slurmfleet.cli.commands.logs import logs
from slurmfleet.cli.commands.mcp import mcp
from slurmfleet.cli.commands.mounts import mount, mounts, remount, unmount
from slurmfleet.cli.commands.rebuild import rebuild
from slurmfleet.cli.commands.run_script import run_script
from slurmfleet.cli.commands.stack import down, up
from slurmfleet.cli.commands.status import status
from slurmfleet.cli.commands.submit import submit
from slurmfleet.cli.commands.usage import usage
from slurmfleet.cli.commands.version import version
from slurmfleet.cli.group import RootGroup

app = typer.Typer(
    name="slurmfleet",
    cls=RootGroup,
    help="One live view over every Slurm cluster your group uses.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every command takes --json. Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, "
    "4 unreachable, 5 refused.",
    pretty_exceptions_enable=False,
)

_STACK = "The stack on this machine"
_BOARD = "The board"
_GROUP = "The group"

for function in (up, down, status, doctor, version):
    app.command(rich_help_panel=_STACK)(function)
app.add_typer(backup.app, name="backup", rich_help_panel=_STACK)
app.command(rich_help_panel=_STACK)(restore)
app.command(rich_help_panel=_STACK)(rebuild)
app.add_typer(db.app, name="db", rich_help_panel=_STACK)
app.add_typer(bus.app, name="bus", rich_help_panel=_STACK)
for function in (
    *(jobs, job, logs, history, usage, submit, cancel, hold, release, requeue),
    *(run_script, mounts, mount, unmount, remount),
):
    app.command(rich_help_panel=_BOARD)(function)
app.add_typer(events.app, name="events", rich_help_panel=_BOARD)
app.add_typer(cluster.app, name="cluster", rich_help_panel=_BOARD)
app.add_typer(hosts.app, name="hosts", rich_help_panel=_BOARD)
app.command(rich_help_panel=_BOARD)(mcp)
for name, room in documents.APPS.items():
    app.add_typer(room, name=name, rich_help_panel=_GROUP)
app.add_typer(config.app, name="config", rich_help_panel=_GROUP)
app.add_typer(token.app, name="token", rich_help_panel=_GROUP)
app.add_typer(audit.app, name="audit", rich_help_panel=_GROUP)
app.command("settings", rich_help_panel=_GROUP)(config.settings)
app.command("get", rich_help_panel=_GROUP)(config.get)
app.command("set", rich_help_panel=_GROUP)(config.set_)

if __name__ == "__main__":
    app()
