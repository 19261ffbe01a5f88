"""Documents of the group over REST: revisions as entity tags, conflicts, imports as a whole."""

import pytest

from slurmfleet.registry.kinds import PROJECT
from slurmfleet.registry.registry import Registry
from tests.unit.api.conftest import Desk

BODIES = {
    "team": ({"login": "ada"}, "ada", {"display_name": "Ada"}),
    "accounts": ({"name": "vision@x"}, "vision@x", {"site_id": "7"}),
    "paths": ({"kind": "logs", "path": "/scratch/{user}/"}, "", {}),
    "filters": ({"mode": "exclude", "pattern": "ssh agent"}, "", {}),
    "projects": ({"name": "atlas", "prefixes": ["atlas_"]}, "atlas", {"emoji": "🗺️"}),
}


@pytest.mark.parametrize("room", BODIES)
async def test_a_document_is_added_read_and_removed(desk: Desk, room: str):
    body, name, changes = BODIES[room]

    added = await desk.client.post(f"/v1/{room}", json=body)
    again = await desk.client.post(f"/v1/{room}", json=body)
    where = f"/v1/{room}/{added.json()['id']}"
    read = await desk.client.get(where)
    known = await desk.client.get(where, headers={"If-None-Match": read.headers["etag"]})
    changed = await desk.client.patch(where, json=changes)
    listed = await desk.client.get(f"/v1/{room}")
    removed = await desk.client.delete(where, headers={"If-Match": changed.headers["etag"]})
    gone = await desk.client.get(where)

    assert (added.status_code, again.status_code) == (201, 409)
    assert again.json()["code"] == "already_exists"
    assert added.json()["id"] == (name or added.json()["id"])
    assert read.headers["etag"] == f'"{added.json()["registry_revision"]}"'
    assert (known.status_code, known.content) == (304, b"")
    assert changes.items() <= changed.json()["document"].items()
    assert [one["id"] for one in listed.json()["items"]] == [added.json()["id"]]
    assert (removed.status_code, gone.status_code) == (204, 404)


async def test_a_change_of_what_was_not_read_is_a_failed_condition(desk: Desk):
    added = await desk.client.post("/v1/projects", json={"name": "atlas"})
    tag = added.headers["etag"]
    first = await desk.client.patch(
        "/v1/projects/atlas", json={"colour": "#112233"}, headers={"If-Match": tag}
    )
    late = await desk.client.patch(
        "/v1/projects/atlas", json={"colour": "#000000"}, headers={"If-Match": tag}
    )
    late_removal = await desk.client.delete("/v1/projects/atlas", headers={"If-Match": tag})
    nonsense = await desk.client.delete("/v1/projects/atlas", headers={"If-Match": "W/x"})

    assert first.status_code == 200
    for answer in (late, late_removal):
        assert (answer.status_code, answer.json()["code"]) == (412, "revision_conflict")
        assert "is at revision 2 now" in answer.json()["detail"]
        assert "based on revision 1" in answer.json()["detail"]
        assert answer.json()["remedy"]
    assert nonsense.status_code == 400
    entry = await Registry(desk.bus).get(PROJECT, "atlas")
    assert entry.document.colour == "#112233"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[]", "JSON of another type"),
        (b"{", "no JSON"),
        (b'{"name": "a b"}', "name: 'a b' is not a project's name"),
        (b'{"name": 7}', "name: Input should be a valid string"),
        (b'{"name": "a", "color": "red"}', "color: Extra inputs are not permitted"),
    ],
)
async def test_a_wrong_document_is_refused_by_field(desk: Desk, body: bytes, says: str):
    answer = await desk.client.post("/v1/projects", content=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert says in answer.json()["detail"]
    assert answer.json()["remedy"]


async def test_settings_have_defaults_are_set_and_cleared(desk: Desk):
    before = (await desk.client.get("/v1/settings/dimmed_suffixes")).json()
    put = await desk.client.put("/v1/settings/dimmed_suffixes", json={"value": ["_judge"]})
    stale = await desk.client.put(
        "/v1/settings/dimmed_suffixes", json={"value": []}, headers={"If-Match": '"99"'}
    )
    wrong = await desk.client.put("/v1/settings/team_gpus", json={"value": {"alpha": -1}})
    unknown = await desk.client.get("/v1/settings/colour")
    cleared = await desk.client.delete("/v1/settings/dimmed_suffixes")
    listed = (await desk.client.get("/v1/settings")).json()["items"]

    assert (before["value"], before["registry_revision"]) == (["_server"], None)
    assert (put.json()["value"], put.headers["etag"]) == (["_judge"], '"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "revision_conflict")
    assert (wrong.status_code, unknown.status_code) == (400, 404)
    assert "team_gpus.alpha" in wrong.json()["detail"]
    assert cleared.json()["value"] == ["_server"]
    assert {"team_name", "team_gpus", "dimmed_suffixes"} <= {one["key"] for one in listed}


async def test_an_import_is_judged_as_a_whole_and_may_be_repeated(desk: Desk):
    good = {"team": [{"login": "ada"}], "setting": [{"key": "team_name", "value": "Vision"}]}
    bad = {**good, "project": [{"name": "no name"}]}

    refused = await desk.client.post("/v1/config", json={"documents": bad})
    empty = (await desk.client.get("/v1/config")).json()
    looked = await desk.client.post("/v1/config", json={"documents": good, "dry_run": True})
    still_empty = (await desk.client.get("/v1/config")).json()
    first = await desk.client.post("/v1/config", json={"documents": good})
    second = await desk.client.post("/v1/config", json={"documents": good})
    dump = (await desk.client.get("/v1/config")).json()

    assert (refused.status_code, empty, still_empty) == (
        400,
        {"documents": {}},
        {"documents": {}},
    )
    assert "Project 1" in refused.json()["detail"]
    assert [one["action"] for one in looked.json()["steps"]] == ["add", "add"]
    assert first.json()["steps"] == looked.json()["steps"]
    assert [one["action"] for one in second.json()["steps"]] == ["keep", "keep"]
    assert dump["documents"] == good


async def test_without_the_bus_the_configuration_says_so(desk: Desk):
    with desk.bus.outage():
        answer = await desk.client.get("/v1/team")

    assert (answer.status_code, answer.json()["code"]) == (503, "bus_unavailable")
