"""What the supervisor says: one line per change, and a panel when all is well."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.panel import Panel

from slurmfleet.cli.output import Output, plain
from slurmfleet.timing.clock import Clock

_NAME = "slurmfleet"


class Reporter:
    """Speaks to the person at the terminal, or as JSON lines to a program."""

    def __init__(self, output: Output, clock: Clock) -> None:
        """Speak through `output`."""
        self._output = output
        self._clock = clock

    def say(self, part: str, what: str) -> None:
        """Tell one change of one part."""
        now = self._clock.now()
        if self._output.as_json:
            self._output.json_line({"at": now.isoformat(), "part": part, "event": what})
            return
        stamp = now.astimezone().strftime("%H:%M:%S")
        self._output.talk.print(f"[dim]{stamp}[/] [bold]{part:<10}[/] {plain(what)}")

    def ready(self, urls: Mapping[str, str], clusters: Sequence[str], *, demo: bool) -> None:
        """Tell that everything runs, and what to do next."""
        if self._output.as_json:
            self._output.json_line(
                {"event": "ready", "urls": dict(urls), "clusters": list(clusters), "demo": demo}
            )
            return
        self._output.talk.print(
            Panel(_welcome(urls, clusters, demo=demo), title="slurmfleet is up", expand=False)
        )


def program() -> str:
    """Give what to type for this program here: its name, or its path where it is not on PATH."""
    if shutil.which(_NAME):
        return _NAME
    beside = Path(sys.executable).with_name(_NAME)
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)


def _welcome(urls: Mapping[str, str], clusters: Sequence[str], *, demo: bool) -> str:
    us = program()
    kind = "simulated clusters" if demo else "cluster" if len(clusters) == 1 else "clusters"
    lines = [
        f"API    {urls['api']}   (pages at {urls['api']}/docs)",
        f"MCP    {urls['mcp']}/mcp",
        f"Board  {len(clusters)} {kind}: {', '.join(clusters)}",
        "",
        "In another terminal:",
        f"  {us} jobs          what runs and what waits",
        f"  {us} status        how old each cluster's picture is",
        f"  {us} doctor        what is wrong, and what mends it",
    ]
    if demo:
        lines += [
            f"  {us} cluster add NAME --host LOGIN_NODE",
            "",
            "No cluster is configured yet, so these are simulated; they go away at",
            "the next start after you have added your own, with `cluster add`.",
        ]
    lines += ["", "Ctrl-C stops everything."]
    return "\n".join(lines)
