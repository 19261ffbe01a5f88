"""A script that a person names on the command line: a file here, or standard input."""

import sys
from pathlib import Path

from slurmfleet.cli.errors import FailedError


def read_script(script: Path, *, most: int) -> str:
    """Give the text of a script; `-` is standard input, read to just beyond `most`.

    Raises:
        FailedError: It cannot be read, or is no text.
    """
    try:
        if str(script) == "-":
            return sys.stdin.read(most + 1)
        return script.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise FailedError(
            f"{script} cannot be read: {exc}.", remedy="Name a script of text."
        ) from exc
