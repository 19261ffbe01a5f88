"""A bar on stderr for long work."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from slurmfleet.cli.output import Output, plain

Show = Callable[[str, float, float], None]
"""Told what is being done, how much is done, and of how much."""


@contextmanager
def bar(output: Output, what: str) -> Generator[Show]:
    """Show a bar while the body runs, only where stderr is a terminal."""
    if output.as_json or not output.talk.is_terminal:
        yield lambda _what, _done, _total: None
        return
    columns = (
        TextColumn("[bold]{task.description}[/]"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=output.talk, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def show(now: str, done: float, total: float) -> None:
            progress.update(task, description=f"{what}: {plain(now)}", completed=done, total=total)

        yield show
