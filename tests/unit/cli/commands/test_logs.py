"""`slurmfleet logs` against a small API on a real socket."""

import asyncio
import json

from typer.testing import Result

from slurmfleet.cli.where import Door
from tests.unit.cli.conftest import TinyApi, run_cli

WHERE = "/v1/jobs/alpha/4711"
AT = "2026-01-01T00:00:00Z"


async def run(door: Door, *arguments: str) -> Result:
    return await asyncio.to_thread(
        run_cli, "logs", "alpha", "4711", *arguments, "--url", door.url
    )  # fmt: skip


def part(text: str, **more: object) -> dict[str, object]:
    return {
        "path": "/w/a.out",
        "size_bytes": 9,
        "modified_at": AT,
        "observed_at": AT,
        "begin_byte": 0,
        "end_byte": 9,
        "text": text,
        "encoding": "utf-8",
        "older_cursor": None,
        "newer_cursor": "1-2.9",
        "has_more": False,
        **more,
    }


def found(*matches: dict[str, object], next_cursor: str | None = None) -> dict[str, object]:
    return {
        "path": "/w/a.out",
        "size_bytes": 9,
        "modified_at": AT,
        "observed_at": AT,
        "matches": matches,
        "searched_to_byte": 9,
        "next_cursor": next_cursor,
    }


def named(label: str, *, is_there: bool = True) -> dict[str, object]:
    return {
        "label": label,
        "name": f"{label}.out",
        "path": f"/w/[bold]{label}.out",
        "source": "slurm",
        "is_there": is_there,
        "size_bytes": 2_048,
        "modified_at": AT,
    }


async def test_the_newest_lines_are_printed_as_they_are(tiny_api: TinyApi, door: Door):
    tiny_api.put(f"{WHERE}/log", part("[red]one\ntwo"))

    result = await run(door, "--path", "/w/a.out", "-n", "2")

    assert result.stdout == "[red]one\ntwo"
    assert tiny_api.asked == [f"GET {WHERE}/log?path=%2Fw%2Fa.out&lines=2"]


async def test_json_is_what_the_api_said(tiny_api: TinyApi, door: Door):
    tiny_api.put(f"{WHERE}/log", part("one\n"))

    assert json.loads((await run(door, "--json")).stdout) == part("one\n")


async def test_a_follower_asks_from_where_it_stands(tiny_api: TinyApi, door: Door):
    tiny_api.put_in_turn(
        f"{WHERE}/log", part("one\n"), part("two\n", newer_cursor="1-2.18", was_replaced=True)
    )

    result = await run(door, "--follow")

    assert result.stdout == "one\ntwo\n"
    assert "was replaced or cut" in result.stderr
    assert [one.partition("?")[2] for one in tiny_api.asked] == [
        "lines=150",
        "path=%2Fw%2Fa.out&after=1-2.9&wait_s=10&lines=5000",
        "path=%2Fw%2Fa.out&after=1-2.18&wait_s=10&lines=5000",
    ]
    assert result.exit_code == 4  # then the API is gone


async def test_what_is_no_text_is_said_and_not_printed(tiny_api: TinyApi, door: Door):
    tiny_api.put(f"{WHERE}/log", part("", is_binary=True))

    result = await run(door)

    assert (result.stdout, "is no text" in result.stderr) == ("", True)


async def test_lines_that_match_stand_behind_their_numbers(tiny_api: TinyApi, door: Door):
    lines = [
        {"line": 3, "byte": 1, "text": "before", "is_match": False},
        {"line": 4, "byte": 8, "text": "[i]loss"},
        {"line": 9, "byte": 99, "text": "loss"},
    ]
    tiny_api.put(f"{WHERE}/log/search", found(*lines, next_cursor="1-2.99"))

    result = await run(door, "--grep", "loss", "-i", "-C", "1")

    assert result.stdout.splitlines()[:4] == ["3- before", "4: [i]loss", "--", "9: loss"]
    assert "There are more" in result.stdout
    assert tiny_api.asked == [
        f"GET {WHERE}/log/search?q=loss&regex=true&ignore_case=true&context=1&limit=150"
    ]


async def test_nothing_found_says_so(tiny_api: TinyApi, door: Door):
    tiny_api.put(f"{WHERE}/log/search", found())

    assert (await run(door, "--grep", "x", "-F")).stdout == "No line matches.\n"
    assert "regex=false" in tiny_api.asked[0]


async def test_files_are_a_table_that_says_what_is_not_there_yet(tiny_api: TinyApi, door: Door):
    report = {
        "files": [named("main"), named("stdout", is_there=False)],
        "folders": [],
        "notes": ["something could not be looked at"],
        "observed_at": AT,
    }
    tiny_api.put(f"{WHERE}/logs", report)

    lines = (await run(door, "--list")).stdout.splitlines()

    assert lines[1].split()[:3] == ["main", "2.0", "KiB"]
    assert lines[1].endswith("/w/[bold]main.out")
    assert "not there yet" in lines[2]
    assert lines[3] == "something could not be looked at"


async def test_three_ways_at_once_are_a_wrong_use(door: Door):
    assert (await run(door, "--list", "--follow")).exit_code == 2
