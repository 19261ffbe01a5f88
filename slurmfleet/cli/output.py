"""Standard output carries data and nothing else; everything said to the person goes to stderr."""

import json
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import get_terminal_size

from pydantic import JsonValue
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slurmfleet.cli.errors import CliError, ExitCode
from slurmfleet.contracts.text import clean_line

_WIDE_COLUMNS = 200
"""Where the output is no terminal and nothing says how wide it is."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    right: bool = False
    """Numbers stand to the right."""

    elastic: bool = False
    """Gives way first where the terminal is narrow."""


class Output:
    """Where a command says what it found."""

    def __init__(self, *, as_json: bool) -> None:
        """Look at the terminal; colours follow NO_COLOR."""
        self.as_json = as_json
        width = None if sys.stdout.isatty() else get_terminal_size((_WIDE_COLUMNS, 25)).columns
        self.data = Console(highlight=False, width=width)
        self.talk = Console(stderr=True, highlight=False)

    def json(self, document: JsonValue) -> None:
        """Print one JSON document."""
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def json_line(self, document: JsonValue) -> None:
        """Print one JSON document on one line, at once."""
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def show(self, what: RenderableType) -> None:
        """Print data for a person."""
        self.data.print(what)

    def say(self, text: str) -> None:
        """Tell the person something that is no data; kept back under --json."""
        if not self.as_json:
            self.talk.print(text)

    @contextmanager
    def waiting(self, what: str) -> Generator[Callable[[str], None]]:
        """Show that something goes on, only where stderr is a terminal; gives what changes it."""
        if self.as_json or not self.talk.is_terminal:
            yield lambda _: None
            return
        with self.talk.status(what) as status:
            yield lambda now: status.update(escape(now))


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]]) -> Table:
    """Make a table without lines; elastic columns give way until it fits the terminal."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=not column.elastic,
            overflow="ellipsis",
        )
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def pairs(rows: Iterable[tuple[str, str | Text]], *, name_width: int | None = None) -> Table:
    """Make a list of names and values; long values wrap, empty ones are left out.

    Args:
        rows: Names and values.
        name_width: At least so many columns for the names, so that lists below one another align.
    """
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_column(style="bold", no_wrap=True, min_width=name_width)
    made.add_column(overflow="fold")
    for name, value in rows:
        if value:
            made.add_row(name, _text(value))
    return made


def _cell(value: str | Text) -> Text:
    """Give a cell that is one line: text of others is never read as markup."""
    text = _text(value)
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text


def _text(value: str | Text) -> Text:
    """Give a value to print; text of others may hold what would turn or forge the terminal."""
    return Text(clean_line(value)) if isinstance(value, str) else value


def plain(text: str) -> str:
    """Give text of others so that rich does not read it as markup."""
    return escape(text)


def write_error(error: CliError, *, as_json: bool) -> ExitCode:
    """Tell what went wrong, on stderr; give the exit code."""
    if as_json:
        document = {
            "code": error.code,
            "detail": error.detail,
            "remedy": error.remedy,
            "exit_code": int(error.exit_code),
        }
        sys.stderr.write(json.dumps(document, ensure_ascii=False) + "\n")
    else:
        console = Console(stderr=True, highlight=False)
        console.print(f"[bold red]error:[/] {plain(error.detail)}", soft_wrap=True)
        if error.remedy:
            console.print(f"  [bold]fix:[/] {plain(error.remedy)}", soft_wrap=True)
    return error.exit_code
