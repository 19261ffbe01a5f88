"""`slurmfleet usage` and `slurmfleet history` against a small API on a real socket."""

import asyncio
import json

from typer.testing import Result

from slurmfleet.cli.where import Door
from tests.unit.cli.conftest import TinyApi, run_cli

USAGE = "/v1/usage/history"
FRESH = {"observed_at": None, "age_s": None, "stale": False, "clusters": {}, "next_cursor": None}


async def run(door: Door, *arguments: str) -> Result:
    return await asyncio.to_thread(run_cli, *arguments, "--url", door.url)


def used(day: str, user: str, hours: float, **more: object) -> dict[str, object]:
    return {"day": day, "user": user, "gpu_hours": hours, "cpu_hours": 1.0, "jobs": 4, **more}


async def test_use_is_a_table_with_its_sum(tiny_api: TinyApi, door: Door):
    rows = [
        used("2026-01-01", "ada", 1_234.5, sampled_gpu_hours=617.25, gpu_utilization_pct=41.7),
        used("2026-01-01", "bob", 0.5, wasted_gpu_hours=0.5),
    ]
    tiny_api.put(USAGE, {"items": rows, **FRESH})

    result = await run(door, "usage", "--by", "day", "--by", "user", "--days", "3")

    head, first, second = (line.split() for line in result.stdout.splitlines()[:3])
    assert head == ["DAY", "USER", "GPU-H", "WASTED", "USE", "CPU-H", "JOBS", "FAILED", "LIVE"]
    assert first == ["2026-01-01", "ada", "1,234.5", "0.0", "42", "%", "1.0", "4", "0", "0"]
    assert second == ["2026-01-01", "bob", "0.5", "0.5", "1.0", "4", "0", "0"]
    assert "1,235.0 GPU hours in all. USE is the mean of the 50 % that" in result.stdout


async def test_an_empty_period_says_so_and_json_is_what_the_api_said(tiny_api: TinyApi, door: Door):
    tiny_api.put(USAGE, {"items": [], **FRESH})

    told = [await run(door, "usage", *more) for more in ([], ["--json"])]

    assert told[0].stdout.strip() == "Nothing ran in these days."
    assert json.loads(told[1].stdout)["items"] == []


async def test_a_group_that_is_none_is_a_wrong_use(door: Door):
    assert (await run(door, "usage", "--by", "week")).exit_code == 2


async def test_history_shows_what_is_over_and_how_to_go_on(tiny_api: TinyApi, door: Door):
    job = {
        "cluster": "alpha",
        "job_id": "7",
        "name": "llm_train",
        "user": "ada",
        "project": "llm",
        "state": "FAILED",
        "exit_code": 3,
        "gpus": 8,
        "submitted_at": "2026-01-01T09:00:00Z",
        "started_at": "2026-01-01T10:00:00Z",
        "ended_at": "2026-01-01T12:30:00Z",
        "observed_at": "2026-01-01T12:31:00Z",
        "age_s": 5.0,
        "stale": False,
        "stale_reason": "",
    }
    page = {"items": [job], **FRESH, "next_cursor": "abc"}
    tiny_api.put("/v1/jobs", page)

    result = await run(door, "history", "train", "--state", "FAILED")

    assert result.exit_code == 0
    assert "llm_train" in result.stdout
    assert "FAILED (3)" in result.stdout
    assert "--cursor abc" in result.stdout
