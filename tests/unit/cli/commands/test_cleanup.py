"""`slurmfleet cleanup` and `board` against a small API on a real socket."""

import asyncio
import json

from slurmfleet.cli.where import Door
from tests.unit.cli.conftest import TinyApi, run_cli

PATH = "/v1/history/cleanup"


def old(job_id: str) -> dict[str, object]:
    return {
        "cluster": "alpha",
        "job_id": job_id,
        "submitted_at": "2026-01-01T12:00:00Z",
        "name": "train\x1b[31m",
        "user": "ada",
        "state": "COMPLETED",
        "over_at": "2026-01-02T12:00:00Z",
    }


def plan(*job_ids: str, jobs: int, cursor: str | None = None, word: str = "w") -> dict[str, object]:
    return {
        "items": [old(one) for one in job_ids],
        "next_cursor": cursor,
        "before": "2026-02-01T00:00:00Z",
        "jobs": jobs,
        "by_cluster": {"alpha": jobs},
        "confirm": word,
    }


async def run(door: Door, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    done = await asyncio.to_thread(run_cli, *arguments, "--url", door.url, stdin=stdin)
    return done.exit_code, done.stdout, done.stderr


async def test_a_dry_run_lists_and_removes_nothing(tiny_api: TinyApi, door: Door):
    tiny_api.put(PATH, plan("1", "2", jobs=2))

    status, shown, _ = await run(door, "cleanup", "--days", "60", "--cluster", "alpha")

    assert status == 0
    assert "2 jobs: alpha 2. Nothing was removed" in shown
    assert "\x1b[31m" not in shown
    assert tiny_api.bodies == []
    assert "days=60" in tiny_api.asked[0]


async def test_every_job_is_listed_over_all_pages_of_one_moment(tiny_api: TinyApi, door: Door):
    tiny_api.put_in_turn(PATH, plan("1", jobs=2, cursor="next"), plan("2", jobs=2))

    _, document, _ = await run(door, "cleanup", "--all", "--json")

    assert [one["job_id"] for one in json.loads(document)["items"]] == ["1", "2"]
    assert "before=2026-02-01" in tiny_api.asked[1]
    assert "days" not in tiny_api.asked[1]


async def test_removing_is_asked_about_and_goes_on_until_nothing_is_left(
    tiny_api: TinyApi, door: Door
):
    tiny_api.put_in_turn(
        PATH,
        plan("1", jobs=3, word="first"),
        {"removed": 2, "left": 1},
        plan("3", jobs=1, word="second"),
        {"removed": 1, "left": 0},
    )

    status, _, told = await run(door, "cleanup", "--remove", "--reason", "disk", "--yes")

    assert status == 0
    assert "The history of 3 jobs was removed." in told
    assert [one["confirm"] for one in tiny_api.bodies] == ["first", "second"]
    assert {one["reason"] for one in tiny_api.bodies} == {"disk"}


async def test_without_a_yes_nothing_is_removed(tiny_api: TinyApi, door: Door):
    tiny_api.put(PATH, plan("1", jobs=1))

    refused, _, _ = await run(door, "cleanup", "--remove", stdin="n\n")
    silent, _, _ = await run(door, "cleanup", "--remove", "--json")

    assert (refused, silent) == (5, 5)
    assert tiny_api.bodies == []


async def test_a_job_that_cannot_be_marked_is_told_and_fails(tiny_api: TinyApi, door: Door):
    marked = [{"cluster": "alpha", "job_id": "7"}]
    tiny_api.put("/v1/board:mark", {"marked": marked, "refused": {"alpha 8": "it is not over"}})

    status, _, told = await run(door, "board", "dismiss", "alpha", "7,8", "--reason", "seen")

    assert status == 1
    assert "alpha 7: put away." in told
    assert "alpha 8: left as it is; it is not over" in told
    jobs = [{"cluster": "alpha", "job_id": one} for one in ("7", "8")]
    assert tiny_api.bodies == [{"mark": "dismissed", "jobs": jobs, "reason": "seen"}]


async def test_options_before_a_word_of_the_board_are_refused(tiny_api: TinyApi, door: Door):
    status, _, _ = await run(door, "board", "--days", "3", "clear", "failed")

    assert status == 2
    assert tiny_api.asked == []
