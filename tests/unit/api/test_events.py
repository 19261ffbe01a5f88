"""Events: nothing is missed, nothing comes twice, and a reader who waits is woken."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace

import httpx
import pytest

from services.api.app import create_rest
from services.api.streams import event_stream
from slurmfleet.access.principal import acting_as, local_principal
from slurmfleet.contracts.audit import Via
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.read.events import EVERY_EVENT, EventFilter
from slurmfleet.testing.views import ALPHA, event_view
from tests.unit.api.conftest import Desk

JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def somebody() -> Iterator[None]:
    """Let streams that are read beside the door be asked for from this machine."""
    with acting_as(local_principal(Via.REST)):
        yield


async def _read(
    desk: Desk, count: int, *, after: int | None = None, wanted: EventFilter = EVERY_EVENT
) -> list[str]:
    """Read so many pieces of a stream."""
    pieces: list[str] = []
    stream = event_stream(desk.gateway, wanted, after=after)
    try:
        async with asyncio.timeout(5):
            while len(pieces) < count:
                pieces.append((await anext(stream)).decode())
    finally:
        await stream.aclose()
    return pieces


def _ids(piece: str) -> list[int]:
    return [int(line[4:]) for line in piece.splitlines() if line.startswith("id: ")]


async def test_a_stream_begins_with_what_comes_next(desk: Desk):
    retry, greeting = await _read(desk, 2)

    assert retry == "retry: 2000\n\n"
    assert greeting == "id: 1\n: begins after 1\n\n"


async def test_a_stream_goes_on_after_the_last_event_seen(desk: Desk):
    desk.reader.event_views = [event_view(one) for one in range(1, 6)]

    _, _, events = await _read(desk, 3, after=3)

    assert _ids(events) == [4, 5]
    block = events.split("\n\n")[0].split("\n")
    assert block[:2] == ["id: 4", "event: job.started"]
    assert json.loads(block[2].removeprefix("data: "))["event_id"] == "event-4"


async def test_a_new_event_wakes_a_stream(desk: Desk):
    stream = event_stream(desk.gateway, EventFilter(), after=1)
    await anext(stream)
    await anext(stream)

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_next(stream))
        await asyncio.sleep(0.01)
        desk.reader.event_views.append(event_view(2))
        desk.gateway.feed.ring()
    await stream.aclose()

    assert _ids(waiting.result()) == [2]


async def _next(stream: AsyncGenerator[bytes]) -> str:
    return (await anext(stream)).decode()


async def test_a_long_backlog_comes_in_order_without_gaps(desk: Desk):
    desk.reader.event_views = [event_view(one) for one in range(1, 1_201)]

    pieces = await _read(desk, 5, after=0)

    assert [seq for piece in pieces[2:] for seq in _ids(piece)] == list(range(1, 1_201))


async def test_a_stream_shows_only_what_was_asked_for(desk: Desk):
    desk.reader.event_views = [
        event_view(1),
        event_view(2, cluster="beta"),
        event_view(3, verb="ended"),
    ]

    _, _, events = await _read(
        desk, 3, after=0, wanted=EventFilter(clusters=(ALPHA,), verbs=("ended",))
    )

    assert _ids(events) == [3]


async def test_a_client_of_an_older_store_is_told_to_begin_anew(desk: Desk):
    _, greeting = await _read(desk, 2, after=99)

    assert greeting == 'id: 1\nevent: reset\ndata: {"after":1}\n\n'


async def test_a_stream_lives_through_an_outage_of_the_store(desk: Desk):
    desk.reader.problem = ProblemError(ProblemCode.STORE_UNAVAILABLE, "away")
    stream = event_stream(desk.gateway, EventFilter(), after=0)
    await anext(stream)
    told = await anext(stream)
    desk.reader.problem = None

    async with asyncio.timeout(5):
        pieces = [await anext(stream), await anext(stream)]
    await stream.aclose()

    assert told == b": store_unavailable\n\n"
    assert _ids(pieces[1].decode()) == [1]


async def test_a_stream_ends_when_the_process_stops(desk: Desk):
    stream = event_stream(desk.gateway, EventFilter(), after=1)
    await anext(stream)
    await anext(stream)
    desk.gateway.stopping.set()
    desk.gateway.feed.ring()

    async with asyncio.timeout(5):
        rest = [piece async for piece in stream]

    assert rest == []
    assert desk.gateway.feed.followers == 0


async def test_a_long_poll_gives_what_is_there_and_where_to_go_on(desk: Desk):
    desk.reader.event_views = [event_view(one) for one in range(1, 4)]

    shown = (await desk.client.get("/v1/events?after=1&limit=1", headers=JSON)).json()
    rest = (await desk.client.get(f"/v1/events?after={shown['next_after']}", headers=JSON)).json()

    assert [one["event_seq"] for one in shown["items"]] == [2]
    assert [one["event_seq"] for one in rest["items"]] == [3]
    assert (rest["next_after"], rest["age_s"], rest["stale"]) == (3, 10.0, False)


async def test_a_long_poll_without_after_begins_now(desk: Desk):
    shown = (await desk.client.get("/v1/events", headers=JSON)).json()

    assert (shown["items"], shown["next_after"]) == ([], 1)


async def test_a_long_poll_waits_for_the_first_event(desk: Desk):
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(desk.client.get("/v1/events?after=1&wait_s=30", headers=JSON))
        await asyncio.sleep(0.02)
        desk.reader.event_views.append(event_view(2))
        desk.gateway.feed.ring()

    assert [one["event_seq"] for one in asked.result().json()["items"]] == [2]


async def test_a_number_that_was_never_given_is_refused(desk: Desk):
    ahead = await desk.client.get("/v1/events?after=99", headers=JSON)
    broken = await desk.client.get("/v1/events", headers={"Last-Event-ID": "x; y", **JSON})

    assert (ahead.status_code, ahead.json()["code"]) == (400, "invalid_cursor")
    assert (broken.status_code, broken.json()["code"]) == (400, "invalid_cursor")


async def test_no_more_streams_than_allowed(desk: Desk):
    settings = desk.gateway.settings.model_copy(update={"max_streams": 1})
    small = create_rest(replace(desk.gateway, settings=settings))
    transport = httpx.ASGITransport(small)

    async with (
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        desk.gateway.feed.follow(),
    ):
        refused = await client.get("/v1/events", headers={"Accept": "text/event-stream"})

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert "SLURMFLEET_API_MAX_STREAMS" in refused.json()["remedy"]
