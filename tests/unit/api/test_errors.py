"""Every error is a problem document with a stable code and a way out."""

from http import HTTPStatus

import pytest

from services.api.errors import STATUS
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from tests.unit.api.conftest import Desk


def test_every_code_has_a_status():
    assert set(STATUS) == set(ProblemCode)


async def test_an_unknown_cluster_is_a_404_that_names_the_known(desk: Desk):
    answer = await desk.client.get("/v1/jobs/alfa/4711")

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:slurmfleet:problem:unknown_cluster",
        "title": "Not Found",
        "status": 404,
        "code": "unknown_cluster",
        "detail": "No cluster is called 'alfa'.",
        "remedy": "Configured are: alpha.",
        "instance": "/v1/jobs/alfa/4711",
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/jobs/alpha/99", 404, "job_not_found"),
        ("GET", "/v1/jobs/alpha/47;rm", 400, "invalid_job_id"),
        ("GET", "/v1/jobs/ALPHA!/1", 400, "invalid_cluster_name"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/jobs/", 404, "not_found"),
        ("DELETE", "/v1/jobs", 405, "method_not_allowed"),
        ("GET", "/v1/clusters/beta", 404, "unknown_cluster"),
        ("GET", "/v1/events?after=-1", 400, "invalid_parameter"),
        ("POST", "/v1/clusters", 400, "invalid_parameter"),
    ],
)
async def test_each_mistake_has_its_code(
    desk: Desk, method: str, path: str, status: int, code: str
):
    answer = await desk.client.request(method, path)

    assert answer.headers["content-type"] == "application/problem+json"
    shown = answer.json()
    assert (answer.status_code, shown["status"], shown["code"]) == (status, status, code)
    assert shown["detail"]
    assert shown["remedy"]


async def test_a_wrong_method_says_which_is_right(desk: Desk):
    answer = await desk.client.delete("/v1/jobs")

    assert answer.headers["allow"] == "GET"
    assert answer.json()["remedy"] == "It takes GET."


async def test_a_store_that_is_away_is_a_503_that_says_when_to_come_back(desk: Desk):
    desk.reader.problem = ProblemError(
        ProblemCode.STORE_UNAVAILABLE, "The store does not answer.", remedy="Try again."
    )

    answer = await desk.client.get("/v1/jobs")

    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert answer.headers["retry-after"] == "5"


async def test_a_mistake_of_ours_tells_nothing_of_its_inside(desk: Desk):
    desk.reader.cluster_views = None  # pyright: ignore[reportAttributeAccessIssue] the mistake

    answer = await desk.client.get("/v1/clusters")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "NoneType" not in answer.text


async def test_an_error_text_is_cleaned_like_any_other(desk: Desk):
    answer = await desk.client.get("/v1/jobs?user=a&%1b%5B31m=1")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert "\\u001b" not in answer.text


@pytest.mark.parametrize("path", ["/v1/clusters/%1b[31mred%00", "/%1b[31mred%00"])
async def test_the_path_of_a_request_comes_back_without_control_characters(desk: Desk, path: str):
    problem = (await desk.client.get(path)).json()

    assert problem["instance"].endswith("/red")
    assert problem["detail"].isprintable()


async def test_a_body_that_is_too_large_is_refused_in_the_same_words(desk: Desk):
    answer = await desk.client.post("/v1/team", content=b" " * 1_048_577)

    assert (answer.status_code, answer.json()["code"]) == (413, "invalid_parameter")
    assert "1,048,576 bytes" in answer.json()["detail"]
