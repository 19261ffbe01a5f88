"""`slurmfleet mounts`, `mount` and their like against a small API on a real socket."""

import asyncio
import json

from slurmfleet.cli.where import Door
from tests.unit.cli.conftest import TinyApi, run_cli


def report(cluster: str, detail: str = "", *, state: str = "mounted") -> dict[str, object]:
    mount = {
        "path": "/lustre/ada",
        "mount_point": f"/m/{cluster}/lustre-ada",
        "state": state,
        "detail": detail,
        "answered_at": None,
    }
    return {
        "cluster": cluster,
        "machine": "deck",
        "is_possible": True,
        "obstacle": "",
        "mounts": [mount],
        "observed_at": "2026-01-01T12:00:00Z",
    }


def problem(detail: str) -> dict[str, object]:
    return {"code": "not_possible", "detail": detail, "remedy": "Name some.", "status": 409}


async def run(door: Door, *arguments: str) -> tuple[int, str, str]:
    done = await asyncio.to_thread(run_cli, *arguments, "--url", door.url)
    return done.exit_code, done.stdout, done.stderr


async def test_the_list_shows_where_each_folder_is(tiny_api: TinyApi, door: Door):
    away = {"code": "collector_unreachable", "detail": "Nobody looks after beta.", "remedy": "x"}
    items = [
        {"cluster": "alpha", "report": report("alpha"), "problem": None},
        {"cluster": "beta", "report": None, "problem": away},
    ]
    tiny_api.put("/v1/mounts", {"items": items})

    status, shown, _ = await run(door, "mounts")
    _, document, _ = await run(door, "mounts", "--json")

    assert status == 0
    assert "mounted" in shown
    assert "Nobody looks" in shown
    assert json.loads(document) == {"items": items}


async def test_clusters_are_asked_at_once_and_one_that_fails_keeps_no_other(
    tiny_api: TinyApi, door: Door
):
    tiny_api.put("/v1/mounts/alpha", report("alpha"))
    tiny_api.put("/v1/mounts/beta", problem("No folder of beta is named."), status=409)

    status, document, _ = await run(door, "mount", "alpha", "beta", "--reason", "why", "--json")

    first, second = json.loads(document)["items"]
    assert status == 1
    assert (first["report"]["mounts"][0]["state"], first["problem"]) == ("mounted", None)
    assert (second["report"], second["problem"]) == (None, "No folder of beta is named. Name some.")
    assert tiny_api.bodies == [{"act": "mount", "reason": "why"}] * 2


async def test_all_are_those_that_name_folders(tiny_api: TinyApi, door: Door):
    bare = {**report("beta"), "mounts": []}
    items = [
        {"cluster": name, "report": one}
        for name, one in (("alpha", report("alpha")), ("beta", bare))
    ]
    tiny_api.put("/v1/mounts", {"items": items})
    tiny_api.put("/v1/mounts/alpha", report("alpha", state="not_mounted"))

    status, shown, _ = await run(door, "unmount", "--all")

    assert (status, tiny_api.asked) == (0, ["GET /v1/mounts", "POST /v1/mounts/alpha"])
    assert "not mounted" in shown


async def test_a_folder_that_could_not_be_mounted_fails_the_command(tiny_api: TinyApi, door: Door):
    tiny_api.put("/v1/mounts/alpha", report("alpha", "No such file", state="not_mounted"))

    status, shown, _ = await run(door, "remount", "alpha")

    assert status == 1
    assert "No such file" in shown


async def test_clusters_or_all_have_to_be_said(door: Door):
    for arguments in (("mount",), ("mount", "alpha", "--all")):
        status, _, said = await run(door, *arguments)
        assert status == 2
        assert "--all" in said
