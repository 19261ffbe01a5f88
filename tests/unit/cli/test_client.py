import asyncio
import socket
from dataclasses import replace

import pytest

from slurmfleet.cli.answers import ClusterList
from slurmfleet.cli.client import open_client, query_of, segment, understood
from slurmfleet.cli.errors import AnsweredError, ExitCode, FailedError, UnreachableError
from slurmfleet.cli.where import Door
from slurmfleet.runtime.health import Receive, Scope, Send
from tests.unit.cli.conftest import TinyApi, serving


def _door(url: str) -> Door:
    return Door(url=url, token="", found_by="--url")


async def test_an_answer_is_the_document_of_the_api(tiny_api: TinyApi, door: Door):
    tiny_api.put("/v1/jobs", {"items": []})

    async with open_client(door) as api:
        found = await api.get("/v1/jobs", {"state": ["RUNNING", "PENDING"], "q": "", "limit": 5})

    assert found == {"items": []}
    assert tiny_api.asked == ["GET /v1/jobs?state=RUNNING%2CPENDING&limit=5"]


async def test_the_token_travels_as_a_bearer(tiny_api: TinyApi, door: Door):
    tiny_api.put("/v1/jobs", {})

    with_token = replace(door, token="s3cret")  # noqa: S106 opens nothing

    async with open_client(with_token) as api:
        await api.get("/v1/jobs")

    assert tiny_api.headers[0]["authorization"] == "Bearer s3cret"


async def test_a_problem_document_keeps_its_words_and_gets_its_exit_code(
    tiny_api: TinyApi, door: Door
):
    problem = {
        "code": "unknown_cluster",
        "detail": "No such.",
        "remedy": "Known: a.",
        "status": 404,
    }
    tiny_api.put("/v1/clusters/x", problem, status=404)

    async with open_client(door) as api:
        with pytest.raises(AnsweredError) as refused:
            await api.get("/v1/clusters/x")

    error = refused.value
    assert (error.detail, error.remedy, error.code) == ("No such.", "Known: a.", "unknown_cluster")
    assert error.exit_code is ExitCode.NOT_FOUND


@pytest.mark.parametrize("status", [200, 404, 502])
async def test_a_page_of_another_program_is_not_taken_for_the_api(
    tiny_api: TinyApi, door: Door, status: int
):
    tiny_api.answers["/v1/jobs"] = (status, "text/html", b"<h1>hello</h1>")

    async with open_client(door) as api:
        with pytest.raises(UnreachableError, match="not as slurmfleet's API does"):
            await api.get("/v1/jobs")


async def test_no_listener_names_the_address_and_where_it_came_from():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        async with open_client(_door(url)) as api:
            with pytest.raises(UnreachableError, match=rf"{url} \(address from --url\)"):
                await api.get("/v1/jobs")


async def test_an_api_that_hangs_is_given_up_after_the_limit():
    hold = asyncio.Event()

    async def hang(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await hold.wait()

    async with serving(hang) as door, open_client(door) as api:
        with pytest.raises(UnreachableError, match="did not answer in time"):
            await api.send("POST", "/v1/clusters/a/test", limit_s=0.2)
        hold.set()


@pytest.mark.parametrize("url", ["ftp://there", "http://[bad", "http://host:port"])
async def test_a_wrong_address_is_an_error_and_no_traceback(url: str):
    with pytest.raises((FailedError, UnreachableError)):
        async with open_client(_door(url)) as api:
            await api.get("/v1/jobs")


def test_an_answer_that_lacks_something_names_it():
    with pytest.raises(FailedError, match="items: Field required"):
        understood({}, ClusterList)


def test_queries_leave_out_what_is_empty_and_paths_are_quoted():
    assert query_of({"a": [], "b": "", "c": 0, "d": ["x", "y"]}) == {"c": "0", "d": "x,y"}
    assert segment("a/../b?c") == "a%2F..%2Fb%3Fc"
