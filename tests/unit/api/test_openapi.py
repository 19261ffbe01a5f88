"""The OpenAPI document is valid and describes what the gateway does, errors included."""

from typing import cast

import jsonschema
import pytest

from tests.unit.api.conftest import Desk

PROMISED = {
    "/v1/clusters": {"get", "post"},
    "/v1/clusters/{cluster}": {"get", "patch", "delete"},
    "/v1/clusters/{cluster}/test": {"post"},
    "/v1/clusters/{cluster}/refresh": {"post"},
    "/v1/clusters/{cluster}/diagnosis": {"get"},
    "/v1/clusters/{cluster}/host-keys": {"get", "put"},
    **{
        path: methods
        for room in ("team", "accounts", "paths", "filters", "projects")
        for path, methods in (
            (f"/v1/{room}", {"get", "post"}),
            (f"/v1/{room}/{{document_id}}", {"get", "patch", "delete"}),
        )
    },
    "/v1/settings": {"get"},
    "/v1/settings/{key}": {"get", "put", "delete"},
    "/v1/config": {"get", "post"},
    "/v1/jobs": {"get"},
    "/v1/jobs/{cluster}/{job}": {"get"},
    "/v1/jobs/{cluster}/{job}/timeline": {"get"},
    "/v1/jobs/{cluster}/{job}/logs": {"get"},
    "/v1/jobs/{cluster}/{job}/log": {"get"},
    "/v1/jobs/{cluster}/{job}/log/search": {"get"},
    "/v1/jobs/{cluster}/{job}/files": {"get"},
    "/v1/jobs/{cluster}/{job}/jsonl": {"get"},
    "/v1/jobs/{cluster}/{job}/jsonl/record": {"get"},
    **{
        f"/v1/{path}{act}": {"post"}
        for act in ("cancel", "hold", "release", "requeue")
        for path in ("jobs/{cluster}/{job}/", "jobs:")
    },
    "/v1/jobs:submit": {"post"},
    "/v1/scripts:run": {"post"},
    "/v1/mounts": {"get"},
    "/v1/mounts/{cluster}": {"post"},
    "/v1/board": {"get"},
    "/v1/board:clear": {"post"},
    "/v1/board:mark": {"post"},
    "/v1/history/cleanup": {"get", "post"},
    "/v1/events": {"get"},
    "/v1/events/dead": {"get"},
    "/v1/events/dead/{sequence}": {"get", "delete"},
    "/v1/events/dead/{sequence}/retry": {"post"},
    "/v1/rebuilds": {"post"},
    "/v1/rebuilds/current": {"get"},
    "/v1/usage/history": {"get"},
    "/v1/whoami": {"get"},
    "/v1/tokens": {"get", "post"},
    "/v1/tokens/{token_id}": {"delete"},
    "/v1/audit": {"get"},
    "/v1/audit/verify": {"get"},
}


async def test_every_promised_path_is_described(desk: Desk):
    document = (await desk.client.get("/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert {path: set(methods) for path, methods in document["paths"].items()} == PROMISED


async def test_every_error_is_described_as_a_problem(desk: Desk):
    document = (await desk.client.get("/openapi.json")).json()

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            errors = {
                status: answer
                for status, answer in operation["responses"].items()
                if not status.startswith("2")
            }
            assert "422" not in errors, (method, path)
            assert {"400", "500"} <= errors.keys(), (method, path)
            for answer in errors.values():
                assert answer["content"] == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }
    assert "Problem" in document["components"]["schemas"]


async def test_every_reference_leads_somewhere(desk: Desk):
    document = (await desk.client.get("/openapi.json")).json()

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            inner = cast("dict[str, object]", value)
            found = [str(inner["$ref"])] if isinstance(inner.get("$ref"), str) else []
            return [*found, *(one for part in inner.values() for one in references(part))]
        if isinstance(value, list):
            return [one for part in cast("list[object]", value) for one in references(part)]
        return []

    schemas = document["components"]["schemas"]
    names = {one.removeprefix("#/components/schemas/") for one in references(document)}
    assert names
    assert names <= set(schemas)


async def test_every_schema_is_one_and_every_example_fits_its_own(desk: Desk):
    document = (await desk.client.get("/openapi.json")).json()

    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                for content in answer.get("content", {}).values():
                    schema = {**content.get("schema", {}), "components": document["components"]}
                    jsonschema.Draft202012Validator.check_schema(schema)
                    if "example" in content:
                        jsonschema.validate(content["example"], schema)
                assert answer["description"], (path, status)


async def test_a_job_and_a_list_carry_an_example_that_is_a_real_answer(desk: Desk):
    document = (await desk.client.get("/openapi.json")).json()

    for path in ("/v1/jobs", "/v1/jobs/{cluster}/{job}", "/v1/clusters"):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        assert content["application/json"]["example"], path


async def test_the_page_for_people_names_every_path_and_runs_no_script(desk: Desk):
    page = await desk.client.get("/docs")

    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert all(path in page.text for path in PROMISED)
    assert "<script" not in page.text


async def test_a_method_that_a_path_does_not_take_is_told_all_that_it_takes(desk: Desk):
    answer = await desk.client.request("OPTIONS", "/v1/clusters/alpha")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, PATCH"
    assert answer.json()["remedy"] == "It takes DELETE, GET, PATCH."


@pytest.mark.parametrize(
    "query", ["jobs?until=0.5", "jobs?since=1700000000", "audit?until=1e3", "usage/history?until=0"]
)
async def test_a_bare_number_is_no_moment(desk: Desk, query: str):
    answer = await desk.client.get(f"/v1/{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert "a number is no moment" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("config", {"documents": {}, "replace": 0}),
        ("config", {"documents": {}, "dry_run": "yes"}),
        ("rebuilds", {"projection": "jobs", "prune": 1}),
    ],
)
async def test_only_true_and_false_are_yes_and_no(desk: Desk, path: str, body: dict[str, object]):
    answer = await desk.client.post(f"/v1/{path}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
