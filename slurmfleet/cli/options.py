"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Base URL of the API; default: the running stack.", metavar="URL"),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where the embedded stack keeps its data (SLURMFLEET_DATA_DIR).",
        metavar="DIR",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ClusterArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the cluster.")]
