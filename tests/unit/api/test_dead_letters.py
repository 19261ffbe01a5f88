"""Dead letters over REST: seen whole, told again once, dropped; commands cannot be reached."""

from collections.abc import AsyncIterator

import pytest

from services.projector.retelling import Retelling
from slurmfleet.bus.errors import BusUnavailableError
from slurmfleet.contracts.codec import decode, encode
from slurmfleet.contracts.dead_letters import RETRY, make_dead_letter
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import DEAD_LETTERS, FACTS, STREAMS
from slurmfleet.contracts.subjects import PROJECTOR, admin_subject
from slurmfleet.testing.builders import NOON, a_poll
from tests.unit.api.conftest import Desk

DEAD = "/v1/events/dead"


@pytest.fixture(autouse=True)
async def projector(desk: Desk) -> AsyncIterator[None]:
    """Have the projector's part in it done."""
    retelling = Retelling(desk.bus)
    async with desk.bus.serve(admin_subject(PROJECTOR, RETRY), retelling.handle):
        yield


def told() -> Message:
    (message,) = encode([a_poll()], source="/collector/alpha")
    return message


async def put_aside(desk: Desk, message: Message, *, sequence: int = 7) -> None:
    await desk.bus.prepare(streams=STREAMS)
    letter = make_dead_letter(
        message,
        consumer="projector",
        reason="StatementError: no",
        sequence=sequence,
        delivered_count=3,
        at=NOON,
    )
    await desk.bus.publish(letter)


async def test_without_any_the_list_is_empty(desk: Desk):
    answer = await desk.client.get(DEAD)

    assert answer.json() == {"items": [], "next_cursor": None, "total": 0}


async def test_the_list_says_what_lies_there_and_why(desk: Desk):
    await put_aside(desk, told())

    (item,) = (await desk.client.get(DEAD)).json()["items"]

    assert (item["sequence"], item["cluster"], item["facts"]) == (1, "alpha", 1)
    assert (item["delivered_count"], item["retries"]) == (3, 0)
    assert (item["subject"], item["reason"]) == (told().subject, "StatementError: no")


async def test_a_long_list_is_read_by_pages(desk: Desk):
    for sequence in range(5):
        await put_aside(desk, told(), sequence=sequence)

    first = (await desk.client.get(DEAD, params={"limit": 3})).json()
    rest = (await desk.client.get(DEAD, params={"cursor": first["next_cursor"]})).json()

    assert [one["sequence"] for one in first["items"]] == [1, 2, 3]
    assert [one["sequence"] for one in rest["items"]] == [4, 5]
    assert (first["total"], rest["next_cursor"]) == (5, None)


async def test_one_is_shown_with_its_headers_and_facts(desk: Desk):
    await put_aside(desk, told())

    body = (await desk.client.get(f"{DEAD}/1")).json()

    assert body["headers"]["ce-id"] == told().headers["ce-id"]
    assert [(one["kind"], one["fact_id"]) for one in body["decoded"]] == [
        ("PollFinished", a_poll().fact_id)
    ]
    assert body["body_hex"] == ""


async def test_bytes_that_nobody_can_read_are_shown_as_they_begin(desk: Desk):
    await put_aside(desk, Message(subject=told().subject, body=b"\xff\x00bad"))

    body = (await desk.client.get(f"{DEAD}/1")).json()

    assert body["letter"]["facts"] is None
    assert (body["decoded"], body["body_hex"]) == ([], "ff00626164")


async def test_a_retry_tells_the_same_facts_under_a_new_id(desk: Desk):
    await desk.bus.prepare(streams=STREAMS)
    await desk.bus.publish(told())
    await put_aside(desk, told())

    answer = await desk.client.post(f"{DEAD}/1/retry")

    again = (await desk.bus.read_stored(FACTS.name, 2)).message
    assert answer.json() == {"sequence": 1, "fact_sequence": 2}
    assert (again.subject, decode(again.body)) == (told().subject, (a_poll(),))
    assert again.message_id not in {"", told().message_id}
    assert not [name for name in again.headers if name.startswith("Slurmfleet-Dead")]
    assert await desk.bus.count_stored(DEAD_LETTERS.name) == 0


async def test_a_retry_that_died_before_the_letter_left_stores_nothing_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    await put_aside(desk, told())

    async def die(_stream: str, _sequence: int) -> None:
        raise BusUnavailableError("delete", "gone")

    with monkeypatch.context() as patch:
        patch.setattr(desk.bus, "delete_stored", die)
        failed = await desk.client.post(f"{DEAD}/1/retry")
    again = await desk.client.post(f"{DEAD}/1/retry")

    assert (failed.status_code, again.status_code) == (503, 200)
    assert await desk.bus.count_stored(FACTS.name) == 1
    assert await desk.bus.count_stored(DEAD_LETTERS.name) == 0


async def test_a_letter_that_came_back_says_how_often_it_was_tried(desk: Desk):
    await put_aside(desk, told())
    await desk.client.post(f"{DEAD}/1/retry")
    await put_aside(desk, (await desk.bus.read_stored(FACTS.name, 1)).message, sequence=1)

    (item,) = (await desk.client.get(DEAD)).json()["items"]

    assert (item["sequence"], item["retries"]) == (2, 1)


@pytest.mark.parametrize("subject", ["fleet.v1.cmd.alpha.cancel", "fleet.dead.v1.projector", ""])
async def test_nothing_but_facts_is_told_again(desk: Desk, subject: str):
    await put_aside(desk, Message(subject=subject, body=b"x"))

    answer = await desk.client.post(f"{DEAD}/1/retry")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert await desk.bus.count_stored(DEAD_LETTERS.name) == 1


async def test_a_dropped_letter_is_gone(desk: Desk):
    await put_aside(desk, told())

    dropped = await desk.client.delete(f"{DEAD}/1")
    again = await desk.client.delete(f"{DEAD}/1")

    assert (dropped.status_code, again.status_code) == (204, 404)
    assert again.json()["remedy"]


@pytest.mark.parametrize("cursor", ["-1", "x", "9" * 20])
async def test_a_cursor_that_is_none_is_refused(desk: Desk, cursor: str):
    answer = await desk.client.get(DEAD, params={"cursor": cursor})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_without_a_bus_it_is_said_at_once(desk: Desk):
    with desk.bus.outage():
        answer = await desk.client.get(DEAD)

    assert (answer.status_code, answer.json()["code"]) == (503, "bus_unavailable")
