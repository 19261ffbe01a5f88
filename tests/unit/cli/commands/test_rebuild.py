"""`slurmfleet rebuild` against a small API on a real socket."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from typer.testing import Result

from slurmfleet.cli.where import Door
from tests.unit.cli.conftest import TinyApi, run_cli

CURRENT = "/v1/rebuilds/current"


async def run(door: Door, *arguments: str) -> Result:
    return await asyncio.to_thread(run_cli, "rebuild", *arguments, "--url", door.url)


def report(**changes: object) -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    jobs = {"table": "jobs", "checked": 12_000, "mended": 3, "added": 1, "unexplained": 2}
    return {
        "projection": "jobs",
        "prune": False,
        "phase": "done",
        "started_at": now,
        "reported_at": now,
        "facts": 36_000,
        "tables": [jobs],
        **changes,
    }


async def test_what_was_mended_is_a_table_and_unexplained_rows_are_explained(
    tiny_api: TinyApi, door: Door
):
    tiny_api.put(CURRENT, report())

    result = await run(door, "--show")

    head, row = (line.split() for line in result.stdout.splitlines()[:2])
    assert result.exit_code == 0
    assert head == ["TABLE", "CHECKED", "MENDED", "ADDED", "KEPT", "UNEXPLAINED", "REMOVED"]
    assert row == ["jobs", "12,000", "3", "1", "0", "2", "0"]
    assert "--prune" in result.stderr


async def test_where_the_stream_has_holes_nobody_is_told_to_prune(tiny_api: TinyApi, door: Door):
    tiny_api.put(CURRENT, report(lost_messages=5))

    result = await run(door, "--show")

    assert "lost 5 messages" in " ".join(result.stderr.split())
    assert "--prune" not in result.stderr


async def test_json_is_what_the_api_said(tiny_api: TinyApi, door: Door):
    tiny_api.put(CURRENT, report())

    assert json.loads((await run(door, "--show", "--json")).stdout)["facts"] == 36_000


async def test_one_that_failed_is_a_failure_with_its_reason(tiny_api: TinyApi, door: Door):
    tiny_api.put(CURRENT, report(phase="failed", error="the disk is full", tables=[]))

    result = await run(door, "--show")

    assert result.exit_code == 1
    assert "the disk is full" in result.stderr


async def test_one_that_fell_silent_died_with_its_projector(tiny_api: TinyApi, door: Door):
    long_ago = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    tiny_api.put(CURRENT, report(phase="reading", reported_at=long_ago))

    result = await run(door, "--show")

    assert result.exit_code == 1
    assert "told nothing for" in result.stderr
    assert "Begin another" in " ".join(result.stderr.split())


async def test_only_what_can_be_rebuilt_is_taken(door: Door):
    assert (await run(door, "--projection", "samples")).exit_code == 2
