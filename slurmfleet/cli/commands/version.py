"""`slurmfleet version`."""

import platform
from importlib.metadata import version as installed

from rich.text import Text

from slurmfleet.cli.options import AsJson
from slurmfleet.cli.output import Output


def version(*, as_json: AsJson = False) -> None:
    """Print the version."""
    output = Output(as_json=as_json)
    ours, python = installed("slurmfleet"), platform.python_version()
    if as_json:
        output.json({"slurmfleet": ours, "python": python})
    else:
        output.show(Text(f"slurmfleet {ours} (Python {python})"))
