"""Following events: what is read, and how a broken stream goes on."""

import json

import pytest

from slurmfleet.cli.client import open_client
from slurmfleet.cli.errors import AnsweredError, UnreachableError
from slurmfleet.cli.stream import Reset, ServerEvent, stream
from slurmfleet.cli.where import Door
from tests.unit.cli.conftest import TinyApi

BODY = b"""retry: 2000

id: 6
: begins after 6

id: 7
event: job.started
data: {"event_seq": 7,
data: "job_id": "1"}

id: 9
: alive

id: 2
event: reset
data: {"after":2}

"""


async def _all(door: Door, after: int | None) -> list[ServerEvent]:
    """Read a stream to its end, which is an error: a stream has none."""
    found: list[ServerEvent] = []

    async def read() -> None:
        async with open_client(door) as api:
            async for event in stream(api, {"cluster": ["a", "b"]}, after=after):
                found.append(event)  # noqa: PERF401 the stream ends with an error

    with pytest.raises(UnreachableError, match="has ended the stream"):
        await read()
    return found


async def test_a_stream_gives_events_beats_and_resets(tiny_api: TinyApi, door: Door):
    tiny_api.answers["/v1/events"] = (200, "text/event-stream", BODY)

    found = await _all(door, after=None)

    assert found == [
        ServerEvent(sequence=None, what=None),
        ServerEvent(sequence=6, what=None),
        ServerEvent(sequence=7, what={"event_seq": 7, "job_id": "1"}),
        ServerEvent(sequence=9, what=None),
        ServerEvent(sequence=2, what=Reset()),
    ]


async def test_a_stream_resumes_after_a_number(tiny_api: TinyApi, door: Door):
    tiny_api.answers["/v1/events"] = (200, "text/event-stream", b"")

    await _all(door, after=0)

    assert tiny_api.asked == ["GET /v1/events?cluster=a%2Cb&after=0"]
    assert tiny_api.headers[0]["accept"] == "text/event-stream"


async def test_a_refused_stream_is_a_problem(tiny_api: TinyApi, door: Door):
    problem = {"code": "invalid_parameter", "detail": "no such verb"}
    tiny_api.answers["/v1/events"] = (400, "application/problem+json", json.dumps(problem).encode())

    async with open_client(door) as api:
        with pytest.raises(AnsweredError, match="no such verb"):
            async for _ in stream(api, {}, after=None):
                pass
