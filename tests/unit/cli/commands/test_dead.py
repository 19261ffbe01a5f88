"""`slurmfleet events dead` against a small API on a real socket."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from typer.testing import Result

from slurmfleet.cli.where import Door
from tests.unit.cli.conftest import TinyApi, run_cli

DEAD = "/v1/events/dead"


async def run(door: Door, *arguments: str) -> Result:
    return await asyncio.to_thread(run_cli, "events", "dead", *arguments, "--url", door.url)


def letters(*numbers: int) -> dict[str, object]:
    return {"items": [letter(one) for one in numbers], "next_cursor": None, "total": len(numbers)}


def letter(number: int) -> dict[str, object]:
    return {
        "sequence": number,
        "put_aside_at": "2026-01-01T12:00:00Z",
        "subject": "fleet.v1.alpha.job.ended",
        "cluster": "alpha",
        "facts": None,
        "delivered_count": 1,
        "retries": 0,
        "reason": "no pack",
        "size_bytes": 9,
    }


async def test_the_list_shows_number_and_reason(tiny_api: TinyApi, door: Door):
    tiny_api.put(DEAD, letters(3))

    result = await run(door)

    assert result.exit_code == 0
    assert "no pack" in result.stdout
    assert "fleet.v1.alpha.job.ended" in result.stdout


async def test_one_is_shown_with_the_head_of_its_body(tiny_api: TinyApi, door: Door):
    opened = {"letter": letter(3), "headers": {"ce-id": "x"}, "decoded": [], "body_hex": "ff00"}
    tiny_api.put(f"{DEAD}/3", opened)

    page, document = (
        await run(door, "show", "3"),
        await run(door, "show", "3", "--json"),
    )

    assert all(text in page.stdout for text in ("no pack", "ff00", "ce-id"))
    assert json.loads(document.stdout) == opened


async def test_all_that_lie_there_are_told_again(tiny_api: TinyApi, door: Door):
    tiny_api.put(DEAD, letters(3, 5))
    for number in (3, 5):
        tiny_api.put(f"{DEAD}/{number}/retry", {})

    result = await run(door, "retry", "--all", "--json")

    assert json.loads(result.stdout) == {"done": [3, 5], "failed": []}
    assert tiny_api.asked[1:] == [f"POST {DEAD}/3/retry", f"POST {DEAD}/5/retry"]


async def test_one_that_fails_does_not_keep_the_others(tiny_api: TinyApi, door: Door):
    tiny_api.put(f"{DEAD}/3/retry", {"code": "not_found", "detail": "There is none."}, 404)
    tiny_api.put(f"{DEAD}/5/retry", {})

    result = await run(door, "retry", "3", "5", "--json")

    assert result.exit_code == 3
    assert json.loads(result.stdout) == {"done": [5], "failed": [3]}


@pytest.mark.parametrize("arguments", [("retry",), ("retry", "3", "--all"), ("show", "0")])
async def test_a_wrong_command_line_asks_nothing(
    tiny_api: TinyApi, door: Door, arguments: Sequence[str]
):
    result = await run(door, *arguments)

    assert (result.exit_code, tiny_api.asked) == (2, [])


async def test_dropping_asks_first(tiny_api: TinyApi, door: Door):
    tiny_api.put(f"{DEAD}/3", {})

    refused = await run(door, "drop", "3", "--json")
    asked_before = list(tiny_api.asked)
    agreed = await run(door, "drop", "3", "--yes")

    assert (refused.exit_code, asked_before) == (5, [])
    assert (agreed.exit_code, tiny_api.asked) == (0, [f"DELETE {DEAD}/3"])


async def test_an_option_before_the_word_is_not_passed_over(tiny_api: TinyApi, door: Door):
    result = await asyncio.to_thread(run_cli, "events", "--limit", "3", "dead", "--url", door.url)

    assert (result.exit_code, tiny_api.asked) == (2, [])
