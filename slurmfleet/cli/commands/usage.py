"""`slurmfleet usage`: what jobs held, by day and by whom."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from slurmfleet.cli.answers import UsageAnswer, UsageList
from slurmfleet.cli.client import ApiClient, Params, understood
from slurmfleet.cli.options import AsJson, Url
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.running import with_api
from slurmfleet.timing.clock import SystemClock

_NO_NAMES: list[str] = []
Names = Annotated[list[str], typer.Option(help="May be given more than once.", metavar="NAME")]


class By(StrEnum):
    """What rows are told apart by."""

    DAY = "day"
    CLUSTER = "cluster"
    USER = "user"
    ACCOUNT = "account"
    PROJECT = "project"
    PARTITION = "partition"


_BY_DAY = [By.DAY]
_NUMBERS = (
    Column("GPU-H", right=True),
    Column("WASTED", right=True),
    Column("USE", right=True),
    Column("CPU-H", right=True),
    Column("JOBS", right=True),
    Column("FAILED", right=True),
    Column("LIVE", right=True),
)


def usage(
    *,
    by: Annotated[
        list[By], typer.Option("--by", help="What rows are told apart by; more than once.")
    ] = _BY_DAY,
    days: Annotated[
        int, typer.Option(min=1, max=3_660, help="So many days, today among them.")
    ] = 14,
    cluster: Names = _NO_NAMES,
    user: Names = _NO_NAMES,
    account: Names = _NO_NAMES,
    project: Names = _NO_NAMES,
    partition: Names = _NO_NAMES,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add up what jobs held: GPU hours, what was wasted, how well GPUs were used. Days are UTC."""
    output = Output(as_json=as_json)
    tomorrow = SystemClock().now().date() + timedelta(days=1)
    params: Params = {
        "since": (tomorrow - timedelta(days=days)).isoformat(),
        "until": tomorrow.isoformat(),
        "by": [one.value for one in by],
        "cluster": cluster,
        "user": user,
        "account": account,
        "project": project,
        "partition": partition,
    }

    async def show(api: ApiClient) -> None:
        document = await api.get("/v1/usage/history", params)
        if as_json:
            output.json(document)
        else:
            output.show(usage_page(document, by))

    with_api(url, show)


def usage_page(document: JsonValue, by: list[By]) -> RenderableType:
    """Give a table of use, with its sum."""
    rows = understood(document, UsageList).items
    if not rows:
        return Text("Nothing ran in these days.")
    groups = tuple(dict.fromkeys(by))
    columns = (*(Column(one.upper(), elastic=one is not By.DAY) for one in groups), *_NUMBERS)
    cells = [[*(_name(row, one) for one in groups), *_numbers(row)] for row in rows]
    return Group(table(columns, cells), Text(), Text(_sum(rows)))


def _sum(rows: Sequence[UsageAnswer]) -> str:
    held = sum(row.gpu_hours for row in rows)
    sampled = sum(row.sampled_gpu_hours for row in rows)
    total = f"{held:,.1f} GPU hours in all."
    if not sampled:
        return total
    return f"{total} USE is the mean of the {100 * sampled / held:.0f} % that were sampled."


def _name(row: UsageAnswer, by: By) -> str:
    value = getattr(row, by.value)
    return value or "-"


def _numbers(row: UsageAnswer) -> list[str]:
    use = row.gpu_utilization_pct
    return [
        f"{row.gpu_hours:,.1f}",
        f"{row.wasted_gpu_hours:,.1f}",
        "" if use is None else f"{use:.0f} %",
        f"{row.cpu_hours:,.1f}",
        f"{row.jobs:,}",
        f"{row.failed_jobs:,}",
        f"{row.live_jobs:,}",
    ]
