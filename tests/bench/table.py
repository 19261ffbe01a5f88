"""Results as a table for people and as JSON for programs."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from tests.bench.measure import Result

_VERDICTS = {None: ("", "dim"), True: ("met", "green"), False: ("NOT MET", "bold red")}
_LARGE = 100


def machine() -> str:
    """Say in one line where this was measured."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()},"
        f" Python {platform.python_version()}"
    )


def as_table(results: Sequence[Result], *, size: str) -> Table:
    """Draw every number beside its budget; what has none is drawn too."""
    table = Table(title=f"slurmfleet bench, {size}: {machine()}")
    for heading in ("measured", "value", "unit", "budget", "ratio", "", "beside it"):
        table.add_column(heading, justify="right" if heading in {"value", "ratio"} else "left")
    group = ""
    for one in results:
        if one.group != group:
            group = one.group
            table.add_section()
            table.add_row(Text(group, style="bold"))
        word, style = _VERDICTS[one.met]
        table.add_row(
            one.what,
            number(one.value) if one.value is not None else "—",
            one.unit,
            f"{one.budget.bound} {number(one.budget.value)}" if one.budget else "—",
            f"{one.ratio:.2f}" if one.ratio is not None else "",
            Text(word, style=style),
            beside(one),
        )
    return table


def beside(result: Result) -> str:
    """Give what stands beside a number: its parts, and what is to be known of it."""
    parts = [f"{name} {number(value)}" for name, value in result.detail.items()]
    return ", ".join([*parts, *([result.remark] if result.remark else [])])


def as_json(results: Sequence[Result], *, size: str) -> str:
    """Give everything that was measured."""
    rows = [{**asdict(one), "ratio": one.ratio, "met": one.met} for one in results]
    return json.dumps({"size": size, "machine": machine(), "results": rows}, indent=2)


def number(value: float) -> str:
    """Give a number with as many digits as mean something."""
    if value >= _LARGE:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.1f}"
