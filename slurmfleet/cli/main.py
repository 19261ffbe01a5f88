"""The command `slurmfleet`: which words it knows, and where each of them lives.

A module is imported when its word is used: what one command needs, of NATS or PostgreSQL, would
make every other one wait.
"""

import typer

from slurmfleet.cli.group import RootGroup, Word

_STACK = "The stack on this machine"
_BOARD = "The board"
_GROUP = "The group"

RootGroup.words = {
    **{
        name: Word(module, attribute, _STACK)
        for name, module, attribute in (
            ("up", "stack", "up"),
            ("down", "stack", "down"),
            ("status", "status", "status"),
            ("doctor", "doctor", "doctor"),
            ("version", "version", "version"),
            ("backup", "backup", "app"),
            ("restore", "backup", "restore"),
            ("rebuild", "rebuild", "rebuild"),
            ("db", "db", "app"),
            ("bus", "bus", "app"),
        )
    },
    **{
        name: Word(module, attribute, _BOARD)
        for name, module, attribute in (
            ("jobs", "jobs", "jobs"),
            ("job", "jobs", "job"),
            ("logs", "logs", "logs"),
            ("history", "history", "history"),
            ("board", "board", "app"),
            ("cleanup", "cleanup", "cleanup"),
            ("usage", "usage", "usage"),
            ("submit", "submit", "submit"),
            ("cancel", "acting", "cancel"),
            ("hold", "acting", "hold"),
            ("release", "acting", "release"),
            ("requeue", "acting", "requeue"),
            ("run-script", "run_script", "run_script"),
            ("mounts", "mounts", "mounts"),
            ("mount", "mounts", "mount"),
            ("unmount", "mounts", "unmount"),
            ("remount", "mounts", "remount"),
            ("events", "events", "app"),
            ("cluster", "cluster", "app"),
            ("hosts", "hosts", "app"),
            ("mcp", "mcp", "mcp"),
        )
    },
    **{
        name: Word(module, attribute, _GROUP)
        for name, module, attribute in (
            ("team", "documents", "team"),
            ("account", "documents", "account"),
            ("path", "documents", "path"),
            ("filter", "documents", "filters"),
            ("project", "documents", "project"),
            ("config", "config", "app"),
            ("token", "token", "app"),
            ("audit", "audit", "app"),
            ("settings", "config", "settings"),
            ("get", "config", "get"),
            ("set", "config", "set_"),
        )
    },
}

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


@app.callback()
def slurmfleet() -> None:
    """One live view over every Slurm cluster your group uses."""


if __name__ == "__main__":
    app()
