"""`slurmfleet token`, `audit`, `cancel` and `submit` against a small API on a real socket."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import Result

from slurmfleet.cli.where import Door
from tests.unit.cli.conftest import TinyApi, run_cli

TOKEN = {
    "token_id": "abcdefghjk",
    "name": "ada-bot",
    "kind": "agent",
    "role": "operator",
    "toolsets": [],
    "clusters": ["alpha", "beta"],
    "users": ["ada"],
    "created_at": "2026-01-01T12:00:00Z",
    "expires_at": None,
    "revoked_at": None,
}
ACTION = {
    "actor": "ada-bot",
    "actor_kind": "agent",
    "via": "mcp",
    "action": "job.cancel",
    "cluster": "alpha",
    "target": "7",
    "reason": "it \x1b[31mhangs",
    "outcome": "ok",
    "acted_at": "2026-01-01T12:00:00Z",
    "details": {},
    "result": None,
}
OUTCOME = {
    "cluster": "alpha",
    "job_id": "7",
    "ok": True,
    "word": "done",
    "detail": "",
    "state_after": "CANCELLED",
}


async def run(door: Door, *arguments: str) -> Result:
    return await asyncio.to_thread(run_cli, *arguments, "--url", door.url)


async def test_a_new_token_is_shown_once_with_what_it_may_do(tiny_api: TinyApi, door: Door):
    tiny_api.put("/v1/tokens", {**TOKEN, "token": "sf_secret"}, status=201)

    made = await run(door, "token", "create", "ada-bot", "--role", "operator", "--cluster", "alpha")

    assert "sf_secret" in made.stdout
    assert "clusters alpha, beta; users ada" in made.stdout
    assert "it is revoked" in made.stdout
    assert "not shown again" in made.stderr


async def test_tokens_are_listed_and_revoked(tiny_api: TinyApi, door: Door):
    revoked = {**TOKEN, "revoked_at": "2026-01-02T12:00:00Z"}
    tiny_api.put("/v1/tokens", {"items": [revoked]})
    tiny_api.put("/v1/tokens/abcdefghjk", revoked)

    listed = await run(door, "token", "list")
    told = await run(door, "token", "revoke", "abcdefghjk")

    assert "revoked 2026-01-02" in listed.stdout
    assert told.stdout.strip() == "Revoked abcdefghjk, the token of ada-bot."
    assert tiny_api.asked[-1] == "DELETE /v1/tokens/abcdefghjk"


async def test_the_audit_names_what_was_made_by_what_came_of_it(tiny_api: TinyApi, door: Door):
    items = [
        ACTION,
        {**ACTION, "action": "job.submit", "target": "", "result": {"job_id": "4711"}},
        {**ACTION, "action": "team.add", "target": "", "details": {"body": {"login": "eve"}}},
        {**ACTION, "action": "config.import", "target": "", "details": {"body": [1]}},
    ]
    tiny_api.put("/v1/audit", {"items": items, "next_cursor": "x"})

    shown = await run(door, "audit", "--actor", "ada-bot", "--since", "2026-01-01T00:00+00:00")

    rows = shown.stdout.splitlines()[1:]
    assert [("4711" in row, "eve" in row) for row in rows] == [
        *((False, False), (True, False), (False, True), (False, False)),
    ]
    assert "\x1b" not in shown.stdout
    assert "There are more" in shown.stderr
    assert tiny_api.asked == [
        "GET /v1/audit?actor=ada-bot&since=2026-01-01T00%3A00%3A00%2B00%3A00&limit=50"
    ]


async def test_the_chain_is_checked_to_its_end(tiny_api: TinyApi, door: Door):
    part = {"ok": True, "checked": 5_000, "last_hash": "aa", "noted_seq": 5_001, "problem": ""}
    tiny_api.put_in_turn(
        "/v1/audit/verify",
        {**part, "last_seq": 5_000, "next_first": 5_001},
        {**part, "checked": 1, "last_seq": 5_001, "last_hash": "bb", "next_first": None},
    )

    told = await run(door, "audit", "verify")

    assert told.stdout.strip() == "5001 records, all as they were written."
    assert "The last is 5001: bb" in told.stderr
    assert tiny_api.asked[-1] == "GET /v1/audit/verify?first=5001&limit=5000"


@pytest.mark.parametrize("as_json", [[], ["--json"]])
async def test_a_chain_that_was_touched_is_a_failure(
    tiny_api: TinyApi, door: Door, as_json: list[str]
):
    broken = {"ok": False, "checked": 2, "last_seq": 2, "last_hash": "aa", "next_first": None}
    tiny_api.put("/v1/audit/verify", {**broken, "noted_seq": 9, "problem": "Record 3 is missing."})

    told = await run(door, "audit", "verify", *as_json)

    assert told.exit_code == 1
    assert "Record 3 is missing." in told.stderr


async def test_each_outcome_is_a_row_and_one_that_is_bad_a_failure(tiny_api: TinyApi, door: Door):
    bad = {**OUTCOME, "job_id": "8", "ok": False, "word": "denied", "detail": "not yours"}
    tiny_api.put("/v1/jobs:cancel", {"ok": False, "items": [OUTCOME, bad]})

    told = await run(door, "cancel", "alpha", "7,8")

    assert told.exit_code == 1
    assert ["alpha", "8", "denied", "CANCELLED", "not", "yours"] in [
        line.split() for line in told.stdout.splitlines()
    ]


@pytest.mark.parametrize(("yes", "code"), [([], 5), (["--yes"], 0)])
async def test_many_are_asked_about_unless_yes_is_said(
    tiny_api: TinyApi, door: Door, yes: list[str], code: int
):
    refusal = {
        "code": "confirmation_needed",
        "title": "x",
        "detail": "cancel would be done to 11 jobs.",
        "remedy": "To do just this, send the same again with confirm=abc",
    }
    tiny_api.in_turn["/v1/jobs:cancel"] = [
        (428, "application/problem+json", json.dumps(refusal).encode())
    ]
    tiny_api.put("/v1/jobs:cancel", {"ok": True, "items": [OUTCOME]})

    told = await run(door, "cancel", "all", "--project", "atlas", "--json", *yes)

    assert told.exit_code == code
    assert len(tiny_api.asked) == (2 if yes else 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("cancel", "alpha"),
        ("cancel", "alpha", "7", "--project", "x"),
        ("cancel", "a", "7", "--grace", "1"),
    ],
)
async def test_what_is_not_clear_is_a_wrong_use(door: Door, arguments: tuple[str, ...]):
    assert (await run(door, *arguments)).exit_code == 2


async def test_a_submission_prints_the_id_alone(tiny_api: TinyApi, door: Door, tmp_path: Path):
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/sh\n")
    answer = {"job_id": "7", "token": "a-token-of-mine", "was_known": True, "warnings": "odd"}
    tiny_api.put("/v1/jobs:submit", answer)

    told = await run(door, "submit", "alpha", str(script), "-o", "time=1", "-o", "--hold")

    assert told.stdout == "7\n"
    assert "Submitted before under this token." in told.stderr


async def test_without_an_answer_the_token_to_ask_again_is_told(tmp_path: Path):
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/sh\n")
    nobody = Door(url="http://127.0.0.1:9", token="", found_by="--url")

    told = await run(nobody, "submit", "alpha", str(script), "--token", "a-token-of-mine")

    assert told.exit_code == 4
    assert "--token a-token-of-mine" in told.stderr


async def test_a_scripts_outputs_and_status_are_those_of_the_command(
    tiny_api: TinyApi, door: Door, tmp_path: Path
):
    script = tmp_path / "check.sh"
    script.write_text("exit 3\n")
    done = {"exit_status": 3, "timed_out": True, "flooded": False, "stdout": "a\n", "stderr": "b"}
    tiny_api.put("/v1/scripts:run", done)

    told = await run(door, "run-script", "alpha", str(script), "x", "y y", "--time-limit", "5")

    assert (told.exit_code, told.stdout) == (3, "a\n")
    assert told.stderr.startswith("b")
    assert "its time was over" in told.stderr
    assert tiny_api.bodies[-1] == {
        "cluster": "alpha",
        "script": "exit 3\n",
        "interpreter": "bash",
        "host": "login",
        "arguments": ["x", "y y"],
        "limit_s": 5,
        "reason": "",
    }
