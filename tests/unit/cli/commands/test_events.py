"""`slurmfleet events --follow` over broken connections."""

import json

import pytest

from slurmfleet.cli.client import open_client
from slurmfleet.cli.commands.events import follow_events
from slurmfleet.cli.errors import AnsweredError, UnreachableError
from slurmfleet.cli.output import Output
from slurmfleet.cli.where import Door
from slurmfleet.runtime.health import Receive, Scope, Send
from slurmfleet.testing.clock import ManualClock
from tests.unit.cli.conftest import Answer, TinyApi, serving


class HastyClock(ManualClock):
    """Sleeps no real time, and counts how long it would have slept."""

    async def sleep(self, delay_s: float) -> None:
        self.advance(delay_s)


class ApiByTurns(TinyApi):
    """Gives one answer after the other, whatever the path."""

    turns: tuple[Answer, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        turn = self.turns[len(self.asked)]
        self.answers[str(scope["path"])] = turn
        await super().__call__(scope, receive, send)


def _stream(*numbers: int) -> Answer:
    frames = [
        f"id: {number}\nevent: job.ended\ndata: {json.dumps(_event(number))}\n\n"
        for number in numbers
    ]
    return 200, "text/event-stream", "".join(frames).encode()


def _event(number: int) -> dict[str, object]:
    return {
        "event_seq": number,
        "cluster": "alpha",
        "job_id": str(number),
        "verb": "ended",
        "state": "COMPLETED",
        "occurred_at": "2026-01-01T12:00:00Z",
    }


def _problem(status: int, code: str) -> Answer:
    return status, "application/problem+json", json.dumps({"code": code, "detail": code}).encode()


async def test_a_broken_stream_goes_on_after_the_last_event_seen(
    capsys: pytest.CaptureFixture[str],
):
    api = ApiByTurns()
    api.turns = (
        _stream(7, 8),
        _problem(503, "store_unavailable"),
        _stream(9),
        _problem(400, "invalid_cursor"),
    )

    async with serving(api) as door, open_client(door) as client:
        with pytest.raises(AnsweredError, match="invalid_cursor"):
            await follow_events(
                client, {}, after=None, output=Output(as_json=True), clock=HastyClock()
            )

    printed = [json.loads(line)["event_seq"] for line in capsys.readouterr().out.splitlines()]
    assert printed == [7, 8, 9]
    assert api.asked == [
        "GET /v1/events",
        "GET /v1/events?after=8",
        "GET /v1/events?after=8",
        "GET /v1/events?after=9",
    ]


async def test_an_api_that_was_never_there_is_told_at_once():
    door = Door(url="http://127.0.0.1:1", token="", found_by="--url")

    async with open_client(door) as client:
        with pytest.raises(UnreachableError, match="Nothing answers"):
            await follow_events(
                client, {}, after=5, output=Output(as_json=True), clock=HastyClock()
            )
