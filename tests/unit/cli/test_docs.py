"""docs/cli.md is what the command line says of itself."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
_WRITE = ("utils", "docs", "--name", "slurmfleet")


def test_the_page_of_the_command_line_is_up_to_date():
    written = subprocess.run(
        [sys.executable, "-m", "typer", "slurmfleet.cli.main", *_WRITE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    page = (ROOT / "docs" / "cli.md").read_text()
    assert page.rstrip() == written.rstrip(), "run `make docs-cli` and commit the page"
