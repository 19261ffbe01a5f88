"""`slurmfleet history` asks on until a search has filled its page, or is over."""

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import Result

from slurmfleet.cli.where import Door
from tests.unit.cli.conftest import TinyApi, job, page, run_cli

BACK_TO = "2026-01-01T00:00:00Z"


async def run(door: Door, *arguments: str) -> Result:
    return await asyncio.to_thread(run_cli, *arguments, "--url", door.url)


def over(number: int) -> dict[str, object]:
    return job(job_id=str(number), state="COMPLETED", live=False, ended_at="2026-01-01T11:30:00Z")


def asked_with(tiny_api: TinyApi) -> list[tuple[str, str]]:
    """Give limit and cursor of each question."""
    questions = [parse_qs(urlsplit(one).query) for one in tiny_api.asked]
    return [(one["limit"][0], one.get("cursor", [""])[0]) for one in questions]


@pytest.mark.parametrize("command", [["history", "old"], ["jobs", "--over", "-q", "old"]])
async def test_short_pages_of_a_search_become_one(
    tiny_api: TinyApi, door: Door, command: list[str]
):
    tiny_api.put_in_turn(
        "/v1/jobs",
        page([], next_cursor="a", searched_back_to=BACK_TO),
        page([over(3)], next_cursor="b", searched_back_to=BACK_TO),
        page([over(2), over(1)]),
    )

    shown = await run(door, *command, "--limit", "5", "--json")

    document = json.loads(shown.stdout)
    assert [one["job_id"] for one in document["items"]] == ["3", "2", "1"]
    assert document["next_cursor"] is None
    assert asked_with(tiny_api) == [("5", ""), ("5", "a"), ("4", "b")]


async def test_a_full_page_ends_the_search_and_says_how_to_go_on(tiny_api: TinyApi, door: Door):
    tiny_api.put_in_turn(
        "/v1/jobs",
        page([over(3)], next_cursor="a", searched_back_to=BACK_TO),
        page([over(2)], next_cursor="b"),
    )

    shown = await run(door, "history", "old", "--limit", "2")

    assert "There are more: --cursor b" in shown.stdout
    assert asked_with(tiny_api) == [("2", ""), ("1", "a")]


async def test_a_page_that_is_not_short_is_asked_for_once(tiny_api: TinyApi, door: Door):
    tiny_api.put_in_turn("/v1/jobs", page([over(3), over(2)], next_cursor="a"))

    shown = await run(door, "history", "--limit", "2")

    assert "There are more: --cursor a" in shown.stdout
    assert asked_with(tiny_api) == [("2", "")]


async def test_a_search_that_finds_nothing_says_so(tiny_api: TinyApi, door: Door):
    tiny_api.put_in_turn("/v1/jobs", page([], next_cursor="a", searched_back_to=BACK_TO), page([]))

    shown = await run(door, "history", "nobody")

    assert shown.stdout.strip() == "No jobs match."
