"""A connection's end is noticed, whether the driver tells of it or not."""

import asyncio

from nats.aio.client import Client

from slurmfleet.bus.nats_link import LOOK_EVERY_S, Link


class SilentClient(Client):
    """The driver, as it is after writing failed while it closed: closed, and nobody was told."""

    is_ended = False

    @property
    def is_closed(self) -> bool:
        return self.is_ended

    async def publish(self, *_: object, **__: object) -> None:
        """Take a message that will never be answered."""


async def test_a_driver_that_closed_without_a_word_is_noticed():
    client = SilentClient()
    link = Link(client)
    answer = await link.post("a.question")
    watching = asyncio.create_task(link.until_closed())
    await asyncio.sleep(0)
    was_waiting = not watching.done()

    client.is_ended = True
    async with asyncio.timeout(3 * LOOK_EVERY_S):
        await watching

    assert was_waiting
    assert link.closed.is_set()
    assert answer.result() is None


async def test_a_driver_that_tells_is_heard_at_once():
    link = Link(SilentClient())
    watching = asyncio.create_task(link.until_closed())
    await asyncio.sleep(0)

    link.fail_all()
    async with asyncio.timeout(LOOK_EVERY_S / 2):
        await watching
