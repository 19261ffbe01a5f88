"""Dead letters on a real bus, told again through a real gateway into a real store."""

from dataclasses import replace

import httpx
import pytest
from psycopg import sql

from slurmfleet.contracts.codec import encode
from slurmfleet.contracts.dead_letters import make_dead_letter
from slurmfleet.contracts.streams import DEAD_LETTERS
from slurmfleet.testing.builders import NOON, a_poll
from tests.plugins.services import Fleet, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

POLLS = sql.SQL("SELECT count(*) FROM polls")


async def test_a_letter_that_is_told_again_becomes_rows_once(fleet: Fleet):
    (good,) = encode([a_poll()], source="/collector/alpha")
    letter = make_dead_letter(
        good,
        consumer="projector",
        reason="an older version",
        sequence=1,
        delivered_count=1,
        at=NOON,
    )
    await fleet.bus.publish(letter)
    await fleet.bus.publish(replace(letter, headers={**letter.headers, "Nats-Msg-Id": "again"}))
    await fleet.start("projector")
    api = await fleet.start("api")

    async with httpx.AsyncClient(base_url=api.url) as client:
        answers = [await client.post(f"/v1/events/dead/{one}/retry") for one in (1, 2, 2)]

    async def written() -> bool:
        return await fleet.count(POLLS) == 1

    await eventually(written)
    assert [one.status_code for one in answers] == [200, 200, 404]
    assert await fleet.bus.count_stored(DEAD_LETTERS.name) == 0


async def test_poison_that_is_told_again_comes_back_and_says_so(fleet: Fleet):
    (good,) = encode([a_poll()], source="/collector/alpha")
    await fleet.bus.publish(replace(good, body=b"\xff\xff"))
    await fleet.start("projector")
    api = await fleet.start("api")

    async def lies_there(sequence: int) -> bool:
        found = await fleet.bus.list_stored(DEAD_LETTERS.name, limit=10)
        return [one.sequence for one in found] == [sequence]

    async with httpx.AsyncClient(base_url=api.url) as client:
        await eventually(lambda: lies_there(1))
        await client.post("/v1/events/dead/1/retry")
        await eventually(lambda: lies_there(2))
        (item,) = (await client.get("/v1/events/dead")).json()["items"]

    assert (item["retries"], item["facts"]) == (1, None)
    assert item["reason"].startswith("UndecodableMessageError")


async def test_letters_that_wait_are_told_in_readyz_which_stays_ready(fleet: Fleet):
    (good,) = encode([a_poll()], source="/collector/alpha")
    await fleet.bus.publish(
        make_dead_letter(
            good, consumer="projector", reason="why", sequence=1, delivered_count=1, at=NOON
        )
    )
    projector = await fleet.start("projector")

    async def said() -> object:
        async with httpx.AsyncClient(base_url=projector.url) as client:
            return (await client.get("/readyz")).json()["checks"].get("dead-letters")

    await eventually(said)
    assert await said() == {"ok": False, "detail": "1 waits", "required": False}
